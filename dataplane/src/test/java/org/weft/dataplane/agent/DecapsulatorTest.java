package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import static org.weft.testing.Frames.merged;
import static org.weft.testing.Frames.segment;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.collections.Int2ObjectHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryTap.Delivered;
import org.weft.testing.MemoryUnderlay;

class DecapsulatorTest {
    private static final String PLAIN_VXLAN = "0800000000000100";

    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final FrameSlab slab = new FrameSlab(64);
    private final FrameRing ring = new FrameRing(64, 130);
    private final Counters port = new Counters();
    private final Capture capture = new Capture();
    private final Decapsulator decapsulator =
            new Decapsulator("10.0.32.14:4789", underlay, slab, new AgentContext(port, capture));
    private Vtep vtep;
    private TapWriter writer;

    @BeforeEach
    void destinationCell() {
        use(true, false);
    }

    private void use(boolean gbp, boolean learning) {
        VtepConfig c = Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST);
        vtep = new Vtep(c.withEncapsulation(c.encapsulation().withGbp(gbp))
                .withForwarding(c.forwarding().withLearning(learning)));
        writer = new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
        decapsulator.routes(routes);
    }

    private void run() throws Exception {
        while (decapsulator.doWork() + writer.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void everyDatagramEndedInOneCounterAndEverySlotCameBack() {
        Counters counters = vtep.counters();
        assertEquals(port.get(Counter.RX_DATAGRAMS), counters.get(Counter.RX_FRAMES) + port.sum(Kind.RX_DROP));
        assertEquals(
                counters.get(Counter.RX_FRAMES),
                counters.get(Counter.RX_DELIVERED) + counters.get(Counter.RX_COALESCED) + counters.sum(Kind.RX_DROP));
        ring.reclaim(slab);
        assertEquals(slab.slots(), slab.freeSlots());
    }

    private void receive(String hex) throws Exception {
        receive(hex, 0);
    }

    private void receive(String hex, int tos) throws Exception {
        underlay.peerSends(bytes(hex), SOURCE_HOST, tos);
        run();
    }

    private Delivered onlyDelivered() {
        List<Delivered> delivered = tap.delivered();
        assertEquals(1, delivered.size());
        return delivered.get(0);
    }

    private void assertDropped(Counter reason, Counters counters) {
        assertEquals(List.of(), tap.delivered());
        assertEquals(1, counters.get(reason));
        assertEquals(1, counters.sum(Kind.RX_DROP));
    }

    @Test
    void deliversTheSpecifiedPacketByteForByte() throws Exception {
        receive(VXLAN + INNER);
        Delivered delivered = onlyDelivered();
        assertEquals(INNER, hex(delivered.bytes()));
        assertEquals(0, delivered.vnetFlags());
        assertEquals(INNER.length() / 2, vtep.counters().get(Counter.RX_BYTES));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void dropsWhatIsShorterThanItsHeader(int length) throws Exception {
        receive(VXLAN.substring(0, 2 * length));
        assertDropped(Counter.PKT_TOO_SMALL, port);
    }

    @Test
    void dropsWhatHasNoVniFlag() throws Exception {
        receive("8000000100000100" + INNER);
        assertDropped(Counter.VXLAN_INVALID_HDR, port);
    }

    @Test
    void dropsWhatHasNoVtep() throws Exception {
        receive("0800000000000200" + INNER);
        assertDropped(Counter.VXLAN_VNI_NOT_FOUND, port);
    }

    @ParameterizedTest
    @CsvSource({
        // a plain device: every bit but I and the VNI is reserved
        "false, 8800000100000100, true",
        "false, 0900000000000100, true",
        "false, 0800000100000100, true",
        "false, 0800000000000101, true",
        "false, 0800000000000100, false",
        // a group policy device: G and bytes 1 to 3 are not, even without G
        "true,  8800000100000100, false",
        "true,  88480001000001" + "00, false",
        "true,  08ffffff00000100, false",
        "true,  0900000000000100, true",
        "true,  4800000000000100, true",
        "true,  0800000000000180, true"
    })
    void dropsWhatHasReservedBits(boolean gbp, String header, boolean dropped) throws Exception {
        use(gbp, false);
        receive(header + INNER);
        if (dropped) {
            assertDropped(Counter.VXLAN_INVALID_HDR, vtep.counters());
        } else {
            assertEquals(INNER, hex(onlyDelivered().bytes()));
        }
    }

    @Test
    void dropsItsOwnMac() throws Exception {
        receive(VXLAN + INNER.replaceFirst("eeee0aff6300", "eeee0aff8400"));
        assertDropped(Counter.LOCAL_MAC, vtep.counters());
    }

    @Test
    void dropsAMacThatTheDeviceWasGivenLater() throws Exception {
        vtep.device(SOURCE_MAC, 1410);
        receive(VXLAN + INNER);
        assertDropped(Counter.LOCAL_MAC, vtep.counters());
    }

    @Test
    void dropsWhatIsShorterThanAnEthernetHeader() throws Exception {
        receive(VXLAN + INNER.substring(0, 26));
        assertDropped(Counter.PKT_TOO_SMALL, vtep.counters());
    }

    @Test
    void dropsAnIncompleteInnerIpHeader() throws Exception {
        receive(VXLAN + INNER.substring(0, 2 * (14 + 19)));
        assertDropped(Counter.IP_HDR_TRUNC, vtep.counters());
    }

    @Test
    void deliversWhatIsNotIp() throws Exception {
        String frame = "eeee0aff8400eeee0aff630088b5";
        receive(VXLAN + frame);
        assertEquals(frame, hex(onlyDelivered().bytes()));
    }

    @ParameterizedTest
    @CsvSource({
        // RFC 6040 figure 4: inner, outer, result; -1 is a drop
        "0, 0, 0", "0, 2, 0", "0, 1, 0", "0, 3, -1",
        "2, 0, 2", "2, 2, 2", "2, 1, 1", "2, 3, 3",
        "1, 0, 1", "1, 2, 1", "1, 1, 1", "1, 3, 3",
        "3, 0, 3", "3, 2, 3", "3, 1, 3", "3, 3, 3"
    })
    void combinesEcn(int inner, int outer, int result) throws Exception {
        receive(VXLAN + withTos(inner), outer);
        if (result < 0) {
            assertDropped(Counter.IP_TUNNEL_ECN, vtep.counters());
        } else {
            assertEquals(withTos(result), hex(onlyDelivered().bytes()));
        }
    }

    /** The frame with another TOS; the IPv4 checksum 0xa495 covers a TOS of 0. */
    private static String withTos(int tos) {
        return INNER.replace("08004500004d9a12", "080045%02x004d9a12".formatted(tos))
                .replace("3f06a495", "3f06%04x".formatted(0xa495 - tos));
    }

    @Test
    void learnsNothingByDefault() throws Exception {
        receive(VXLAN + INNER);
        assertEquals(0, vtep.fdb().size());
        tap.delivered();
    }

    @Test
    void learnsWhereASourceIsAndFollowsItsMove() throws Exception {
        use(true, true);
        receive(VXLAN + INNER);
        receive(VXLAN + INNER);
        assertEquals(1, vtep.counters().get(Counter.LEARNED));
        FdbLookup found = new FdbLookup();
        vtep.fdb().lookup(SOURCE_MAC, found);
        assertEquals(SOURCE_HOST, new IpAddress(found.high(0), found.low(0)));
        underlay.peerSends(bytes(VXLAN + INNER), IpAddress.parse("10.0.16.99"), 0);
        run();
        vtep.fdb().lookup(SOURCE_MAC, found);
        assertEquals(IpAddress.parse("10.0.16.99"), new IpAddress(found.high(0), found.low(0)));
        assertEquals(3, tap.delivered().size());
    }

    @Test
    void dropsASourceThatIsStaticElsewhereWhenLearning() throws Exception {
        use(true, true);
        vtep.fdb().add(SOURCE_MAC, new Remote(IpAddress.parse("10.0.16.99")), true, 0);
        receive(VXLAN + INNER);
        assertDropped(Counter.VXLAN_ENTRY_EXISTS, vtep.counters());
    }

    @Test
    void dropsAMulticastSourceWhenLearning() throws Exception {
        use(true, true);
        receive(VXLAN + INNER.replaceFirst("eeee0aff6300", "efee0aff6300"));
        assertDropped(Counter.MAC_INVALID_SOURCE, vtep.counters());
    }

    @Test
    void countsWhatADownDeviceDoesNotTake() throws Exception {
        tap.failWrites(5);
        receive(VXLAN + INNER);
        assertDropped(Counter.DEV_READY, vtep.counters());
        tap.failWrites(22);
        receive(VXLAN + INNER);
        assertEquals(1, vtep.counters().get(Counter.TAP_REFUSED));
    }

    @Test
    void passesAPartialChecksumOnAsPartial() throws Exception {
        receive(VXLAN + SOURCE_VTEP);
        Delivered delivered = onlyDelivered();
        assertEquals(SOURCE_VTEP, hex(delivered.bytes()));
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, delivered.vnetFlags());
        assertEquals(VirtioNetHeader.GSO_NONE, delivered.gsoType());
        assertEquals(34, delivered.checksumStart());
        assertEquals(16, delivered.checksumOffset());
    }

    @Test
    void passesAnUnsegmentedSuperFrameOnAsOne() throws Exception {
        int payload = 4000;
        byte[] frame = new byte[14 + 20 + 32 + payload];
        System.arraycopy(bytes(SOURCE_VTEP), 0, frame, 0, 66);
        int ipLength = frame.length - 14;
        frame[16] = (byte) (ipLength >> 8);
        frame[17] = (byte) ipLength;
        int pseudo = 0xfd42 + (ipLength - 77);
        frame[50] = (byte) (pseudo >> 8);
        frame[51] = (byte) pseudo;
        pseudo = (pseudo & 0xffff) + (pseudo >> 16);
        frame[50] = (byte) (pseudo >> 8);
        frame[51] = (byte) pseudo;
        receive(VXLAN + hex(frame));
        Delivered delivered = onlyDelivered();
        assertEquals(VirtioNetHeader.GSO_TCPV4, delivered.gsoType());
        assertEquals(1410 - 20 - 32, delivered.gsoSize());
        assertEquals(66, delivered.headersLength());
    }

    @Test
    void deliversABadChecksumUnchangedForTheHostToJudge() throws Exception {
        String bad = INNER.replace("00d70fc9", "00d70fc8");
        receive(VXLAN + bad);
        Delivered delivered = onlyDelivered();
        assertEquals(bad, hex(delivered.bytes()));
        assertEquals(0, delivered.vnetFlags());
    }

    private static final int ACK = 0x10;
    private static final int ACK_PSH = 0x18;

    @Test
    void makesOneSuperFrameOfWhatTheKernelMerged() throws Exception {
        underlay.peerSendsMerged(
                merged(VXLAN, segment(0, 1000, ACK), segment(1, 1000, ACK), segment(2, 300, ACK_PSH)),
                8 + 1066,
                SOURCE_HOST);
        run();
        Delivered delivered = onlyDelivered();
        assertEquals(66 + 2300, delivered.bytes().length);
        assertEquals(VirtioNetHeader.GSO_TCPV4, delivered.gsoType());
        assertEquals(1000, delivered.gsoSize());
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, delivered.vnetFlags());
        assertEquals(34, delivered.checksumStart());
        assertEquals(16, delivered.checksumOffset());
        assertEquals(0, delivered.bytes()[66]);
        assertEquals(1, delivered.bytes()[66 + 1000]);
        assertEquals(2, delivered.bytes()[66 + 2299]);
        assertEquals(ACK_PSH, delivered.bytes()[47]);
        assertEquals(3, port.get(Counter.RX_DATAGRAMS));
        assertEquals(2, vtep.counters().get(Counter.RX_COALESCED));
    }

    @Test
    void continuesASuperFrameFromSlotToSlot() throws Exception {
        for (int i = 0; i < 5; i++) {
            underlay.peerSendsMerged(
                    merged(VXLAN, segment(2 * i, 1000, ACK), segment(2 * i + 1, 1000, ACK)), 8 + 1066, SOURCE_HOST);
        }
        run();
        assertEquals(66 + 10_000, onlyDelivered().bytes().length);
    }

    @Test
    void keepsTheOrderWhereAFrameDoesNotFit() throws Exception {
        byte[] bad = segment(2, 1000, ACK);
        bad[500]++;
        underlay.peerSendsMerged(
                merged(VXLAN, segment(0, 1000, ACK), segment(1, 1000, ACK), bad, segment(3, 1000, ACK)),
                8 + 1066,
                SOURCE_HOST);
        run();
        List<Delivered> delivered = tap.delivered();
        assertEquals(3, delivered.size());
        assertEquals(66 + 2000, delivered.get(0).bytes().length);
        assertEquals(hex(bad), hex(delivered.get(1).bytes()));
        assertEquals(0, delivered.get(1).vnetFlags());
        assertEquals(hex(segment(3, 1000, ACK)), hex(delivered.get(2).bytes()));
        assertEquals(VirtioNetHeader.FLAG_DATA_VALID, delivered.get(2).vnetFlags());
    }

    @Test
    void takesAMessageForTwoVtepsApart() throws Exception {
        Vtep other = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
        FrameRing otherRing = new FrameRing(64, 130);
        TapWriter otherWriter = new TapWriter(other, tap, slab, otherRing, new AgentContext(other.counters(), capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
        routes.put(2, new Ingress(other, otherRing, other.counters(), null));
        decapsulator.routes(routes);
        String otherVxlan = "8800000100000200";
        byte[] message = merged(VXLAN, segment(0, 1000, ACK), segment(1, 1000, ACK));
        System.arraycopy(bytes(otherVxlan), 0, message, 8 + 1066, 8);
        underlay.peerSendsMerged(message, 8 + 1066, SOURCE_HOST);
        run();
        while (otherWriter.doWork() > 0) {
            Thread.onSpinWait();
        }
        List<Delivered> delivered = tap.delivered();
        assertEquals(2, delivered.size());
        assertEquals(hex(segment(0, 1000, ACK)), hex(delivered.get(0).bytes()));
        assertEquals(hex(segment(1, 1000, ACK)), hex(delivered.get(1).bytes()));
        otherRing.reclaim(slab);
        vtep.counters().add(Counter.RX_FRAMES, other.counters().get(Counter.RX_FRAMES));
        vtep.counters().add(Counter.RX_DELIVERED, other.counters().get(Counter.RX_DELIVERED));
    }

    private void knownPeersOnly(boolean gbp, boolean learning) {
        use(gbp, learning);
        vtep.config(VtepAttributes.change(vtep.config(), Map.of("known-peers", "true"), (local, dev) -> 0, text -> {}));
    }

    @Test
    void dropsDatagramsOfUnknownPeersFirstOfAll() throws Exception {
        knownPeersOnly(true, true);
        receive(VXLAN + INNER);
        receive("0800000100000100" + INNER);
        receive(VXLAN + "00");
        receive(VXLAN + INNER.replace("eeee0aff6300", "eeee0aff8400"));
        assertEquals(List.of(), tap.delivered());
        assertEquals(4, vtep.counters().get(Counter.UNDERLAY_UNKNOWN));
        assertEquals(4, vtep.counters().sum(Kind.RX_DROP));
        assertEquals(0, vtep.fdb().size(), "nothing is learned of them");
    }

    @Test
    void deliversDatagramsOfAPeerFromItsEntryOn() throws Exception {
        knownPeersOnly(true, false);
        byte[] message = merged(VXLAN, segment(0, 1000, ACK), segment(1, 1000, ACK), segment(2, 1000, ACK));
        underlay.peerSendsMerged(message, 8 + 1066, SOURCE_HOST);
        run();
        assertEquals(3, vtep.counters().get(Counter.UNDERLAY_UNKNOWN));
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(SOURCE_HOST), true, 0);
        underlay.peerSendsMerged(message, 8 + 1066, SOURCE_HOST);
        run();
        assertEquals(1, tap.delivered().size());
        assertEquals(3, vtep.counters().get(Counter.UNDERLAY_UNKNOWN));
        underlay.peerSends(bytes(VXLAN + INNER), SOURCE_HOST, 0);
        underlay.peerSends(bytes(VXLAN + INNER), IpAddress.parse("10.0.99.99"), 0);
        underlay.peerSends(bytes(VXLAN + INNER), IpAddress.parse("fd00::99"), 0);
        underlay.peerSends(bytes(VXLAN + INNER), SOURCE_HOST, 0);
        run();
        assertEquals(2, tap.delivered().size());
        assertEquals(5, vtep.counters().get(Counter.UNDERLAY_UNKNOWN));
        vtep.fdb().flush(false);
        receive(VXLAN + INNER);
        assertEquals(6, vtep.counters().get(Counter.UNDERLAY_UNKNOWN));
    }

    @Test
    void mergesNothingWhenSwitchedOff() throws Exception {
        vtep.config(vtep.config().withSwitches(new VtepConfig.Switches(true, true, true, true, false)));
        underlay.peerSendsMerged(merged(VXLAN, segment(0, 1000, ACK), segment(1, 1000, ACK)), 8 + 1066, SOURCE_HOST);
        run();
        List<Delivered> delivered = tap.delivered();
        assertEquals(hex(segment(0, 1000, ACK)), hex(delivered.get(0).bytes()));
        assertEquals(hex(segment(1, 1000, ACK)), hex(delivered.get(1).bytes()));
        for (Delivered frame : delivered) {
            assertEquals(0, frame.vnetFlags());
            assertEquals(VirtioNetHeader.GSO_NONE, frame.gsoType());
            assertEquals(0, frame.gsoSize());
        }
    }

    @Test
    void survivesAnyMergedDatagrams() throws Exception {
        SplittableRandom random = new SplittableRandom(64);
        for (int i = 0; i < 2_000; i++) {
            byte[][] frames = new byte[1 + random.nextInt(20)][];
            for (int k = 0; k < frames.length; k++) {
                frames[k] = segment(k, 1 + random.nextInt(60), random.nextInt(256));
            }
            byte[] message = merged(VXLAN, frames);
            for (int k = random.nextInt(4); k > 0; k--) {
                message[random.nextInt(message.length)] = (byte) random.nextInt();
            }
            underlay.peerSendsMerged(message, 1 + random.nextInt(message.length), SOURCE_HOST);
        }
        run();
        assertTrue(port.get(Counter.RX_DATAGRAMS) > 2_000);
        tap.delivered();
    }

    @Test
    void survivesAnyDatagram() throws Exception {
        SplittableRandom random = new SplittableRandom(4789);
        byte[] good = bytes(VXLAN + INNER);
        for (int i = 0; i < 20_000; i++) {
            byte[] datagram = Arrays.copyOf(good, random.nextInt(good.length + 1));
            for (int k = random.nextInt(4); k > 0 && datagram.length > 0; k--) {
                datagram[random.nextInt(datagram.length)] = (byte) random.nextInt();
            }
            underlay.peerSends(datagram, SOURCE_HOST, random.nextInt(256));
        }
        run();
        assertEquals(20_000, port.get(Counter.RX_DATAGRAMS));
    }
}
