package org.weft.dataplane.table;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.util.concurrent.ThreadLocalRandom;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.FlowKey;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/**
 * Flows between containers of this host (local) and of others (remote), off-heap and of bounded size, so that answers are
 * known as such (kernel: nf_conntrack). Any thread may read and write; none ever waits for another.
 *
 * <pre>
 *   0       8                       16              24             32               40              48     64
 *   +-------+-----------------------+---------------+--------------+----------------+---------------+------+
 *   | state | protocol, two ports   | local, high   | local, low   | remote, high   | remote, low   |      |
 *   +-------+-----------------------+---------------+--------------+----------------+---------------+------+
 *
 *   state   63..32 deadline in seconds | 31..16 version | 15..0 flags
 * </pre>
 *
 * <p>A flow is in one of the eight slots of its bucket. Whoever writes a slot takes it by a compare-and-set of its state to
 * "being written" with the next version; whoever reads one compares its state before and after. All that changes of a flow
 * afterwards is its state, by compare-and-set. Two threads may enter one flow at the same moment: then the one further back
 * in the bucket goes again, or, if they cannot see each other, stays unused until its deadline.
 *
 * <p>A new flow takes the slot of one whose deadline has passed, or else of one that was never seen to go both ways, as the
 * kernel's early_drop does. If there is none in its bucket, the table is full for it.
 */
public final class FlowTable {
    /** What an arriving packet is. */
    public enum Arrival {
        /** Of no flow: policies decide. */
        NEW,
        /** Of a flow that was let in and not answered yet: policies decide again. */
        UNANSWERED,
        /** Of a flow that goes both ways, or that the local side began. */
        ESTABLISHED
    }

    /**
     * Seconds after its last packet that a flow is forgotten; 1 or more.
     *
     * @param tcp an established TCP connection (nf_conntrack_tcp_timeout_established)
     * @param udp a UDP flow that goes both ways (nf_conntrack_udp_timeout_stream)
     */
    public record Timeouts(int tcp, int udp) {
        /** The kernel's. */
        public static final Timeouts DEFAULT = new Timeouts(432_000, 120);
    }

    /** What a fragment is whose packet's first one was not seen. */
    public static final int UNKNOWN = -1;

    private static final int SLOT_LENGTH = 64;
    private static final int WAYS = 8;
    private static final int WHAT_OFFSET = 8;
    private static final int LOCAL_HIGH_OFFSET = 16;
    private static final int LOCAL_LOW_OFFSET = 24;
    private static final int REMOTE_HIGH_OFFSET = 32;
    private static final int REMOTE_LOW_OFFSET = 40;

    private static final int PRESENT = 1;
    private static final int WRITING = 1 << 1;
    /** The first packet left; else it arrived. */
    private static final int LOCAL = 1 << 2;
    /** A packet went the other way than the first one. */
    private static final int REPLIED = 1 << 3;
    /** And one went the first way again. */
    private static final int ASSURED = 1 << 4;

    private static final int LOCAL_FIN = 1 << 5;
    private static final int REMOTE_FIN = 1 << 6;
    private static final int RESET = 1 << 7;
    /** Of fragments: the first one was let in. */
    private static final int ADMITTED = 1 << 8;

    private static final int FLAGS_MASK = 0xffff;
    private static final int VERSION = 1 << 16;

    private static final long FRAGMENTS = 1L << 56;

    /** Kernel: tcp_timeouts, udp_timeouts, nf_ct_icmp_timeout, nf_ct_generic_timeout, ip_frag_time. */
    private static final int TCP_SYN_SENT = 120;

    private static final int TCP_SYN_RECEIVED = 60;
    private static final int TCP_CLOSING = 120;
    private static final int TCP_RESET = 10;
    private static final int UDP_UNREPLIED = 30;
    private static final int ICMP = 30;
    private static final int GENERIC = 600;
    private static final int FRAGMENT = 30;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final UnsafeBuffer buffer;
    private final int buckets;
    private volatile Timeouts timeouts;

    /** @param flows how many there may be; they take 64 bytes each, for which there must be room off the heap */
    public FlowTable(int flows, Timeouts timeouts) {
        this.buckets = Math.max(1, flows / WAYS);
        this.buffer = new UnsafeBuffer(
                BufferUtil.allocateDirectAligned(buckets * WAYS * SLOT_LENGTH, BitUtil.CACHE_LINE_LENGTH));
        this.timeouts = timeouts;
    }

    /** For packets from now on. */
    public void timeouts(Timeouts changed) {
        timeouts = changed;
    }

    /** How many flows there is room for. */
    public int capacity() {
        return buckets * WAYS;
    }

    /** Notes a packet that came from the other side, and says what it is. Makes no new flow. */
    public Arrival arrive(FlowKey key, int now) {
        long state = note(
                what(key.protocol(), key.destinationPort(), key.sourcePort()),
                key.destinationHigh(),
                key.destinationLow(),
                key.sourceHigh(),
                key.sourceLow(),
                key,
                false,
                now);
        if (state == 0) {
            return Arrival.NEW;
        }
        return (state & (LOCAL | REPLIED)) != 0 ? Arrival.ESTABLISHED : Arrival.UNANSWERED;
    }

    /**
     * Enters the flow of a packet that came from the other side and was let in.
     *
     * @return false if there is no room
     */
    public boolean admit(FlowKey key, int now) {
        return enter(
                what(key.protocol(), key.destinationPort(), key.sourcePort()),
                key.destinationHigh(),
                key.destinationLow(),
                key.sourceHigh(),
                key.sourceLow(),
                PRESENT,
                deadline(PRESENT, key.protocol(), now),
                now);
    }

    /**
     * Notes a packet to the other side; begins a flow if there is none and it may.
     *
     * @return false if there is no room
     */
    public boolean depart(FlowKey key, int now) {
        long what = what(key.protocol(), key.sourcePort(), key.destinationPort());
        long state = note(
                what, key.sourceHigh(), key.sourceLow(), key.destinationHigh(), key.destinationLow(), key, true, now);
        if (state != 0 || !key.opens()) {
            return true;
        }
        int flags = PRESENT | LOCAL;
        return enter(
                what,
                key.sourceHigh(),
                key.sourceLow(),
                key.destinationHigh(),
                key.destinationLow(),
                flags,
                deadline(flags, key.protocol(), now),
                now);
    }

    /** Whether a packet that an ICMP error is about belongs to a flow: it left here, so its source is local. */
    public boolean knows(FlowKey key, int now) {
        long what = what(key.protocol(), key.sourcePort(), key.destinationPort());
        int bucket = bucket(what, key.sourceLow(), key.destinationLow());
        for (int offset = bucket; offset < bucket + WAYS * SLOT_LENGTH; offset += SLOT_LENGTH) {
            if (find(offset, what, key.sourceHigh(), key.sourceLow(), key.destinationHigh(), key.destinationLow(), now)
                    != 0) {
                return true;
            }
        }
        return false;
    }

    /** Remembers, for the later fragments of a packet that came from the other side, what became of the first one. */
    public boolean fragment(FlowKey key, boolean admitted, int now) {
        return enter(
                fragments(key),
                key.destinationHigh(),
                key.destinationLow(),
                key.sourceHigh(),
                key.sourceLow(),
                PRESENT | (admitted ? ADMITTED : 0),
                now + FRAGMENT,
                now);
    }

    /** What became of the first fragment of a packet: 1 it was let in, 0 it was not, {@link #UNKNOWN}. */
    public int fragment(FlowKey key, int now) {
        long what = fragments(key);
        int bucket = bucket(what, key.destinationLow(), key.sourceLow());
        for (int offset = bucket; offset < bucket + WAYS * SLOT_LENGTH; offset += SLOT_LENGTH) {
            long state = find(
                    offset, what, key.destinationHigh(), key.destinationLow(), key.sourceHigh(), key.sourceLow(), now);
            if (state != 0) {
                return (state & ADMITTED) != 0 ? 1 : 0;
            }
        }
        return UNKNOWN;
    }

    /** Forgets everything; packets of flows in progress are judged anew. */
    public void clear() {
        for (int offset = 0; offset < buffer.capacity(); offset += SLOT_LENGTH) {
            long state = buffer.getLongVolatile(offset);
            while ((state & WRITING) == 0
                    && (state & PRESENT) != 0
                    && !buffer.compareAndSetLong(offset, state, version(state))) {
                state = buffer.getLongVolatile(offset);
            }
        }
    }

    /** How many flows there are, those of fragments included; looks at every slot. */
    public int size(int now) {
        int size = 0;
        for (int offset = 0; offset < buffer.capacity(); offset += SLOT_LENGTH) {
            size += isLive(buffer.getLongVolatile(offset), now) ? 1 : 0;
        }
        Reference.reachabilityFence(this);
        return size;
    }

    private static long what(int protocol, int localPort, int remotePort) {
        return (long) protocol << 32 | (long) localPort << 16 | remotePort;
    }

    private static long fragments(FlowKey key) {
        return FRAGMENTS | (long) key.protocol() << 32 | key.fragmentId() & 0xffff_ffffL;
    }

    /** Offset of the first slot. The high halves of addresses add nothing that an attacker could not choose anyway. */
    private int bucket(long what, long localLow, long remoteLow) {
        long hash = (what ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        hash = ((hash ^ hash >>> 32) + localLow) * 0xd6e8_feb8_6659_fd93L;
        hash = ((hash ^ hash >>> 32) + remoteLow) * 0xd6e8_feb8_6659_fd93L;
        hash ^= hash >>> 32;
        return (int) ((hash & 0xffff_ffffL) * buckets >>> 32) * WAYS * SLOT_LENGTH;
    }

    private static boolean isLive(long state, int now) {
        return (state & (PRESENT | WRITING)) == PRESENT && (int) (state >>> 32) - now > 0;
    }

    private static long version(long state) {
        return state + VERSION & ~(FLAGS_MASK | 0xffff_ffff_0000_0000L);
    }

    /** The state of a slot that holds this flow, else 0. */
    private long find(int offset, long what, long localHigh, long localLow, long remoteHigh, long remoteLow, int now) {
        while (true) {
            long state = buffer.getLongVolatile(offset);
            if (!isLive(state, now)) {
                return 0;
            }
            boolean found = buffer.getLong(offset + WHAT_OFFSET) == what
                    && buffer.getLong(offset + LOCAL_LOW_OFFSET) == localLow
                    && buffer.getLong(offset + REMOTE_LOW_OFFSET) == remoteLow
                    && buffer.getLong(offset + LOCAL_HIGH_OFFSET) == localHigh
                    && buffer.getLong(offset + REMOTE_HIGH_OFFSET) == remoteHigh;
            VarHandle.loadLoadFence();
            boolean unchanged = (int) buffer.getLong(offset) >>> 16 == (int) state >>> 16;
            Reference.reachabilityFence(this);
            if (unchanged) {
                return found ? state : 0;
            }
        }
    }

    /** What the flow is with this packet; 0 if there is none, or an ended one that this packet would begin anew. */
    private long note(
            long what,
            long localHigh,
            long localLow,
            long remoteHigh,
            long remoteLow,
            FlowKey key,
            boolean departing,
            int now) {
        int bucket = bucket(what, localLow, remoteLow);
        for (int offset = bucket; offset < bucket + WAYS * SLOT_LENGTH; offset += SLOT_LENGTH) {
            long state;
            while ((state = find(offset, what, localHigh, localLow, remoteHigh, remoteLow, now)) != 0) {
                if (key.isTcpOpen() && isClosed(state)) {
                    return 0;
                }
                long next = after(state, key, departing, now);
                if (next == state || buffer.compareAndSetLong(offset, state, next)) {
                    return next;
                }
            }
        }
        return 0;
    }

    private static boolean isClosed(long state) {
        return (state & RESET) != 0 || (state & (LOCAL_FIN | REMOTE_FIN)) == (LOCAL_FIN | REMOTE_FIN);
    }

    private long after(long state, FlowKey key, boolean departing, int now) {
        int flags = (int) state & FLAGS_MASK;
        if (departing == ((flags & LOCAL) != 0)) {
            flags |= (flags & REPLIED) != 0 ? ASSURED : 0;
        } else {
            flags |= REPLIED;
        }
        if ((key.tcpFlags() & TcpHeader.FIN) != 0) {
            flags |= departing ? LOCAL_FIN : REMOTE_FIN;
        }
        if ((key.tcpFlags() & TcpHeader.RST) != 0) {
            flags |= RESET;
        }
        int version = (int) state & ~FLAGS_MASK;
        return (long) deadline(flags, key.protocol(), now) << 32 | (version | flags) & 0xffff_ffffL;
    }

    private int deadline(int flags, int protocol, int now) {
        return now
                + switch (protocol) {
                    case TcpHeader.PROTOCOL -> tcpTimeout(flags);
                    case UdpHeader.PROTOCOL ->
                        (flags & REPLIED) != 0 ? timeouts.udp() : Math.min(UDP_UNREPLIED, timeouts.udp());
                    case FlowKey.ICMP, FlowKey.ICMPV6 -> ICMP;
                    default -> GENERIC;
                };
    }

    private int tcpTimeout(int flags) {
        if ((flags & RESET) != 0) {
            return TCP_RESET;
        }
        if ((flags & (LOCAL_FIN | REMOTE_FIN)) != 0) {
            return TCP_CLOSING;
        }
        if ((flags & ASSURED) != 0) {
            return timeouts.tcp();
        }
        return Math.min(timeouts.tcp(), (flags & REPLIED) != 0 ? TCP_SYN_RECEIVED : TCP_SYN_SENT);
    }

    private boolean enter(
            long what,
            long localHigh,
            long localLow,
            long remoteHigh,
            long remoteLow,
            int flags,
            int deadline,
            int now) {
        int bucket = bucket(what, localLow, remoteLow);
        int offset;
        long state;
        do {
            offset = place(bucket, what, localHigh, localLow, remoteHigh, remoteLow, now);
            if (offset < 0) {
                return false;
            }
            state = buffer.getLongVolatile(offset);
        } while (isTaken(state, now) || !buffer.compareAndSetLong(offset, state, version(state) | WRITING));
        long written = version(state);
        VarHandle.storeStoreFence();
        buffer.putLong(offset + WHAT_OFFSET, what);
        buffer.putLong(offset + LOCAL_HIGH_OFFSET, localHigh);
        buffer.putLong(offset + LOCAL_LOW_OFFSET, localLow);
        buffer.putLong(offset + REMOTE_HIGH_OFFSET, remoteHigh);
        buffer.putLong(offset + REMOTE_LOW_OFFSET, remoteLow);
        buffer.putLongRelease(offset, (long) deadline << 32 | written | flags);
        for (int other = bucket; other < offset; other += SLOT_LENGTH) {
            if (find(other, what, localHigh, localLow, remoteHigh, remoteLow, now) != 0) {
                buffer.compareAndSetLong(offset, (long) deadline << 32 | written | flags, version(written));
                break;
            }
        }
        Reference.reachabilityFence(this);
        return true;
    }

    /** Whether a slot is no longer one that {@link #place} would choose. */
    private static boolean isTaken(long state, int now) {
        return (state & WRITING) != 0 || isLive(state, now) && (state & ASSURED) != 0 && !isClosed(state);
    }

    /** The slot for a new flow: its own, if it is there; a free one; the one not assured that ends first; -1. */
    private int place(int bucket, long what, long localHigh, long localLow, long remoteHigh, long remoteLow, int now) {
        int best = -1;
        int bestRest = Integer.MAX_VALUE;
        for (int offset = bucket; offset < bucket + WAYS * SLOT_LENGTH; offset += SLOT_LENGTH) {
            long state = buffer.getLongVolatile(offset);
            if (isTaken(state, now)) {
                continue;
            }
            int rest = isLive(state, now) ? (int) (state >>> 32) - now : -1;
            if (rest >= 0 && find(offset, what, localHigh, localLow, remoteHigh, remoteLow, now) != 0) {
                return offset;
            }
            if (rest < bestRest) {
                best = offset;
                bestRest = rest;
            }
        }
        return best;
    }
}
