package org.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.dataplane.table.TagTable;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/** What does finding a source address's group policy id cost by table size, alone and beside a writer? */
@State(Scope.Group)
public class TagBenchmark {
    private static final int FIRST_ADDRESS = 0x0a00_0000;
    private static final int TAGS = 0xffff;

    @Param({"1000", "100000", "1000000"})
    int entries;

    private TagTable table;

    @Setup(Level.Trial)
    public void fill() {
        table = new TagTable();
        for (int i = 0; i < entries; i++) {
            table.add(source(i), 1 + i % TAGS);
        }
    }

    private static IpPrefix source(int index) {
        return new IpPrefix(IpAddress.ofIpv4(FIRST_ADDRESS + index), 32);
    }

    @Benchmark
    @Group("alone")
    public int lookup(RandomIndex random) {
        return look(random);
    }

    @Benchmark
    @Group("withWriter")
    public int read(RandomIndex random) {
        return look(random);
    }

    @Benchmark
    @Group("withWriter")
    public Object write(RandomIndex random) {
        int index = random.next(entries);
        return table.replace(source(index), 1 + index % TAGS);
    }

    private int look(RandomIndex random) {
        return table.lookup(0, IpAddress.ipv4Low(FIRST_ADDRESS + random.next(entries)));
    }
}
