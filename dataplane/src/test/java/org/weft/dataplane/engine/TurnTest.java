package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.bytes;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.Faulty;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** Whole turns of a worker, with the agents of a port and of a VTEP. */
class TurnTest {
    private static final int SLOTS = 64;
    private static final int FRAMES_PER_SLOT = 129;

    /** The number of messages that a decapsulator receives in a turn. */
    private static final int MESSAGES = 16;

    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final FrameSlab slab = new FrameSlab(SLOTS);
    private final Counters port = new Counters();
    private final Capture capture = new Capture();
    private final List<String> roles = new ArrayList<>();
    private final Decapsulator decapsulator =
            new Decapsulator("memory", underlay, slab, new AgentContext(port, capture));
    private final Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
    private final List<Agent> agents = new ArrayList<>(List.of(decapsulator));

    private Vtep attach(int vni, TapDevice tap) {
        Vtep vtep = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
        FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
        routes.put(vni, new Ingress(vtep, ring, vtep.counters(), null));
        agents.add(new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), capture)));
        decapsulator.routes(routes);
        return vtep;
    }

    private Turn turn() {
        return new Turn(agents, roles::add);
    }

    /** Frames of a protocol that Weft does not merge, as the kernel merged their datagrams. */
    private void peerSends(int vni, int frames) {
        byte[] frame = bytes("eeee0aff8400eeee0aff630088b5" + "77".repeat(46));
        byte[][] all = new byte[frames][];
        Arrays.fill(all, frame);
        byte[] message = Frames.merged("88000001" + "%06x".formatted(vni) + "00", all);
        underlay.peerSendsMerged(message, 8 + frame.length, SOURCE_HOST);
    }

    private void peerSendsMessages(int vni, int frames) {
        for (int i = 0; i < MESSAGES; i++) {
            peerSends(vni, frames);
        }
    }

    /** Epoll reports the socket alone, which is empty after one turn. */
    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 44, 64, 128})
    void oneTurnDeliversAllFramesThatItReceives(int frames) {
        MemoryTap tap = new MemoryTap();
        Vtep vtep = attach(1, tap);
        peerSendsMessages(1, frames);
        turn().run();
        assertEquals(MESSAGES * frames, tap.delivered().size());
        assertEquals(MESSAGES * frames, vtep.counters().get(Counter.RX_DELIVERED));
        decapsulator.routes(routes);
        assertEquals(SLOTS, slab.freeSlots());
    }

    @ParameterizedTest
    @CsvSource({"64, 64", "1, 128", "128, 1"})
    void oneTurnDeliversTheFramesOfEachVtepOfAPort(int first, int second) {
        List<MemoryTap> taps = List.of(new MemoryTap(), new MemoryTap());
        attach(1, taps.get(0));
        attach(2, taps.get(1));
        for (int i = 0; i < MESSAGES / 2; i++) {
            peerSends(1, first);
            peerSends(2, second);
        }
        turn().run();
        assertEquals(MESSAGES / 2 * first, taps.get(0).delivered().size());
        assertEquals(MESSAGES / 2 * second, taps.get(1).delivered().size());
        decapsulator.routes(routes);
        assertEquals(SLOTS, slab.freeSlots());
    }

    /** A device that receives without end must not keep the thread from the others. */
    @Test
    void aTurnEndsThoughDatagramsComeWithoutEnd() {
        byte[] frame = bytes("eeee0aff8400eeee0aff630088b5" + "77".repeat(46));
        MemoryTap tap = new MemoryTap();
        attach(1, tap);
        underlay.endless(Frames.merged(Frames.VXLAN, frame), SOURCE_HOST);
        turn().run();
        assertEquals(MESSAGES, tap.delivered().size());
    }

    @Test
    void aVtepThatIsDetachedBetweenTurnsKeepsNoSlots() {
        attach(1, new MemoryTap());
        for (int i = 0; i < SLOTS; i++) {
            peerSendsMessages(1, 64);
            turn().run();
            decapsulator.routes(new Int2ObjectHashMap<>());
            assertEquals(SLOTS, slab.freeSlots(), "detached " + (i + 1) + " times");
            decapsulator.routes(routes);
        }
    }

    @Test
    void framesThatThrowKeepNoOthersWaiting() {
        MemoryTap memory = new MemoryTap();
        Faulty<TapDevice> tap = new Faulty<>(TapDevice.class, memory);
        Vtep vtep = attach(1, tap.device());
        tap.throwFrom("write", 2, () -> new IllegalStateException("thrown by a test"));
        peerSendsMessages(1, 128);
        assertThrows(IllegalStateException.class, turn()::run);
        assertEquals(MESSAGES * 128 / 2, memory.delivered().size());
        assertEquals(MESSAGES * 128 / 2, vtep.counters().get(Counter.TAP_REFUSED));
        decapsulator.routes(routes);
        assertEquals(SLOTS, slab.freeSlots());
    }

    @Test
    void anAgentThatAlwaysThrowsHasAnEndToItsTurn() {
        int[] calls = new int[2];
        agents.add(agent(() -> {
            calls[0]++;
            throw new StackOverflowError("thrown by a test");
        }));
        agents.add(agent(() -> calls[1]++ < 3 ? 1 : 0));
        assertThrows(StackOverflowError.class, turn()::run);
        assertEquals(Turn.MOST_FAILURES, calls[0]);
        assertEquals(4, calls[1]);
    }

    @Test
    void theFirstExceptionOfATurnIsThrown() {
        List<Agent> failing = List.of(failing("first"), failing("second"), failing("third"));
        Turn turn = new Turn(failing, roles::add);
        assertEquals(
                "first", assertThrows(IllegalStateException.class, turn::run).getMessage());
        assertEquals(
                "second", assertThrows(IllegalStateException.class, turn::drain).getMessage());
    }

    private static Agent failing(String message) {
        return agent(() -> {
            throw new IllegalStateException(message);
        });
    }

    @Test
    void drainingReceivesNothingMore() {
        MemoryTap tap = new MemoryTap();
        attach(1, tap);
        peerSends(1, 64);
        decapsulator.doWork();
        peerSends(1, 64);
        turn().drain();
        assertEquals(64, tap.delivered().size());
        assertEquals(64, port.get(Counter.RX_DATAGRAMS));
    }

    @Test
    void saysWhichAgentRuns() {
        attach(1, new MemoryTap());
        turn().run();
        assertEquals(Arrays.asList("decapsulator-memory", "tap-writer-memory", null), roles);
    }

    @Test
    void oneTurnSendsAllFramesThatItReads() {
        MemoryTap tap = new MemoryTap();
        MemorySender sender = new MemorySender();
        Vtep vtep = new Vtep(Frames.silkVtep(Frames.SOURCE_MAC, SOURCE_HOST));
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
        FrameRing ring = new FrameRing(SLOTS, 1);
        Turn turn = new Turn(
                List.of(
                        new TapReader(tap, slab, ring, vtep.counters()),
                        new Encapsulator(vtep, tap, slab, ring, sender, new AgentContext(vtep.counters(), capture))),
                role -> {});
        for (int i = 0; i < 100; i++) {
            tap.hostSends(bytes(Frames.INNER));
        }
        for (int turns = 0; turns < 4; turns++) {
            long before = vtep.counters().get(Counter.TX_FRAMES);
            turn.run();
            assertEquals(
                    vtep.counters().get(Counter.TX_FRAMES) - before,
                    sender.sent().size());
        }
        assertEquals(100, vtep.counters().get(Counter.TX_SENT));
    }

    private interface Work {
        int doWork();
    }

    private static Agent agent(Work work) {
        return new Agent() {
            @Override
            public int doWork() {
                return work.doWork();
            }

            @Override
            public String roleName() {
                return "test";
            }
        };
    }
}
