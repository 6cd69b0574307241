package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.INNER;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.SOURCE_VTEP;
import static org.weft.testing.Frames.VXLAN;
import static org.weft.testing.Frames.bytes;
import static org.weft.testing.Frames.hex;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemorySender.Sent;
import org.weft.testing.MemoryTap;

class EncapsulatorTest {
    private static final String PLAIN_VXLAN = "0800000000000100";

    private final MemoryTap tap = new MemoryTap();
    private final MemorySender sender = new MemorySender();
    private final FrameSlab slab = new FrameSlab(64);
    private final FrameRing ring = new FrameRing(64, 1);
    private Vtep vtep;
    private TapReader reader;
    private Encapsulator encapsulator;

    @BeforeEach
    void sourceCell() {
        use(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST));
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
        vtep.tags().add(IpPrefix.parse("10.255.99.3"), 1);
    }

    private void use(VtepConfig config) {
        vtep = new Vtep(config);
        reader = new TapReader(tap, slab, ring, vtep.counters());
        encapsulator =
                new Encapsulator(vtep, tap, slab, ring, sender, new AgentContext(vtep.counters(), new Capture()));
    }

    private void run() {
        while (reader.doWork() + encapsulator.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void everyFrameEndedInOneCounterAndEverySlotCameBack() {
        Counters counters = vtep.counters();
        assertEquals(
                counters.get(Counter.TX_FRAMES)
                        + counters.get(Counter.TX_REPLICATED)
                        + counters.get(Counter.TX_SEGMENTED),
                counters.get(Counter.TX_SENT) + counters.get(Counter.NEIGHBOUR_ANSWERED) + counters.sum(Kind.TX_DROP));
        ring.reclaim(slab);
        assertEquals(slab.slots(), slab.freeSlots());
    }

    @Test
    void sendsTheSpecifiedPacketByteForByte() {
        tap.hostSendsPartial(bytes(SOURCE_VTEP), VirtioNetHeader.FLAG_NEEDS_CHECKSUM, 34, 16);
        run();
        Sent sent = onlySent();
        assertEquals(VXLAN + INNER, hex(sent.payload()));
        assertEquals(DESTINATION_HOST, sent.remote());
        assertEquals(4789, sent.port());
        assertEquals(0, sent.tos());
        assertEquals(0, sent.ttl());
        assertFalse(sent.dontFragment());
    }

    @Test
    void leavesACompleteChecksumAlone() {
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(VXLAN + INNER, hex(onlySent().payload()));
    }

    @Test
    void leavesUntaggedWhatHasNoTag() {
        vtep.tags().remove(IpPrefix.parse("10.255.99.3"));
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(PLAIN_VXLAN + INNER, hex(onlySent().payload()));
    }

    @Test
    void leavesUntaggedWithoutGroupPolicy() {
        vtep.config(with(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST), 0, 0, Df.UNSET, false));
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(PLAIN_VXLAN + INNER, hex(onlySent().payload()));
    }

    @Test
    void dropsFrameForUnknownMac() {
        vtep.fdb().remove(DESTINATION_MAC, null);
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(List.of(), sender.sent());
        assertEquals(1, vtep.counters().get(Counter.VXLAN_NO_REMOTE));
        assertArrayEquals(
                bytes(INNER), vtep.counters().lastDrop(Counter.VXLAN_NO_REMOTE).header());
    }

    @Test
    void sendsUnknownAndBroadcastToEveryRemoteOfTheDefaultEntry() {
        vtep.fdb().remove(DESTINATION_MAC, null);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.1")), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.2"), 4790, 7), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.3")), true, 0);
        tap.hostSends(bytes(INNER));
        run();
        List<Sent> sent = sender.sent();
        assertEquals(
                List.of("10.0.0.1", "10.0.0.2", "10.0.0.3"),
                sent.stream().map(datagram -> datagram.remote().toString()).toList());
        assertEquals(List.of(4789, 4790, 4789), sent.stream().map(Sent::port).toList());
        assertEquals(VXLAN + INNER, hex(sent.get(0).payload()));
        assertEquals("8800000100000700" + INNER, hex(sent.get(1).payload()));
        assertEquals(VXLAN + INNER, hex(sent.get(2).payload()));
        assertEquals(2, vtep.counters().get(Counter.TX_REPLICATED));
    }

    @Test
    void keepsAFlowOnOneSourcePortAndSpreadsOthers() {
        byte[] other = bytes(INNER);
        other[35]++;
        tap.hostSends(bytes(INNER));
        tap.hostSends(other);
        tap.hostSends(bytes(INNER));
        run();
        List<Sent> sent = sender.sent();
        assertEquals(sent.get(0).flowHash(), sent.get(2).flowHash());
        assertTrue(sent.get(0).flowHash() != sent.get(1).flowHash());
    }

    @ParameterizedTest
    @CsvSource({
        // configured, inner, outer: INET_ECN_encapsulate
        "0,    0x00, 0x00",
        "0,    0xb8, 0x00",
        "0,    0x01, 0x01",
        "0,    0x02, 0x02",
        "0,    0x03, 0x02",
        "0x50, 0xb9, 0x51",
        "0x50, 0x00, 0x50",
        "1,    0xb8, 0xb8",
        "1,    0xbb, 0xba"
    })
    void carriesEcnAndTakesDscpAsConfigured(int configured, int inner, int outer) {
        vtep.config(with(vtep.config(), 0, configured, Df.UNSET, true));
        byte[] frame = bytes(INNER);
        frame[15] = (byte) inner;
        tap.hostSends(frame);
        run();
        assertEquals(outer, onlySent().tos());
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "255, 255", "-1, 63"})
    void setsTtlAsConfigured(int configured, int outer) {
        vtep.config(with(vtep.config(), configured, 0, Df.UNSET, true));
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(outer, onlySent().ttl());
    }

    @ParameterizedTest
    @CsvSource({
        "UNSET, 0x40, false",
        "UNSET, 0x00, false",
        "SET, 0x00, true",
        "INHERIT, 0x40, true",
        "INHERIT, 0x00, false"
    })
    void setsDontFragmentAsConfigured(Df df, int innerFlags, boolean outer) {
        vtep.config(with(vtep.config(), 0, 0, df, true));
        byte[] frame = bytes(INNER);
        frame[20] = (byte) innerFlags;
        tap.hostSends(frame);
        run();
        assertEquals(outer, onlySent().dontFragment());
    }

    @ParameterizedTest
    @CsvSource({
        "11, SOCKET_SNDBUFF",
        "90, PKT_TOO_BIG",
        "101, IP_OUTNOROUTES",
        "22, IP_OUTNOROUTES",
        "1, UNDERLAY_REFUSED"
    })
    void countsWhatTheKernelDidNotSend(int errno, Counter reason) {
        sender.failSends(errno);
        tap.hostSends(bytes(INNER));
        run();
        assertEquals(1, vtep.counters().get(reason));
        assertEquals(0, vtep.counters().get(Counter.TX_SENT));
    }

    @Test
    void dropsWhatIsShorterThanItsHeaders() {
        tap.hostSends(new byte[13]);
        tap.hostSendsPartial(new byte[40], VirtioNetHeader.FLAG_NEEDS_CHECKSUM, 34, 16);
        tap.hostSends(bytes(INNER.substring(0, 2 * 33)));
        run();
        assertEquals(3, vtep.counters().get(Counter.TX_HDR_TRUNC));
    }

    @Test
    void dropsAFrameWhoseChecksumGoesWhereNoProtocolHasIt() {
        byte[] frame = Arrays.copyOf(bytes(SOURCE_VTEP), 400);
        tap.hostSendsPartial(frame, VirtioNetHeader.FLAG_NEEDS_CHECKSUM, 34, 256 + 16);
        run();
        assertEquals(1, vtep.counters().get(Counter.TX_HDR_TRUNC));
        assertEquals(0, vtep.counters().get(Counter.TX_SENT));
    }

    @Test
    void sendsABatchByOneFlush() {
        for (int i = 0; i < 20; i++) {
            tap.hostSends(bytes(INNER));
        }
        run();
        assertEquals(20, sender.sent().size());
        assertEquals(1, sender.flushes());
    }

    /** The specified packet with a payload of another length, its checksum left to the device. */
    private static byte[] superFrame(int payloadLength) {
        byte[] frame = Arrays.copyOf(bytes(SOURCE_VTEP), 66 + payloadLength);
        ByteBuffer.wrap(frame).putShort(16, (short) (52 + payloadLength));
        for (int i = 66; i < frame.length; i++) {
            frame[i] = (byte) i;
        }
        return frame;
    }

    @Test
    void cutsASuperFrameIntoDatagramsOfOneFlow() {
        tap.hostSendsSuperFrame(superFrame(3 * 1358 + 100), VirtioNetHeader.GSO_TCPV4, 1358, 34, 16);
        run();
        List<Sent> sent = sender.sent();
        assertEquals(4, sent.size());
        int sequence = 0x8c783a6f;
        for (int i = 0; i < 4; i++) {
            Sent segment = sent.get(i);
            int payload = i < 3 ? 1358 : 100;
            assertEquals(VXLAN, hex(segment.payload()).substring(0, 16));
            assertEquals(8 + 66 + payload, segment.payload().length);
            ByteBuffer inner =
                    ByteBuffer.wrap(segment.payload(), 8, 66 + payload).slice();
            assertEquals(52 + payload, inner.getShort(16));
            assertEquals(0x9a12 + i, inner.getShort(18) & 0xffff);
            assertEquals(sequence + i * 1358, inner.getInt(38));
            assertEquals(i == 3 ? 0x18 : 0x10, inner.get(47));
            assertEquals((byte) (66 + i * 1358), inner.get(66));
            assertEquals(sent.get(0).flowHash(), segment.flowHash());
        }
        assertEquals(1, vtep.counters().get(Counter.TX_FRAMES));
        assertEquals(3, vtep.counters().get(Counter.TX_SEGMENTED));
        assertEquals(1, sender.flushes());
    }

    @Test
    void cutsASuperFrameIntoMoreSegmentsThanABatchHolds() {
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV4, 1, 34, 16);
        run();
        List<Sent> sent = sender.sent();
        assertEquals(2000, sent.size());
        for (int i = 0; i < 2000; i++) {
            assertEquals(VXLAN, hex(sent.get(i).payload()).substring(0, 16));
            assertEquals((byte) (66 + i), sent.get(i).payload()[8 + 66]);
        }
        assertEquals(2000, vtep.counters().get(Counter.TX_SENT));
        assertTrue(sender.flushes() > 1);
    }

    @Test
    void replicatesASuperFrame() {
        vtep.fdb().remove(DESTINATION_MAC, null);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.1")), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.2"), 4790, 7), true, 0);
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV4, 1358, 34, 16);
        run();
        List<Sent> sent = sender.sent();
        assertEquals(4, sent.size());
        assertEquals(
                hex(sent.get(0).payload()).substring(16),
                hex(sent.get(2).payload()).substring(16));
        assertEquals("8800000100000700", hex(sent.get(3).payload()).substring(0, 16));
        assertEquals(1, vtep.counters().get(Counter.TX_REPLICATED));
        assertEquals(2, vtep.counters().get(Counter.TX_SEGMENTED));
    }

    @Test
    void sendsASuperFrameUncutBehindWhatCameBeforeIt() {
        sender.sendUncut(true);
        byte[] superFrame = superFrame(2000);
        tap.hostSends(bytes(INNER));
        tap.hostSendsSuperFrame(superFrame, VirtioNetHeader.GSO_TCPV4, 1358, 34, 16);
        tap.hostSends(bytes(INNER));
        run();
        List<String> sent =
                sender.sent().stream().map(datagram -> hex(datagram.payload())).toList();
        assertEquals(List.of(VXLAN + INNER, VXLAN + hex(superFrame), VXLAN + INNER), sent);
        assertEquals(3, vtep.counters().get(Counter.TX_SENT));
        assertEquals(1, vtep.counters().get(Counter.TX_UNCUT));
        assertEquals(0, vtep.counters().get(Counter.TX_SEGMENTED));
    }

    @Test
    void sendsASuperFrameUncutToEachRemote() {
        sender.sendUncut(true);
        vtep.fdb().remove(DESTINATION_MAC, null);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.1")), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.0.2"), 4790, 7), true, 0);
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV4, 1358, 34, 16);
        run();
        List<Sent> sent = sender.sent();
        assertEquals(hex(superFrame(2000)), hex(sent.get(0).payload()).substring(16));
        assertEquals(hex(superFrame(2000)), hex(sent.get(1).payload()).substring(16));
        assertEquals("8800000100000700", hex(sent.get(1).payload()).substring(0, 16));
        assertEquals(4790, sent.get(1).port());
    }

    @Test
    void cutsWhatTheSenderDoesNotTakeUncut() {
        sender.sendUncut(true);
        sender.refuseUncut(true);
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV4, 1358, 34, 16);
        run();
        assertEquals(2, sender.sent().size());
        assertEquals(0, vtep.counters().get(Counter.TX_UNCUT));
        assertEquals(1, vtep.counters().get(Counter.TX_SEGMENTED));
    }

    /** A receiver could not tell where the datagrams of an uncut one end. */
    @Test
    void cutsSuperFramesOfUdpItself() {
        sender.sendUncut(true);
        byte[] datagrams = Arrays.copyOf(superFrame(2000), 42 + 2000);
        ByteBuffer.wrap(datagrams).putShort(16, (short) 2028).put(23, (byte) 17).putShort(38, (short) 2008);
        tap.hostSendsSuperFrame(datagrams, VirtioNetHeader.GSO_UDP_L4, 1000, 34, 6);
        run();
        assertEquals(2, sender.sent().size());
        assertEquals(0, vtep.counters().get(Counter.TX_UNCUT));
    }

    @Test
    void dropsASuperFrameThatContradictsItself() {
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV6, 1358, 34, 16);
        tap.hostSendsSuperFrame(superFrame(2000), VirtioNetHeader.GSO_TCPV4, 0, 34, 16);
        run();
        assertEquals(2, vtep.counters().get(Counter.SKB_GSO_SEG));
        assertEquals(List.of(), sender.sent());
    }

    @Test
    void answersArpForAKnownNeighbour() {
        vtep.neighbours().add(IpAddress.parse("10.255.132.0"), DESTINATION_MAC);
        tap.hostSends(arpRequest("0aff8400"));
        run();
        assertEquals(List.of(), sender.sent());
        assertEquals(
                "eeee0aff6300eeee0aff840008060001080006040002" + "eeee0aff84000aff8400eeee0aff63000aff6300",
                hex(tap.delivered().get(0).bytes()));
        assertEquals(1, vtep.counters().get(Counter.NEIGHBOUR_ANSWERED));
    }

    @Test
    void forwardsNoArpItCannotAnswer() {
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(DESTINATION_HOST), true, 0);
        tap.hostSends(arpRequest("0aff8500"));
        run();
        assertEquals(List.of(), sender.sent());
        assertEquals(List.of(), tap.delivered());
        assertEquals(1, vtep.counters().get(Counter.NEIGH_UNKNOWN));
    }

    @Test
    void forwardsArpWithoutProxy() {
        VtepConfig c = Frames.silkVtep(SOURCE_MAC, SOURCE_HOST);
        use(c.withForwarding(c.forwarding().withProxy(false)));
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(DESTINATION_HOST), true, 0);
        tap.hostSends(arpRequest("0aff8400"));
        run();
        assertEquals(PLAIN_VXLAN + hex(arpRequest("0aff8400")), hex(onlySent().payload()));
    }

    @Test
    void countsAnAnswerThatTheDeviceDoesNotTake() {
        vtep.neighbours().add(IpAddress.parse("10.255.132.0"), DESTINATION_MAC);
        tap.failWrites(5);
        tap.hostSends(arpRequest("0aff8400"));
        run();
        assertEquals(1, vtep.counters().get(Counter.NEIGH_UNANSWERED));
    }

    private static byte[] arpRequest(String target) {
        return bytes("ffffffffffffeeee0aff630008060001080006040001" + "eeee0aff63000aff6300" + "000000000000" + target);
    }

    private Sent onlySent() {
        List<Sent> sent = sender.sent();
        assertEquals(1, sent.size());
        return sent.get(0);
    }

    private static VtepConfig with(VtepConfig c, int ttl, int tos, Df df, boolean gbp) {
        return c.withEncapsulation(new Encapsulation(ttl, tos, df, gbp));
    }
}
