package org.weft.bench;

import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.table.TagTable;
import org.weft.encap.IpAddress;
import org.weft.encap.TcpHeader;

/** What does it cost to find whether a policy lets a packet in, and to put other policies in force, by their number? */
@State(Scope.Benchmark)
public class PolicyBenchmark {
    private static final int FIRST_ADDRESS = 0x0aff_0000;
    private static final int FIRST_PORT = 1024;

    /** Policies of one tag and one destination; the lookup ends in a binary search of their ports. */
    private static final int RANGES = 5;

    @Param({"10", "1000", "50000"})
    int policies;

    private List<Policy> all;
    private PolicyTable table;

    @Setup(Level.Trial)
    public void fill() {
        all = new ArrayList<>();
        for (int i = 0; i < policies; i++) {
            int pair = i / RANGES;
            int port = FIRST_PORT + i % RANGES * 100;
            all.add(new Policy(tag(pair), IpAddress.ofIpv4(FIRST_ADDRESS + pair), Protocol.TCP, port, port + 10));
        }
        table = new PolicyTable(all);
    }

    private static int tag(int pair) {
        return 1 + pair % 0xffff;
    }

    @Benchmark
    public boolean allowed(RandomIndex random) {
        int i = random.next(policies);
        return allows(tag(i / RANGES), i);
    }

    @Benchmark
    public boolean refused(RandomIndex random) {
        return allows(TagTable.UNTAGGED, random.next(policies));
    }

    private boolean allows(int tag, int i) {
        long destination = IpAddress.ipv4Low(FIRST_ADDRESS + i / RANGES);
        return table.allows(tag, 0, destination, TcpHeader.PROTOCOL, FIRST_PORT + i % RANGES * 100);
    }

    @Benchmark
    public PolicyTable build() {
        return new PolicyTable(all);
    }
}
