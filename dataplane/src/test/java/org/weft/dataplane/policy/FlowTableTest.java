package org.weft.dataplane.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.encap.TcpHeader.ACK;
import static org.weft.encap.TcpHeader.FIN;
import static org.weft.encap.TcpHeader.RST;
import static org.weft.encap.TcpHeader.SYN;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.policy.FlowTable.Arrival;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpPrefix;
import org.weft.testing.IpPackets;

class FlowTableTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";

    private final IpPackets packets = new IpPackets(0xeeee_0aff_8400L, 0xeeee_0aff_6300L);
    private final FlowTable flows = new FlowTable(1024, Timeouts.DEFAULT);
    private int now = 1000;

    private static FlowKey key(byte[] frame) {
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        FrameLayout layout = new FrameLayout();
        layout.parse(buffer, 0, frame.length);
        FlowKey key = new FlowKey();
        key.read(buffer, layout);
        return key;
    }

    private FlowKey in(int port, int flags) {
        return key(packets.tcp(FAR, port, NEAR, 7777, flags));
    }

    private FlowKey out(int port, int flags) {
        return key(packets.tcp(NEAR, 7777, FAR, port, flags));
    }

    private FlowKey udpIn(int port) {
        return key(packets.udp(FAR, port, NEAR, 53));
    }

    private FlowKey udpOut(int port) {
        return key(packets.udp(NEAR, 53, FAR, port));
    }

    private void establish(int port) {
        flows.admit(in(port, SYN), now);
        flows.depart(out(port, SYN | ACK), now);
        flows.arrive(in(port, ACK), now);
    }

    private Arrival arrivalAfter(int seconds, FlowKey key) {
        return flows.arrive(key, now + seconds);
    }

    @Test
    void aFlowIsNewUntilItWasLetInAndUnansweredUntilItGoesBothWays() {
        assertEquals(Arrival.NEW, flows.arrive(in(1, SYN), now));
        assertEquals(Arrival.NEW, flows.arrive(in(1, SYN), now), "asking enters nothing");
        assertTrue(flows.admit(in(1, SYN), now));
        assertEquals(Arrival.UNANSWERED, flows.arrive(in(1, SYN), now));
        assertTrue(flows.depart(out(1, SYN | ACK), now));
        assertEquals(Arrival.ESTABLISHED, flows.arrive(in(1, ACK), now));
        assertEquals(1, flows.size(now));
    }

    @ParameterizedTest
    @CsvSource({
        "tcp syn sent, 119, ESTABLISHED", "tcp syn sent, 120, NEW",
        "tcp admitted, 119, UNANSWERED", "tcp admitted, 120, NEW",
        "tcp answered, 59, ESTABLISHED", "tcp answered, 60, NEW",
        "tcp established, 431999, ESTABLISHED", "tcp established, 432000, NEW",
        "tcp half closed, 119, ESTABLISHED", "tcp half closed, 120, NEW",
        "tcp reset, 9, ESTABLISHED", "tcp reset, 10, NEW",
        "udp admitted, 29, UNANSWERED", "udp admitted, 30, NEW",
        "udp both ways, 119, ESTABLISHED", "udp both ways, 120, NEW"
    })
    void aFlowIsForgottenAsTheKernelForgetsIt(String state, int seconds, Arrival arrival) {
        FlowKey later = in(1, ACK);
        switch (state) {
            case "tcp syn sent" -> flows.depart(out(1, SYN), now);
            case "tcp admitted" -> flows.admit(later = in(1, SYN), now);
            case "tcp answered" -> {
                flows.admit(in(1, SYN), now);
                flows.depart(out(1, SYN | ACK), now);
            }
            case "udp admitted" -> flows.admit(later = udpIn(1), now);
            case "udp both ways" -> {
                flows.admit(later = udpIn(1), now);
                flows.depart(udpOut(1), now);
            }
            default -> establish(1);
        }
        if (state.endsWith("half closed")) {
            flows.depart(out(1, FIN | ACK), now);
        } else if (state.endsWith("reset")) {
            flows.arrive(in(1, RST), now);
        }
        assertEquals(arrival, arrivalAfter(seconds, later));
    }

    @Test
    void aConnectionFromTheMiddleGoesOnWhenOneSideHasEndedIt() {
        flows.depart(out(1, ACK), now);
        assertEquals(Arrival.ESTABLISHED, flows.arrive(in(1, FIN | ACK), now));
        assertEquals(Arrival.INVALID, flows.arrive(in(1, SYN), now));
        assertEquals(Arrival.ESTABLISHED, flows.arrive(in(1, ACK), now + 100));
    }

    @Test
    void aRefusedConnectionLeavesNothing() {
        flows.depart(out(1, SYN), now);
        assertEquals(Arrival.ESTABLISHED, flows.arrive(in(1, RST | ACK), now), "the refusal is an answer");
        assertEquals(0, flows.size(now));
        flows.admit(in(2, SYN), now);
        flows.depart(out(2, RST | ACK), now);
        assertEquals(0, flows.size(now));
    }

    @Test
    void aSynAfterTheEndIsJudgedAnew() {
        establish(1);
        flows.depart(out(1, FIN | ACK), now);
        flows.arrive(in(1, FIN | ACK), now);
        flows.depart(out(1, ACK), now);
        assertEquals(Arrival.NEW, flows.arrive(in(1, SYN), now));
        assertEquals(Arrival.NEW, flows.arrive(in(1, ACK), now), "of the old one nothing is left");
    }

    @Test
    void aSynThatComesAgainKeepsNoFlow() {
        flows.admit(in(1, SYN), now);
        assertEquals(Arrival.UNANSWERED, flows.arrive(in(1, SYN), now + 100));
        assertEquals(Arrival.NEW, flows.arrive(in(1, SYN), now + 120));
    }

    @Test
    void noFlowBeginsWithAnAnswer() {
        for (int flags : new int[] {SYN | ACK, FIN | ACK, RST, RST | ACK, 0, FIN, SYN | FIN}) {
            assertTrue(flows.admit(in(1, flags), now));
            assertTrue(flows.depart(out(1, flags), now));
            assertTrue(flows.admit(key(packets.icmp(FAR, NEAR, 0, 7)), now));
        }
        assertEquals(0, flows.size(now));
    }

    @Test
    void eachPacketKeepsAFlow() {
        establish(1);
        flows.timeouts(new Timeouts(100, 50));
        for (int i = 0; i < 10; i++) {
            now += 99;
            assertEquals(Arrival.ESTABLISHED, flows.arrive(in(1, ACK), now));
        }
        assertEquals(Arrival.NEW, arrivalAfter(100, in(1, ACK)));
    }

    @Test
    void whatLeftIsKnownByWhatIsSaidAboutIt() {
        assertFalse(flows.knows(udpOut(1), now));
        flows.depart(udpOut(1), now);
        assertTrue(flows.knows(udpOut(1), now));
        assertFalse(flows.knows(udpOut(2), now));
    }

    @Test
    void remembersFragmentsForAsLongAsTheyMayTakeToBePutTogether() {
        byte[] packet = packets.udp(FAR, 1, NEAR, 53);
        FlowKey first = key(IpPackets.fragments(packet, 5, 16)[0]);
        FlowKey later = key(IpPackets.fragments(packet, 5, 16)[1]);
        FlowKey other = key(IpPackets.fragments(packet, 6, 16)[1]);
        assertEquals(FlowTable.UNKNOWN, flows.fragment(later, now));
        flows.fragment(first, true, now);
        assertEquals(1, flows.fragment(later, now + 29));
        assertEquals(FlowTable.UNKNOWN, flows.fragment(later, now + 30));
        assertEquals(FlowTable.UNKNOWN, flows.fragment(other, now));
        flows.fragment(first, false, now);
        assertEquals(0, flows.fragment(later, now));
    }

    @Test
    void aFloodOustsNoEstablishedFlowAndIsTakenInTurn() {
        for (int port = 1; port <= 256; port++) {
            establish(port);
        }
        for (int i = 0; i < 100_000; i++) {
            flows.admit(key(packets.tcp("10.255.99." + (i & 255), 1 + i % 60_000, NEAR, 7777, SYN)), now);
        }
        for (int port = 1; port <= 256; port++) {
            assertEquals(Arrival.ESTABLISHED, flows.arrive(in(port, ACK), now));
        }
        assertTrue(flows.size(now) <= flows.capacity());
    }

    @Test
    void hasRoomUntilThreeInFourSlotsAreTaken() {
        FlowTable large = new FlowTable(1 << 16, Timeouts.DEFAULT);
        int half = large.capacity() / 2;
        assertEquals(half, establish(large, 0, half));
        assertEquals(half, large.size(now));
        // Which flows share buckets is random.
        int quarter = half / 2;
        assertTrue(establish(large, half, quarter) > 0.99 * quarter);
    }

    /** How many of flows that go both ways found room. */
    private int establish(FlowTable table, int first, int count) {
        int kept = 0;
        for (int i = first; i < first + count; i++) {
            String far = "10.255." + (1 + i / 60_000) + ".3";
            int port = 1 + i % 60_000;
            kept += table.admit(key(packets.udp(far, port, NEAR, 53)), now) ? 1 : 0;
            table.depart(key(packets.udp(NEAR, 53, far, port)), now);
            table.arrive(key(packets.udp(far, port, NEAR, 53)), now);
        }
        return kept;
    }

    private FlowKey inTo(int container, int flags) {
        return key(packets.tcp(FAR, 1, "10.255.132." + container, 7777, flags));
    }

    private FlowKey outFrom(int container, int flags) {
        return key(packets.tcp("10.255.132." + container, 7777, FAR, 1, flags));
    }

    /** Each address has its share, which is one. */
    @Test
    void saysWhenItIsFull() {
        FlowTable small = new FlowTable(8, Timeouts.DEFAULT);
        for (int container = 1; container <= 8; container++) {
            assertTrue(small.admit(inTo(container, SYN), now));
            small.depart(outFrom(container, SYN | ACK), now);
            small.arrive(inTo(container, ACK), now);
        }
        assertFalse(small.admit(inTo(9, SYN), now));
        assertFalse(small.depart(outFrom(9, SYN), now));
        assertTrue(small.depart(outFrom(1, ACK), now), "of what is in it, nothing is lost");
        small.depart(outFrom(3, FIN | ACK), now);
        small.arrive(inTo(3, FIN | ACK), now);
        assertTrue(small.admit(inTo(9, SYN), now), "in place of the one that has ended");
    }

    /** What makes a flow that goes both ways, so that it is held. */
    private void hold(FlowTable table, String far, int port, String near) {
        table.admit(key(packets.udp(far, port, near, 53)), now);
        table.depart(key(packets.udp(near, 53, far, port)), now);
        table.arrive(key(packets.udp(far, port, near, 53)), now);
    }

    @Test
    void onePairThatFillsItTakesNoRoomFromOthers() {
        FlowTable table = new FlowTable(8192, Timeouts.DEFAULT);
        String other = "10.255.132.9";
        for (int port = 1; port <= 500; port++) {
            hold(table, "10.255.98.7", port, other);
        }
        for (int port = 1; port <= 60_000; port++) {
            hold(table, FAR, port, NEAR);
        }
        assertTrue(table.size(now) > 0.99 * table.capacity(), "a sole address may use what the others leave");
        for (int port = 1; port <= 500; port++) {
            assertEquals(Arrival.ESTABLISHED, table.arrive(key(packets.udp("10.255.98.7", port, other, 53)), now));
        }
        String newcomer = "10.255.132.10";
        for (int port = 1; port <= 500; port++) {
            assertTrue(table.depart(key(packets.udp(newcomer, port, FAR, 53)), now), "flow " + port);
            hold(table, FAR, 60_000 + port, NEAR);
        }
        for (int port = 1; port <= 500; port++) {
            assertEquals(Arrival.ESTABLISHED, table.arrive(key(packets.udp(FAR, 53, newcomer, port)), now));
        }
    }

    @Test
    void ofAnAddressWithTooManyTheOldestGoFirst() {
        FlowTable table = new FlowTable(1024, Timeouts.DEFAULT);
        for (int port = 1; port <= 20_000; port++) {
            now += port % 200 == 0 ? 1 : 0;
            hold(table, FAR, port, NEAR);
        }
        int kept = 0;
        for (int port = 19_801; port <= 20_000; port++) {
            kept += table.arrive(key(packets.udp(FAR, port, NEAR, 53)), now) == Arrival.ESTABLISHED ? 1 : 0;
        }
        assertEquals(200, kept);
        assertEquals(Arrival.NEW, table.arrive(key(packets.udp(FAR, 1, NEAR, 53)), now));
    }

    @Test
    void aFlowThatEndedInSilenceCountsUntilItIsSweptOut() {
        IpPrefix near = IpPrefix.parse(NEAR);
        assertFalse(flows.mayHold(near));
        flows.admit(udpIn(1), now);
        flows.sweep(now + 29);
        assertTrue(flows.mayHold(near));
        flows.sweep(now + 30);
        assertFalse(flows.mayHold(near));
        assertTrue(flows.mayHold(IpPrefix.parse("10.255.132.0/24")), "of a network it says nothing");
    }

    @Test
    void everySlotCountsOnceForTheAddressThatHasIt() {
        SplittableRandom random = new SplittableRandom(11);
        FlowTable table = new FlowTable(1024, Timeouts.DEFAULT);
        for (int i = 0; i < 200_000; i++) {
            String near = "10.255.132." + random.nextInt(1, 5);
            int port = random.nextInt(1, 2000);
            int flags = new int[] {SYN, SYN | ACK, ACK, FIN | ACK, RST}[random.nextInt(5)];
            now += random.nextInt(100) == 0 ? 1 : 0;
            if (random.nextBoolean()) {
                table.admit(key(packets.tcp(FAR, port, near, 80, flags)), now);
                table.arrive(key(packets.tcp(FAR, port, near, 80, flags)), now);
            } else {
                table.depart(key(packets.tcp(near, 80, FAR, port, flags)), now);
            }
        }
        for (int container = 1; container < 5; container++) {
            IpPrefix near = IpPrefix.parse("10.255.132." + container);
            assertTrue(table.mayHold(near));
            assertTrue(table.forget(List.of(near)) > 0);
            assertFalse(table.mayHold(near));
        }
        assertEquals(0, table.size(now));
    }

    @Test
    void forgetsTheFlowsOfAnAddressInBothDirections() {
        establish(1);
        flows.depart(udpOut(2), now);
        flows.admit(udpIn(3), now);
        FlowKey fragment = key(IpPackets.fragments(packets.udp(FAR, 1, NEAR, 53), 5, 16)[0]);
        flows.fragment(fragment, true, now);
        hold(flows, FAR, 9, "10.255.132.9");
        FlowKey v6 = key(packets.tcp("fd00::99:3", 1, "fd00::132:2", 80, SYN));
        flows.admit(v6, now);
        assertEquals(6, flows.size(now));
        assertEquals(4, flows.forget(List.of(IpPrefix.parse(NEAR))));
        assertEquals(Arrival.NEW, flows.arrive(in(1, ACK), now));
        assertFalse(flows.knows(udpOut(2), now));
        assertEquals(FlowTable.UNKNOWN, flows.fragment(fragment, now));
        assertEquals(2, flows.size(now));
        assertEquals(0, flows.forget(List.of(IpPrefix.parse("10.255.132.0/29"), IpPrefix.parse("fd01::/16"))));
        assertEquals(1, flows.forget(List.of(IpPrefix.parse(FAR))), "as the other end");
        assertEquals(1, flows.forget(List.of(IpPrefix.parse("fd00::132:0/112"))));
    }

    /** While other threads enter and renew flows of this address and of others. */
    @Test
    void forgetsWhileFlowsComeAndGo() throws InterruptedException {
        FlowTable shared = new FlowTable(1024, Timeouts.DEFAULT);
        hold(shared, FAR, 1, "10.255.132.9");
        AtomicBoolean stop = new AtomicBoolean();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            SplittableRandom random = new SplittableRandom(t);
            List<FlowKey[]> keys = new ArrayList<>();
            for (int port = 2; port < 900; port++) {
                keys.add(new FlowKey[] {udpIn(port), udpOut(port)});
            }
            threads.add(new Thread(() -> {
                while (!stop.get()) {
                    FlowKey[] key = keys.get(random.nextInt(keys.size()));
                    shared.admit(key[0], now);
                    shared.depart(key[1], now);
                    shared.arrive(key[0], now);
                }
            }));
        }
        threads.forEach(Thread::start);
        int forgotten = 0;
        for (int i = 0; i < 500; i++) {
            forgotten += shared.forget(List.of(IpPrefix.parse(NEAR)));
        }
        stop.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        assertTrue(forgotten > 0);
        assertEquals(Arrival.ESTABLISHED, shared.arrive(key(packets.udp(FAR, 1, "10.255.132.9", 53)), now));
        shared.forget(List.of(IpPrefix.parse(NEAR)));
        assertFalse(shared.mayHold(IpPrefix.parse(NEAR)));
        assertEquals(1, shared.size(now));
    }

    @Test
    void forgetsAllAtOnce() {
        establish(1);
        flows.clear();
        assertEquals(0, flows.size(now));
        assertEquals(Arrival.NEW, flows.arrive(in(1, ACK), now));
    }

    /** Threads enter and age flows in few buckets; an established one is never lost, and none is there that was never made. */
    @Test
    void manyThreadsDisturbNothing() throws InterruptedException {
        FlowTable shared = new FlowTable(64, Timeouts.DEFAULT);
        shared.admit(in(1, SYN), now);
        shared.depart(out(1, SYN | ACK), now);
        shared.arrive(in(1, ACK), now);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<String> fault = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            int seed = t;
            List<FlowKey> keys = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                keys.add(in(2000 + i, SYN));
            }
            threads.add(new Thread(() -> {
                SplittableRandom random = new SplittableRandom(seed);
                while (!stop.get()) {
                    FlowKey key = keys.get(random.nextInt(keys.size()));
                    shared.admit(key, now + random.nextInt(100));
                    shared.arrive(key, now + random.nextInt(200));
                }
            }));
        }
        FlowKey established = in(1, ACK);
        FlowKey never = key(packets.tcp(NEAR, 7777, FAR, 1999, ACK));
        threads.add(new Thread(() -> {
            for (int i = 0; i < 2_000_000; i++) {
                if (shared.arrive(established, now + i % 200) != Arrival.ESTABLISHED) {
                    fault.set("the established flow was lost in round " + i);
                }
                if (shared.knows(never, now)) {
                    fault.set("a flow was seen that never was, in round " + i);
                }
            }
            stop.set(true);
        }));
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(null, fault.get());
        assertTrue(shared.size(now) <= 64);
    }
}
