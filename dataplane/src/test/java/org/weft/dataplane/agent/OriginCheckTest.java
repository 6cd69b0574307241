package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.testing.IpPackets;

/** The other cell's containers are 10.255.99.* and fd00:99::3, all behind one host. */
class OriginCheckTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final String NEAR6 = "fd00:132::2";
    private static final String FAR6 = "fd00:99::3";
    private static final long ANOTHER_MAC = 0xeeee_0aff_3700L;
    private static final IpAddress ANOTHER_HOST = IpAddress.parse("10.0.16.99");

    private final IpPackets packets = new IpPackets(DESTINATION_MAC, SOURCE_MAC);
    private final FrameSlab slab = new FrameSlab(1);
    private final Frame frame = new Frame().wrap(slab, slab.claim());
    private final FrameLayout layout = new FrameLayout();
    private Vtep vtep;
    private OriginCheck check;

    @BeforeEach
    void oneNetwork() {
        use("10.255.132.0/16");
    }

    private void use(String addresses) {
        vtep = new Vtep(VtepAttributes.create(
                "silk-vtep",
                Map.of("id", "1", "local", DESTINATION_HOST.toString(), "address", addresses, "gbp", "true"),
                (local, dev) -> 1500,
                warning -> {}));
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse("10.255.99.0"), SOURCE_MAC);
        vtep.neighbours().replace(IpAddress.parse(FAR6), SOURCE_MAC);
        vtep.neighbours().replace(IpAddress.parse("fd00:55::5"), ANOTHER_MAC);
        check = new OriginCheck(vtep);
    }

    private Counter checked(Spoofing spoofing, IpAddress outer, byte[] bytes) {
        frame.buffer().putBytes(frame.start(), bytes);
        frame.offset(frame.start()).length(bytes.length).source(outer.high(), outer.low(), 40_000);
        layout.parse(frame.buffer(), frame.offset(), bytes.length);
        Enforcement none = Enforcement.NONE;
        Enforcement enforcement = new Enforcement(
                none.mode(), none.refusal(), spoofing, 24, none.policies(), none.flows(), none.verdicts());
        return check.check(vtep.config(), enforcement, frame, layout, vtep.counters());
    }

    /** Drops the frame, only counts it, or does not look, as the mode says. */
    private void assertSpoofed(Counter reason, IpAddress outer, byte[] bytes) {
        assertEquals(reason, checked(Spoofing.DROP, outer, bytes));
        assertEquals(false, check.counted());
        Counter passed = Counter.valueOf(reason + "_PASSED");
        long before = vtep.counters().get(passed);
        assertNull(checked(Spoofing.COUNT, outer, bytes));
        assertEquals(true, check.counted());
        assertEquals(before + 1, vtep.counters().get(passed));
        assertNull(checked(Spoofing.OFF, outer, bytes));
        assertEquals(false, check.counted());
    }

    private void assertGenuine(IpAddress outer, byte[] bytes) {
        assertNull(checked(Spoofing.DROP, outer, bytes));
        assertNull(checked(Spoofing.COUNT, outer, bytes));
        assertEquals(false, check.counted());
    }

    private byte[] from(String source) {
        boolean ipv4 = IpAddress.parse(source).isIpv4();
        return packets.udp(source, 40_000, ipv4 ? NEAR : NEAR6, 53);
    }

    @ParameterizedTest
    @CsvSource({
        "10.255.99.3, true",
        "10.255.99.200, true",
        "10.255.98.3, false",
        "10.255.132.2, false",
        // The table has only some IPv6 addresses.
        "fd00:99::3, true",
        "fd00:99::4, true",
        "fd00:55::5, false"
    })
    void theSourceAddressIsOneOfTheHosts(String source, boolean genuine) {
        if (genuine) {
            assertGenuine(SOURCE_HOST, from(source));
        } else {
            assertSpoofed(Counter.SPOOFED_IP, SOURCE_HOST, from(source));
        }
    }

    @Test
    void aMacAddressThatNoHostHasIsSpoofed() {
        byte[] bytes = new IpPackets(DESTINATION_MAC, ANOTHER_MAC).udp(FAR, 1, NEAR, 2);
        assertSpoofed(Counter.SPOOFED_MAC, SOURCE_HOST, bytes);
    }

    @Test
    void aMacAddressOfAnotherHostIsSpoofed() {
        assertSpoofed(Counter.SPOOFED_UNDERLAY, ANOTHER_HOST, from(FAR));
        assertSpoofed(Counter.SPOOFED_UNDERLAY, new IpAddress(1, SOURCE_HOST.low()), from(FAR));
    }

    @Test
    void aMacAddressMayBeThatOfSeveralHosts() {
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(ANOTHER_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse("10.255.99.0"), FdbTable.DEFAULT_MAC);
        byte[] bytes = new IpPackets(DESTINATION_MAC, FdbTable.DEFAULT_MAC).udp(FAR, 1, NEAR, 2);
        assertGenuine(SOURCE_HOST, bytes);
        assertGenuine(ANOTHER_HOST, bytes);
    }

    @Test
    void whatIsNotIpHasNoAddressToSpoof() {
        byte[] bytes = from(FAR);
        bytes[12] = (byte) 0x88;
        bytes[13] = (byte) 0xb5;
        assertGenuine(SOURCE_HOST, bytes);
    }

    @ParameterizedTest
    @CsvSource({"0, true", "7, true", "8, false"})
    void moreTagsThanAreLookedBehindMayHideAnything(int tags, boolean genuine) {
        byte[] bytes = IpPackets.tagged(from(FAR), tags);
        if (genuine) {
            assertGenuine(SOURCE_HOST, bytes);
        } else {
            assertSpoofed(Counter.SPOOFED_IP, SOURCE_HOST, bytes);
        }
    }

    /** A host has the first address of each network; IPv6 and single addresses are not networks. */
    @ParameterizedTest
    @CsvSource({
        "'10.255.132.0/16 10.254.7.0/16', true",
        "'10.255.132.0/16 10.254.7.0/16 fd00::1/64 10.1.1.1/32', true",
        "'10.255.132.0/16', false",
        "'10.255.132.0/16 fd00::1/64 10.1.1.1/32', false"
    })
    void theFirstAddressOfANetworkIsSharedIfThereAreOthers(String addresses, boolean shared) {
        use(addresses);
        if (shared) {
            assertGenuine(SOURCE_HOST, from("10.255.0.0"));
        } else {
            assertSpoofed(Counter.SPOOFED_IP, SOURCE_HOST, from("10.255.0.0"));
        }
        assertSpoofed(Counter.SPOOFED_IP, SOURCE_HOST, from("10.255.0.1"));
    }
}
