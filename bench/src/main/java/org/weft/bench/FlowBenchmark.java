package org.weft.bench;

import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.encap.EcnTunnel;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FrameLayout;

/** What do the outer source port (flow hash) and the outer TOS (ECN) of a packet cost, its headers being known? */
@State(Scope.Thread)
public class FlowBenchmark {
    private static final int FRAME_LENGTH = 1424;
    private static final int FIRST_PORT = 32_768;
    private static final int PORT_END = 61_000;

    private final UnsafeBuffer ipv4 = new UnsafeBuffer(BufferUtil.allocateDirectAligned(2048, 64));
    private final UnsafeBuffer ipv6 = new UnsafeBuffer(BufferUtil.allocateDirectAligned(2048, 64));
    private final FrameLayout ipv4Layout = new FrameLayout();
    private final FrameLayout ipv6Layout = new FrameLayout();
    private int outerTos = EcnTunnel.CE;
    private int innerTos = EcnTunnel.ECT_0;

    @Setup
    public void packets() {
        Packets.putIpv4(ipv4, 0, FRAME_LENGTH);
        Packets.putIpv6(ipv6, 0, FRAME_LENGTH);
        ipv4Layout.parse(ipv4, 0, FRAME_LENGTH);
        ipv6Layout.parse(ipv6, 0, FRAME_LENGTH);
    }

    @Benchmark
    public int flowHashIpv4() {
        return FlowHash.sourcePort(FlowHash.of(ipv4, ipv4Layout), FIRST_PORT, PORT_END);
    }

    @Benchmark
    public int flowHashIpv6() {
        return FlowHash.sourcePort(FlowHash.of(ipv6, ipv6Layout), FIRST_PORT, PORT_END);
    }

    @Benchmark
    public int ecnEncapsulate() {
        return EcnTunnel.encapsulate(outerTos, innerTos);
    }

    @Benchmark
    public int ecnDecapsulate() {
        return EcnTunnel.decapsulate(outerTos, innerTos);
    }

    /** A mark carried into the inner header, with its checksum. */
    @Benchmark
    public UnsafeBuffer ecnApplyIpv4() {
        EcnTunnel.applyIpv4(EcnTunnel.SET_CE, ipv4, EthernetHeader.LENGTH);
        return ipv4;
    }
}
