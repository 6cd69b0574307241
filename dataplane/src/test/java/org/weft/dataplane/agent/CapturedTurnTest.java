package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.INNER;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.VXLAN;
import static org.weft.testing.Frames.bytes;
import static org.weft.testing.Frames.segment;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.agrona.collections.Int2ObjectHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.Capture.Point;
import org.weft.dataplane.capture.CaptureFilter;
import org.weft.dataplane.capture.CaptureSession;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** Whole turns in both directions while two sessions capture: one at the TAP, one at the wire. */
class CapturedTurnTest {
    private static final int SEGMENTS = 5;
    private static final int MSS = 1000;

    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final MemorySender sender = new MemorySender();
    private final Capture capture = new Capture();
    private final CaptureSession frames = capture.open(new CaptureFilter(null, Point.TAP, null));
    private final CaptureSession datagrams = capture.open(new CaptureFilter(null, Point.WIRE, null));
    private final FrameSlab ingressSlab = new FrameSlab(64);
    private final FrameRing ingressRing = new FrameRing(64, 130);
    private final FrameSlab egressSlab = new FrameSlab(64);
    private final FrameRing egressRing = new FrameRing(64, 1);
    private final Vtep vtep = new Vtep(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST));
    private final Counters counters = vtep.counters();
    private final Decapsulator decapsulator =
            new Decapsulator("memory", underlay, ingressSlab, new AgentContext(new Counters(), capture));
    private final TapWriter writer =
            new TapWriter(vtep, tap, ingressSlab, ingressRing, new AgentContext(counters, capture));
    private final TapReader reader = new TapReader(tap, egressSlab, egressRing, counters);
    private final Encapsulator encapsulator =
            new Encapsulator(vtep, tap, egressSlab, egressRing, sender, new AgentContext(counters, capture));

    @BeforeEach
    void knowTheOtherHost() {
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ingressRing, counters, null));
        decapsulator.routes(routes);
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
    }

    @AfterEach
    void close() {
        frames.close();
        datagrams.close();
        assertEquals(0, frames.lost() + datagrams.lost());
    }

    private void send() {
        while (reader.doWork() + encapsulator.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    private void receive() {
        while (decapsulator.doWork() + writer.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    private static int captured(CaptureSession session) throws IOException {
        return session.drain(new ByteArrayOutputStream(), Integer.MAX_VALUE);
    }

    private void assertCaptured(int atTheTap, int onTheWire) throws IOException {
        assertEquals(atTheTap, captured(frames), "frames");
        assertEquals(onTheWire, captured(datagrams), "datagrams");
    }

    private void hostSendsSuperFrame(int tags) {
        byte[] frame = IpPackets.tagged(segment(0, SEGMENTS * MSS, 0x10), tags);
        tap.hostSendsSuperFrame(frame, VirtioNetHeader.GSO_TCPV4, MSS, 34 + 4 * tags, 16);
    }

    @Test
    void aFrameIsSeenOnceAndItsDatagramForEachRemote() throws IOException {
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(DESTINATION_HOST), true, 0);
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(IpAddress.parse("10.0.32.15")), true, 0);
        vtep.fdb().remove(DESTINATION_MAC, null);
        tap.hostSends(bytes(INNER));
        send();
        assertCaptured(1, 2);
    }

    @Test
    void aSuperFrameIsSeenAsItCameAndAsItIsCut() throws IOException {
        hostSendsSuperFrame(0);
        send();
        assertCaptured(1, SEGMENTS);
        assertEquals(SEGMENTS, sender.sent().size());
    }

    /**
     * Weft cuts all super-frames while somebody captures, because a capture shows packets as the
     * wire carries them.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void noSuperFrameLeavesUncutWhileItIsCaptured(int tags) throws IOException {
        sender.sendUncut(true);
        hostSendsSuperFrame(tags);
        send();
        assertCaptured(1, SEGMENTS);
        assertEquals(0, counters.get(Counter.TX_UNCUT));
        close();
        hostSendsSuperFrame(tags);
        send();
        assertEquals(tags == 0 ? 1 : 0, counters.get(Counter.TX_UNCUT));
    }

    @Test
    void whatIsDroppedIsSeenWhereItWasDropped() throws IOException {
        vtep.fdb().remove(DESTINATION_MAC, null);
        tap.hostSends(bytes(INNER));
        send();
        assertCaptured(1, 0);
        underlay.peerSends(bytes(VXLAN.replace("0100000100", "0100000900") + INNER), DESTINATION_HOST, 0);
        receive();
        assertCaptured(0, 1);
        assertEquals(1, counters.get(Counter.VXLAN_NO_REMOTE));
    }

    @Test
    void mergedDatagramsAreSeenOneByOneAndTheirFramesMerged() throws IOException {
        byte[][] segments = new byte[SEGMENTS][];
        for (int i = 0; i < SEGMENTS; i++) {
            segments[i] = segment(i, MSS, 0x10);
            System.arraycopy(bytes("eeee0aff8400"), 0, segments[i], 6, 6);
        }
        byte[] message = Frames.merged(VXLAN, segments);
        underlay.peerSendsMerged(message, message.length / SEGMENTS, DESTINATION_HOST);
        receive();
        assertCaptured(1, SEGMENTS);
        assertEquals(SEGMENTS - 1, counters.get(Counter.RX_COALESCED));
    }
}
