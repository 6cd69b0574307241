package org.weft.encap;

import org.agrona.concurrent.UnsafeBuffer;

/** What a tunnel does with the ECN bits, the low two of TOS and traffic class (RFC 6040; kernel: include/net/inet_ecn.h). */
public final class EcnTunnel {
    public static final int NOT_ECT = 0;
    public static final int ECT_1 = 1;
    public static final int ECT_0 = 2;
    public static final int CE = 3;
    public static final int MASK = 3;

    /** Decapsulate: the inner field stays as it is. */
    public static final int KEEP = 0;
    /** Decapsulate: the inner field becomes {@link #ECT_1}. */
    public static final int SET_ECT_1 = 1;
    /** Decapsulate: the inner field becomes {@link #CE}. */
    public static final int SET_CE = 2;
    /** Decapsulate: the inner field stays, though an outer ECT over an inner Not-ECT should not happen; count it. */
    public static final int KEEP_UNEXPECTED = 3;
    /** Decapsulate: drop the packet (kernel: IP_TUNNEL_ECN). */
    public static final int DROP = 4;

    private EcnTunnel() {}

    /**
     * The outer TOS as the kernel makes it (INET_ECN_encapsulate): DSCP from {@code outerTos}, ECN from {@code innerTos}, but
     * ECT(0) for CE. RFC 6040 section 4.1 in normal mode would copy CE as well; the kernel resets it, as RFC 3168 section 9.1.1
     * full functionality did, and so the outer field counts congestion in the tunnel only. The inner CE is not lost.
     */
    public static int encapsulate(int outerTos, int innerTos) {
        int ecn = innerTos & MASK;
        return outerTos & 0xff & ~MASK | (ecn == CE ? ECT_0 : ecn);
    }

    /**
     * What to do with the inner packet.
     *
     * <pre>
     *             outer  Not-ECT   ECT(0)            ECT(1)            CE
     *  inner Not-ECT     KEEP      KEEP_UNEXPECTED   KEEP_UNEXPECTED   DROP
     *        ECT(0)      KEEP      KEEP              SET_ECT_1         SET_CE
     *        ECT(1)      KEEP      KEEP              KEEP              SET_CE
     *        CE          KEEP      KEEP              KEEP              KEEP
     * </pre>
     *
     * RFC 6040 section 4.2, figure 4; the kernel's INET_ECN_decapsulate. Only the low two bits of either matter.
     */
    public static int decapsulate(int outerTos, int innerTos) {
        int outer = outerTos & MASK;
        int inner = innerTos & MASK;
        if (inner == NOT_ECT) {
            return outer == NOT_ECT ? KEEP : outer == CE ? DROP : KEEP_UNEXPECTED;
        }
        if (outer == CE) {
            return inner == CE ? KEEP : SET_CE;
        }
        return outer == ECT_1 && inner == ECT_0 ? SET_ECT_1 : KEEP;
    }

    /** Does as {@link #decapsulate} said to an inner IPv4 header; its checksum follows (RFC 1624). */
    public static void applyIpv4(int action, UnsafeBuffer buffer, int networkOffset) {
        int ecn = target(action);
        if (ecn != NOT_ECT) {
            Ipv4Header.changeTos(buffer, networkOffset, Ipv4Header.tos(buffer, networkOffset) & ~MASK | ecn);
        }
    }

    /** Does as {@link #decapsulate} said to an inner IPv6 header. */
    public static void applyIpv6(int action, UnsafeBuffer buffer, int networkOffset) {
        int ecn = target(action);
        if (ecn != NOT_ECT) {
            int trafficClass = Ipv6Header.trafficClass(buffer, networkOffset) & ~MASK | ecn;
            Ipv6Header.trafficClass(buffer, networkOffset, trafficClass);
        }
    }

    /** The codepoint to write, or NOT_ECT for none. */
    private static int target(int action) {
        return switch (action) {
            case SET_CE -> CE;
            case SET_ECT_1 -> ECT_1;
            default -> NOT_ECT;
        };
    }
}
