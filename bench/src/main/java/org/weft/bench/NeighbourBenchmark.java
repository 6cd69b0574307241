package org.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.encap.IpAddress;

/** What does answering "which MAC address has this IP address" cost by table size, alone and beside a writer? */
@State(Scope.Group)
public class NeighbourBenchmark {
    private static final int FIRST_ADDRESS = 0x0a00_0000;
    private static final long FIRST_MAC = 0xeeee_0a00_0000L;

    @Param({"1000", "100000", "1000000"})
    int entries;

    private NeighbourTable table;

    @Setup(Level.Trial)
    public void fill() {
        table = new NeighbourTable();
        for (int i = 0; i < entries; i++) {
            table.add(IpAddress.ofIpv4(FIRST_ADDRESS + i), FIRST_MAC + i);
        }
    }

    @Benchmark
    @Group("alone")
    public long lookup(RandomIndex random) {
        return look(random);
    }

    @Benchmark
    @Group("withWriter")
    public long read(RandomIndex random) {
        return look(random);
    }

    @Benchmark
    @Group("withWriter")
    public Object write(RandomIndex random) {
        int index = random.next(entries);
        return table.replace(IpAddress.ofIpv4(FIRST_ADDRESS + index), FIRST_MAC + index);
    }

    private long look(RandomIndex random) {
        return table.lookup(0, IpAddress.ipv4Low(FIRST_ADDRESS + random.next(entries)));
    }
}
