package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** A million frames through each direction leave no garbage. */
class AllocationTest {
    private static final int FRAMES = 1_000_000;

    /** What the measurement itself and a late compilation may cost; a byte per frame would be a megabyte. */
    private static final long TOLERANCE_BYTES = 20_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private long allocatedBy(int frames, Agent... line) throws Exception {
        long before = threads.getCurrentThreadAllocatedBytes();
        int moved = 0;
        while (moved < frames) {
            moved += line[0].doWork();
            for (int i = 1; i < line.length; i++) {
                line[i].doWork();
            }
        }
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private void assertNoGarbage(Agent... line) throws Exception {
        allocatedBy(FRAMES / 10, line);
        long allocated = allocatedBy(FRAMES, line);
        assertTrue(allocated < TOLERANCE_BYTES, allocated + " bytes for " + FRAMES + " frames");
    }

    @Test
    void encapsulatesWithoutGarbage() throws Exception {
        Vtep vtep = new Vtep(Frames.silkVtep(Frames.SOURCE_MAC, Frames.SOURCE_HOST));
        vtep.fdb().add(Frames.DESTINATION_MAC, new Remote(Frames.DESTINATION_HOST), true, 0);
        MemoryTap tap = new MemoryTap();
        tap.endless(Frames.bytes(Frames.INNER));
        FrameSlab slab = new FrameSlab(64);
        FrameRing ring = new FrameRing(64, 1);
        Counters counters = vtep.counters();
        assertNoGarbage(
                new TapReader(tap, slab, ring, counters),
                new Encapsulator(
                        vtep, tap, slab, ring, new MemorySender(true), new AgentContext(counters, new Capture())));
        assertTrue(counters.get(Counter.TX_SENT) >= FRAMES);
    }

    @Test
    void decapsulatesWithoutGarbage() throws Exception {
        MemoryUnderlay underlay = new MemoryUnderlay();
        underlay.endless(Frames.bytes(Frames.VXLAN + Frames.INNER), Frames.SOURCE_HOST);
        assertDecapsulatesWithoutGarbage(underlay);
    }

    @Test
    void dropsWithoutGarbage() throws Exception {
        MemoryUnderlay underlay = new MemoryUnderlay();
        byte[] unknownVni = Frames.bytes(Frames.VXLAN + Frames.INNER);
        unknownVni[6]++;
        underlay.endless(Arrays.copyOf(unknownVni, unknownVni.length), Frames.SOURCE_HOST);
        Counters port = assertDecapsulatesWithoutGarbage(underlay);
        assertTrue(port.get(Counter.VXLAN_VNI_NOT_FOUND) >= FRAMES);
    }

    private Counters assertDecapsulatesWithoutGarbage(MemoryUnderlay underlay) throws Exception {
        Vtep vtep = new Vtep(Frames.silkVtep(Frames.DESTINATION_MAC, Frames.DESTINATION_HOST));
        MemoryTap tap = new MemoryTap();
        tap.endless(new byte[0]);
        FrameSlab slab = new FrameSlab(64);
        FrameRing ring = new FrameRing(64, 130);
        Counters port = new Counters();
        Capture capture = new Capture();
        Decapsulator decapsulator = new Decapsulator("memory", underlay, slab, new AgentContext(port, capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
        decapsulator.routes(routes);
        assertNoGarbage(decapsulator, new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), capture)));
        assertTrue(port.get(Counter.RX_DATAGRAMS) >= FRAMES);
        return port;
    }
}
