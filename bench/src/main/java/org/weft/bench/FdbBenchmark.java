package org.weft.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.encap.IpAddress;

/** What does a forwarding lookup cost by table size, with every MAC address as likely as the next, and what does a writer cost it? */
@State(Scope.Group)
public class FdbBenchmark {
    private static final long FIRST_MAC = 0xeeee_0aff_0000L;
    private static final Remote[] REMOTES = {
        new Remote(IpAddress.parse("10.0.16.14")), new Remote(IpAddress.parse("10.0.16.15"))
    };

    @Param({"1000", "100000", "1000000"})
    int entries;

    private FdbTable table;

    @Setup(Level.Trial)
    public void fill() {
        table = new FdbTable(0);
        for (int i = 0; i < entries; i++) {
            table.add(FIRST_MAC + i, REMOTES[0], true, 0);
        }
    }

    /** What each reader keeps for itself. */
    @State(Scope.Thread)
    public static class Reader {
        final FdbLookup found = new FdbLookup();
    }

    @Benchmark
    @Group("alone")
    public long lookup(Reader reader, RandomIndex random) {
        return look(reader, random);
    }

    @Benchmark
    @Group("withWriter")
    public long read(Reader reader, RandomIndex random) {
        return look(reader, random);
    }

    @Benchmark
    @Group("withWriter")
    public Object write(RandomIndex random) {
        int index = random.next(entries);
        return table.replace(FIRST_MAC + index, REMOTES[index & 1], true, 0);
    }

    private long look(Reader reader, RandomIndex random) {
        table.lookup(FIRST_MAC + random.next(entries), reader.found);
        return reader.found.low(0);
    }
}
