package org.weft.bench;

import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.Ipv4Header;

/** What does it cost to find the flow of a packet, with every flow as likely as the next, alone and beside another worker? */
@State(Scope.Group)
public class FlowTableBenchmark {
    private static final int FRAME_LENGTH = 64;
    private static final int FIRST_ADDRESS = 0x0aff_0000;
    private static final int NOW = 1;

    @Param({"1000", "100000"})
    int flows;

    private FlowTable table;

    /** A packet that becomes one of any flow. */
    @State(Scope.Thread)
    public static class Worker {
        private final UnsafeBuffer frame = new UnsafeBuffer(new byte[FRAME_LENGTH]);
        private final FrameLayout layout = new FrameLayout();
        private final Ipv4Header ipv4 = new Ipv4Header();
        final FlowKey key = new FlowKey();

        /** A frame with known headers, for {@link Packets} puts others than the address in. */
        public Worker() {
            Packets.putIpv4(frame, 0, FRAME_LENGTH);
            ipv4.wrap(frame, EthernetHeader.LENGTH);
        }

        FlowKey key(int index) {
            ipv4.sourceAddress(FIRST_ADDRESS + index);
            layout.parse(frame, 0, FRAME_LENGTH);
            key.read(frame, layout);
            return key;
        }
    }

    @Setup(Level.Trial)
    public void fill() {
        table = new FlowTable(262_144, Timeouts.DEFAULT);
        Worker worker = new Worker();
        for (int i = 0; i < flows; i++) {
            table.admit(worker.key(i), NOW);
        }
    }

    /** Of which all but {@link #arrive} is the reading of the packet. */
    @Benchmark
    @Group("read")
    public Object read(Worker worker, RandomIndex random) {
        return worker.key(random.next(flows));
    }

    @Benchmark
    @Group("alone")
    public Object arrive(Worker worker, RandomIndex random) {
        return table.arrive(worker.key(random.next(flows)), NOW);
    }

    @Benchmark
    @Group("withWorker")
    public Object arriveBeside(Worker worker, RandomIndex random) {
        return table.arrive(worker.key(random.next(flows)), NOW);
    }

    /** The other one enters flows anew, time and again. */
    @Benchmark
    @Group("withWorker")
    public boolean admit(Worker worker, RandomIndex random) {
        return table.admit(worker.key(random.next(flows)), NOW);
    }
}
