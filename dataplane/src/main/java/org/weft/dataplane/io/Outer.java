package org.weft.dataplane.io;

/**
 * The outer headers of a datagram, as far as its sender chooses them.
 *
 * <p>Mutable, so that nothing is allocated per packet. One thread uses it. Its owner lends it: a
 * callee reads it before it returns, and keeps a copy of the fields that it needs later. Numbers
 * are in host byte order.
 */
public final class Outer {
    private long remoteHigh;
    private long remoteLow;
    private int port;
    private int flowHash;
    private int tos;
    private int ttl = UnderlaySender.DEFAULT_TTL;
    private boolean dontFragment;

    /** High 64 bits of the destination; IPv4 as {@code ::ffff:a.b.c.d}. */
    public long remoteHigh() {
        return remoteHigh;
    }

    /** Low 64 bits of the destination. */
    public long remoteLow() {
        return remoteLow;
    }

    /** Destination UDP port. */
    public int port() {
        return port;
    }

    /** Sets the destination: its address in two halves, and its UDP port. */
    public Outer remote(long high, long low, int port) {
        this.remoteHigh = high;
        this.remoteLow = low;
        this.port = port;
        return this;
    }

    /** The hash of the inner flow; it chooses the source port. All 32 bits count. */
    public int flowHash() {
        return flowHash;
    }

    public Outer flowHash(int flowHash) {
        this.flowHash = flowHash;
        return this;
    }

    /** TOS or traffic class byte, ECN included. */
    public int tos() {
        return tos;
    }

    public Outer tos(int tos) {
        this.tos = tos;
        return this;
    }

    /** TTL or hop limit 1 to 255, or {@link UnderlaySender#DEFAULT_TTL}. */
    public int ttl() {
        return ttl;
    }

    public Outer ttl(int ttl) {
        this.ttl = ttl;
        return this;
    }

    /** Whether an outer IPv4 header has DF set; IPv6 has no such flag. */
    public boolean dontFragment() {
        return dontFragment;
    }

    public Outer dontFragment(boolean dontFragment) {
        this.dontFragment = dontFragment;
        return this;
    }

    /** Copies all fields of another. */
    public Outer set(Outer other) {
        remoteHigh = other.remoteHigh;
        remoteLow = other.remoteLow;
        port = other.port;
        flowHash = other.flowHash;
        tos = other.tos;
        ttl = other.ttl;
        dontFragment = other.dontFragment;
        return this;
    }

    /** Whether datagrams of both get the same outer headers, except for source port, lengths and checksums. */
    public boolean hasSameHeaders(Outer other) {
        return remoteLow == other.remoteLow
                && remoteHigh == other.remoteHigh
                && port == other.port
                && tos == other.tos
                && ttl == other.ttl
                && dontFragment == other.dontFragment;
    }
}
