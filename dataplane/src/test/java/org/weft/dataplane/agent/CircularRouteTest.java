package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.INNER;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.bytes;

import java.util.Arrays;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.UdpHeader;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;

/** Datagrams that come back into the device that they left through, and those that only look like it. */
class CircularRouteTest {
    private static final int[] POOL = {40_000, 41_000, 42_000, 43_000};
    private static final int[] OTHER_POOL = {50_000, 51_000};
    private static final IpAddress GUEST = IpAddress.parse("10.255.99.3");

    private final MemoryTap tap = new MemoryTap();
    private final MemorySender sender = new MemorySender();
    private final FrameSlab slab = new FrameSlab(64);
    private final FrameRing ring = new FrameRing(64, 1);
    private final OwnDatagrams own = new OwnDatagrams();
    private final Vtep other = new Vtep(Frames.silkVtep(DESTINATION_MAC, SOURCE_HOST));
    private Vtep vtep;
    private TapReader reader;
    private Encapsulator encapsulator;

    @BeforeEach
    void fixedLocalAddress() {
        use(SOURCE_HOST);
    }

    private void use(IpAddress local) {
        use(Frames.silkVtep(SOURCE_MAC, local));
    }

    private void use(VtepConfig config) {
        vtep = new Vtep(config);
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
        own.add(vtep, POOL);
        own.add(other, OTHER_POOL);
        reader = new TapReader(tap, slab, ring, vtep.counters());
        encapsulator = new Encapsulator(vtep, tap, slab, ring, sender, new AgentContext(vtep.counters(), new Capture()))
                .refuseOwn(own);
    }

    @AfterEach
    void everyFrameEndedInOneCounter() {
        Counters counters = vtep.counters();
        assertEquals(counters.get(Counter.TX_FRAMES), counters.get(Counter.TX_SENT) + counters.sum(Kind.TX_DROP));
    }

    @Test
    void dropsItsOwnDatagram() {
        assertTrue(isDropped(datagram(SOURCE_HOST, POOL[2], 1, bytes(INNER))));
        assertEquals(1, vtep.counters().get(Counter.CIRCULAR_ROUTE));
    }

    @Test
    void dropsItsOwnDatagramWhateverIsInIt() {
        assertTrue(isDropped(datagram(SOURCE_HOST, POOL[0], 77, new byte[0])));
    }

    @Test
    void passesVxlanOfAGuestWithTheSameVni() {
        assertFalse(isDropped(datagram(GUEST, POOL[2], 1, fromAnother(bytes(INNER)))));
    }

    @Test
    void passesVxlanOfAnotherProgramOfTheHost() {
        assertFalse(isDropped(datagram(SOURCE_HOST, POOL[2] + 1, 1, fromAnother(bytes(INNER)))));
        assertFalse(isDropped(datagram(SOURCE_HOST, POOL[2] + 1, 2, bytes(INNER))));
        assertFalse(isDropped(datagram(SOURCE_HOST, POOL[2] + 1, 1, new byte[13])));
    }

    /** As masquerade does, with random ports or where another flow has the port. */
    @Test
    void dropsItsOwnDatagramThatSnatHasChanged() {
        byte[] changed = datagram(GUEST, POOL[2] + 1, 1, bytes(INNER));
        assertTrue(isDropped(changed));
        assertTrue(isDropped(datagram(GUEST, POOL[2] + 2, 1, fromOther(changed))), "in one of another VTEP");
        byte[] large = datagram(GUEST, POOL[2] + 1, 1, Frames.segment(1, 400, 0x10));
        for (byte[] fragment : IpPackets.fragments(large, 9, 200)) {
            assertTrue(isDropped(fragment));
        }
    }

    @Test
    void passesTheDatagramsOfAVtepWhoseUnderlayThisOverlayIs() {
        assertFalse(isDropped(datagram(SOURCE_HOST, OTHER_POOL[0], 2, bytes(INNER))));
    }

    /** Both VTEPs have the same local address and the same range of source ports. */
    @Test
    void vtepsThatShareTheirSourcePortsAreToldApart() {
        Vtep nested = new Vtep(Frames.silkVtep(0x0000_0200_0000_0099L, SOURCE_HOST, 7));
        own.remove(vtep);
        own.add(nested, POOL);
        own.add(vtep, POOL);
        byte[] ofNested = datagram(SOURCE_HOST, POOL[2], 7, fromAnother(bytes(INNER)));
        assertFalse(isDropped(ofNested), "the overlay carries another VTEP's datagram");
        byte[] circular = datagram(SOURCE_HOST, POOL[2], 1, fromAnother(bytes(INNER)));
        assertTrue(isDropped(circular));
        assertTrue(isDropped(datagram(SOURCE_HOST, POOL[1], 7, circular)), "in one of the other VTEP");
        assertTrue(isDropped(datagram(SOURCE_HOST, POOL[1], 5, bytes(INNER))), "with the VNI of a forwarding entry");
    }

    @Test
    void dropsItsOwnDatagramInOneOfAnotherVtep() {
        byte[] first = datagram(SOURCE_HOST, POOL[1], 1, bytes(INNER));
        byte[] second = datagram(SOURCE_HOST, OTHER_POOL[0], 2, first);
        assertTrue(isDropped(second));
        assertTrue(isDropped(datagram(SOURCE_HOST, OTHER_POOL[1], 2, second)));
    }

    @Test
    void dropsAllFragmentsOfItsOwnDatagramAndNoOthers() {
        byte[] circular = datagram(SOURCE_HOST, POOL[3], 1, Frames.segment(1, 400, 0x10));
        byte[] guests = datagram(GUEST, POOL[3], 1, fromAnother(Frames.segment(1, 400, 0x10)));
        for (byte[] fragment : IpPackets.fragments(circular, 7, 200)) {
            assertTrue(isDropped(fragment));
        }
        for (byte[] fragment : IpPackets.fragments(guests, 7, 200)) {
            assertFalse(isDropped(fragment));
        }
        assertFalse(isDropped(IpPackets.fragments(circular, 8, 200)[1]));
    }

    @Test
    void knowsItsDatagramByItsSourcePortWhereTheKernelChoseTheAddress() {
        use(IpAddress.parse("0.0.0.0"));
        byte[] inner = fromAnother(bytes(INNER));
        int port = portOf(inner);
        assertTrue(isDropped(datagram(GUEST, port, 1, inner)));
        assertFalse(isDropped(datagram(GUEST, port, 2, inner)));
        for (int another : POOL) {
            assertEquals(another == port, isDropped(datagram(GUEST, another, 1, inner)));
        }
    }

    @Test
    void passesWhatCameFromAVtepThatIsGone() {
        own.remove(vtep);
        assertFalse(isDropped(datagram(SOURCE_HOST, POOL[2], 1, bytes(INNER))));
    }

    /** The host's stack gives a packet the address of the device that it leaves by. */
    @Test
    void knowsItsDatagramByItsSourcePortWhereItHasTheDevicesAddress() {
        use(VtepAttributes.create(
                "silk-vtep",
                Map.of(
                        "id",
                        "1",
                        "local",
                        SOURCE_HOST.toString(),
                        "address",
                        "fd00::1/64 10.255.98.0/16 " + GUEST + "/16"),
                (local, dev) -> 1500,
                warning -> {}));
        byte[] inner = fromAnother(bytes(INNER));
        for (int port : POOL) {
            assertEquals(port == portOf(inner), isDropped(datagram(GUEST, port, 1, inner)));
        }
        assertFalse(isDropped(datagram(GUEST, portOf(inner), 2, inner)));
        assertFalse(isDropped(datagram(IpAddress.parse("10.255.99.4"), portOf(inner), 1, inner)));
    }

    @Test
    void passesWhatIsTooShortToSay() {
        use(IpAddress.parse("0.0.0.0"));
        byte[] whole = datagram(GUEST, POOL[1], 1, bytes(INNER));
        int vxlan = EthernetHeader.LENGTH + Ipv4Header.LENGTH + UdpHeader.LENGTH;
        for (int length = vxlan - UdpHeader.LENGTH; length < vxlan + VxlanHeader.LENGTH; length++) {
            assertFalse(isDropped(Arrays.copyOf(whole, length)), length + " bytes");
        }
    }

    @Test
    void passesADatagramOfAnotherVtepWithoutAFrame() {
        assertFalse(isDropped(datagram(SOURCE_HOST, OTHER_POOL[0], 2, new byte[0])));
        assertFalse(isDropped(datagram(SOURCE_HOST, OTHER_POOL[0], 2, new byte[13])));
    }

    @Test
    void passesFragmentsOfWhichItSawNoFirstOne() {
        byte[] circular = datagram(SOURCE_HOST, POOL[3], 1, Frames.segment(1, 400, 0x10));
        assertFalse(isDropped(IpPackets.fragments(circular, 7, 200)[1]));
        assertTrue(isDropped(IpPackets.fragments(circular, 7, 200)[0]));
        byte[] elsewhere = IpPackets.fragments(circular, 7, 200)[1];
        elsewhere[EthernetHeader.LENGTH + Ipv4Header.LENGTH - 1]++;
        assertFalse(isDropped(elsewhere));
    }

    @Test
    void forgettingAVtepTwiceChangesNothing() {
        own.remove(other);
        own.remove(other);
        assertTrue(isDropped(datagram(SOURCE_HOST, POOL[2], 1, bytes(INNER))));
    }

    /** The same frame from a MAC address that no VTEP has. */
    private static byte[] fromAnother(byte[] frame) {
        return from(0x0000_0200_0000_0077L, frame);
    }

    private static byte[] fromOther(byte[] frame) {
        return from(DESTINATION_MAC, frame);
    }

    private static byte[] from(long mac, byte[] frame) {
        byte[] changed = frame.clone();
        EthernetHeader.source(new UnsafeBuffer(changed), 0, mac);
        return changed;
    }

    private static int portOf(byte[] frame) {
        FrameLayout layout = new FrameLayout();
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        layout.parse(buffer, 0, frame.length);
        return POOL[(int) ((FlowHash.of(buffer, layout) & 0xffff_ffffL) * POOL.length >>> 32)];
    }

    private boolean isDropped(byte[] frame) {
        long before = vtep.counters().get(Counter.CIRCULAR_ROUTE);
        tap.hostSends(frame);
        while (reader.doWork() + encapsulator.doWork() > 0) {
            Thread.onSpinWait();
        }
        long dropped = vtep.counters().get(Counter.CIRCULAR_ROUTE) - before;
        assertEquals(1 - dropped, sender.sent().size());
        return dropped == 1;
    }

    /** A VXLAN datagram as the host routes it into the device. */
    private static byte[] datagram(IpAddress source, int port, int vni, byte[] inner) {
        int network = EthernetHeader.LENGTH;
        int udp = network + Ipv4Header.LENGTH;
        int vxlan = udp + UdpHeader.LENGTH;
        byte[] frame = new byte[vxlan + VxlanHeader.LENGTH + inner.length];
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        EthernetHeader.put(buffer, 0, DESTINATION_MAC, SOURCE_MAC, EthernetHeader.ETHERTYPE_IPV4);
        new Ipv4Header()
                .wrap(buffer, network)
                .headerLength(Ipv4Header.LENGTH)
                .totalLength(frame.length - network)
                .ttl(64)
                .protocol(UdpHeader.PROTOCOL)
                .sourceAddress((int) source.low())
                .destinationAddress((int) DESTINATION_HOST.low())
                .updateChecksum();
        buffer.putShort(udp, (short) port, BIG_ENDIAN);
        buffer.putShort(udp + 2, (short) 4789, BIG_ENDIAN);
        buffer.putShort(udp + 4, (short) (frame.length - udp), BIG_ENDIAN);
        VxlanHeader.put(buffer, vxlan, vni);
        buffer.putBytes(vxlan + VxlanHeader.LENGTH, inner);
        return frame;
    }
}
