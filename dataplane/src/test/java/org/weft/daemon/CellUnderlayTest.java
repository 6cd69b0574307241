package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.LeaseFile;

/** An interface whose addresses come and go, in memory. */
class CellUnderlayTest {
    private static final IpAddress HELD = IpAddress.parse("10.0.16.14");
    private static final IpAddress VIP = IpAddress.parse("10.0.16.99");
    private static final IpAddress OTHER = IpAddress.parse("10.0.16.15");

    /** The first address of the interface; null without. */
    private IpAddress first = HELD;

    private final Set<IpAddress> present = new HashSet<>(Set.of(HELD, VIP));

    private CellUnderlay underlay(IpAddress held) {
        CellConfig config = new CellConfig(
                held,
                "weft-absent",
                List.of(IpPrefix.parse("10.255.0.0/16")),
                24,
                false,
                "silk-vtep",
                Map.of("id", "1"),
                List.of(),
                Path.of("state"),
                "127.0.0.1:0",
                new LeaseFile(Path.of("leases.yml")));
        return new CellUnderlay(config, dev -> first, present::contains);
    }

    /** A network manager removes all addresses and adds them again, the second one first. */
    private void lose(IpAddress now) {
        first = now;
        present.remove(HELD);
    }

    private void restore() {
        present.add(HELD);
    }

    private static void assertStays(CellUnderlay underlay, int looks) {
        for (int look = 1; look <= looks; look++) {
            assertNull(underlay.moved(), "look " + look);
        }
    }

    @Test
    void movesWhenTenLooksSeeTheSameReplacement() {
        CellUnderlay underlay = underlay(HELD);
        lose(OTHER);
        assertStays(underlay, 9);
        assertEquals(
                "the underlay interface weft-absent has the address 10.0.16.15 in place of 10.0.16.14",
                underlay.moved());
    }

    @Test
    void staysWhenTheHeldAddressIsBackInTime() {
        CellUnderlay underlay = underlay(HELD);
        lose(VIP);
        assertStays(underlay, 9);
        restore();
        assertStays(underlay, 20);
        lose(VIP);
        assertStays(underlay, 9);
    }

    @Test
    void countsAgainForAnotherReplacement() {
        CellUnderlay underlay = underlay(HELD);
        lose(VIP);
        assertStays(underlay, 9);
        lose(OTHER);
        assertStays(underlay, 9);
        lose(null);
        assertStays(underlay, 20);
        lose(OTHER);
        assertStays(underlay, 9);
    }

    @Test
    void isMissingUntilTheCellIsServed() {
        first = null;
        CellUnderlay underlay = underlay(null);
        assertNull(underlay.find());
        assertEquals("this host has no underlay interface weft-absent; waiting for it", underlay.missing());

        first = HELD;
        assertEquals(HELD, underlay.find().underlay());
        assertEquals(
                "the cell is starting with the underlay address 10.0.16.14: try again in a moment", underlay.missing());

        underlay.served();
        assertNull(underlay.missing());
    }
}
