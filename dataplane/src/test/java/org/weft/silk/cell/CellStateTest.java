package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;
import org.weft.testing.Damage;

class CellStateTest {
    private static final Overlay OVERLAY = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24);
    private static final IpAddress UNDERLAY = IpAddress.parse("10.0.16.16");
    private static final IpPrefix SUBNET = IpPrefix.parse("10.255.99.0/24");
    private static final Lease OWN = new Lease(UNDERLAY, SUBNET, SilkNames.vtepMac(SUBNET));
    private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");

    /** There may be containers: the lease is asked for again, and is the same as a rule. */
    @ParameterizedTest
    @EnumSource
    void survivesEveryDamage(Damage damage, @TempDir Path directory) throws IOException {
        CellState state = new CellState(directory, OVERLAY);
        state.save(NOW, OWN, List.of(OWN));
        damage.to(directory.resolve("leases.json"));
        assertNull(state.load(UNDERLAY, 3));
        assertFalse(Files.exists(directory.resolve("leases.json")));
        state.save(NOW, OWN, List.of(OWN));
        assertEquals(OWN, state.load(UNDERLAY, 3).own());
    }
}
