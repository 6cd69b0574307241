package org.weft.dataplane.table;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
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
 * <p>A flow is in one of the eight slots of its first bucket or, if that was more than half full and the fuller one, of its
 * second. Whoever writes a slot takes it by a compare-and-set of its state to "being written" with the next version; whoever
 * reads one compares its state before and after. All that changes of a flow afterwards is its state, by compare-and-set. Two
 * threads may enter one flow at the same moment: then the one further back in the buckets goes again, or, if they cannot see
 * each other, stays unused until its deadline.
 *
 * <p>Behind the slots there is a byte for each, of the hash of its flow: who looks for a flow reads only slots that may have it.
 *
 * <p>A new flow takes the slot of one whose deadline has passed, or else of one that was never seen to go both ways, as the
 * kernel's early_drop does. If its buckets have none, the table is full for it; that happens where more than three in four
 * slots are taken.
 */
public final class FlowTable {
    /** What an arriving packet is. */
    public enum Arrival {
        /** Of no flow: policies decide. */
        NEW,
        /** Of a flow that was let in and not answered yet: policies decide again. */
        UNANSWERED,
        /** Of a TCP connection that cannot have it now (conntrack's INVALID): policies decide. */
        INVALID,
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
    /** How many slots a flow may be in. */
    private static final int PLACES = 2 * WAYS;

    private static final long EACH_BYTE = 0x0101_0101_0101_0101L;
    /** By multiplication, the lowest bit of each byte into the highest byte. */
    private static final long GATHER = 0x0102_0408_1020_4080L;

    private static final int WHAT_OFFSET = 8;
    private static final int LOCAL_OFFSET = 16;
    private static final int REMOTE_OFFSET = 32;
    /** In an address. */
    private static final int LOW_OFFSET = 8;

    private static final int PRESENT = 1;
    private static final int WRITING = 1 << 1;
    /** The first packet left; else it arrived. */
    private static final int LOCAL = 1 << 2;
    /** A packet went the other way than the first one. */
    private static final int REPLIED = 1 << 3;
    /** And one went the first way again. */
    private static final int ASSURED = 1 << 4;

    /** Of fragments: the first one was let in. */
    private static final int ADMITTED = 1 << 5;
    /** Where a {@link TcpConnection} begins. */
    private static final int TCP_SHIFT = 6;

    private static final int TCP_MASK = (1 << TcpConnection.BITS) - 1 << TCP_SHIFT;
    private static final int FLAGS_MASK = 0xffff;
    private static final int VERSION = 1 << 16;

    private static final long FRAGMENTS = 1L << 56;

    /** In place of a state: there is no such flow. */
    private static final long ABSENT = 0;
    /** In place of a state: there is such a flow, but the packet cannot be of it. */
    private static final long INVALID = -1;

    /** Kernel: udp_timeouts, nf_ct_icmp_timeout, nf_ct_generic_timeout, ip_frag_time. */
    private static final int UDP_UNREPLIED = 30;

    private static final int ICMP = 30;
    private static final int GENERIC = 600;
    private static final int FRAGMENT = 30;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final UnsafeBuffer buffer;
    private final int buckets;

    /** Where the slots end and their hints begin, a byte of the hash each. */
    private final int hints;

    private volatile Timeouts timeouts;

    /** @param flows how many there may be; they take 65 bytes each, for which there must be room off the heap */
    public FlowTable(int flows, Timeouts timeouts) {
        this.buckets = Math.max(1, flows / WAYS);
        this.hints = buckets * WAYS * SLOT_LENGTH;
        this.buffer =
                new UnsafeBuffer(BufferUtil.allocateDirectAligned(hints + buckets * WAYS, BitUtil.CACHE_LINE_LENGTH));
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
        long state = note(key, false, now);
        if (state == ABSENT) {
            return Arrival.NEW;
        }
        if (state == INVALID) {
            return Arrival.INVALID;
        }
        return (state & (LOCAL | REPLIED)) != 0 ? Arrival.ESTABLISHED : Arrival.UNANSWERED;
    }

    /**
     * Enters the flow of a packet that came from the other side and was let in, if one may begin with it.
     *
     * @return false if there is no room
     */
    public boolean admit(FlowKey key, int now) {
        return begin(key, false, now);
    }

    /**
     * Notes a packet to the other side; begins a flow if there is none and one may begin with it.
     *
     * @return false if there is no room
     */
    public boolean depart(FlowKey key, int now) {
        return note(key, true, now) != ABSENT || begin(key, true, now);
    }

    /** Whether a packet that an ICMP error is about belongs to a flow: it left here, so its source is local. */
    public boolean knows(FlowKey key, int now) {
        return find(what(key, true), key, true, now) != ABSENT;
    }

    /** Remembers, for the later fragments of a packet that came from the other side, what became of the first one. */
    public boolean fragment(FlowKey key, boolean admitted, int now) {
        return enter(fragments(key), key, false, state(PRESENT | (admitted ? ADMITTED : 0), now + FRAGMENT), now);
    }

    /** What became of the first fragment of a packet: 1 it was let in, 0 it was not, {@link #UNKNOWN}. */
    public int fragment(FlowKey key, int now) {
        long state = find(fragments(key), key, false, now);
        if (state == ABSENT) {
            return UNKNOWN;
        }
        return (state & ADMITTED) != 0 ? 1 : 0;
    }

    /** Forgets everything; packets of flows in progress are judged anew. */
    public void clear() {
        for (int offset = 0; offset < hints; offset += SLOT_LENGTH) {
            long state = buffer.getLongVolatile(offset);
            while ((state & WRITING) == 0 && (state & PRESENT) != 0 && !remove(offset, state)) {
                state = buffer.getLongVolatile(offset);
            }
        }
    }

    /** How many flows there are, those of fragments included; looks at every slot. */
    public int size(int now) {
        int size = 0;
        for (int offset = 0; offset < hints; offset += SLOT_LENGTH) {
            size += isLive(buffer.getLongVolatile(offset), now) ? 1 : 0;
        }
        Reference.reachabilityFence(this);
        return size;
    }

    /** @param departing whether the packet's source is the local side */
    private static long what(FlowKey key, boolean departing) {
        int local = departing ? key.sourcePort() : key.destinationPort();
        int remote = departing ? key.destinationPort() : key.sourcePort();
        return (long) key.protocol() << 32 | (long) local << 16 | remote;
    }

    private static long fragments(FlowKey key) {
        return FRAGMENTS | (long) key.protocol() << 32 | key.fragmentId() & 0xffff_ffffL;
    }

    /** The high halves of addresses add nothing that an attacker could not choose anyway. */
    private long hash(long what, FlowKey key, boolean departing) {
        long local = departing ? key.sourceLow() : key.destinationLow();
        long remote = departing ? key.destinationLow() : key.sourceLow();
        long hash = (what ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        hash = ((hash ^ hash >>> 32) + local) * 0xd6e8_feb8_6659_fd93L;
        hash = ((hash ^ hash >>> 32) + remote) * 0xd6e8_feb8_6659_fd93L;
        hash = (hash ^ hash >>> 32) * 0xd6e8_feb8_6659_fd93L;
        return hash ^ hash >>> 32;
    }

    private int firstBucket(long hash) {
        return (int) ((hash & 0xffff_ffffL) * buckets >>> 32);
    }

    private int secondBucket(long hash) {
        return (int) ((hash >>> 32) * buckets >>> 32);
    }

    /** Offset of a slot that a flow may be in. */
    private int slot(long hash, int place) {
        int bucket = place < WAYS ? firstBucket(hash) : secondBucket(hash);
        return (bucket * WAYS + place % WAYS) * SLOT_LENGTH;
    }

    /** The places whose hints do not rule a flow out, a bit each. */
    private int candidates(long hash) {
        long hint = (hash & 0xff) * EACH_BYTE;
        int places = zeroBytes(buffer.getLong(hints + firstBucket(hash) * WAYS) ^ hint)
                | zeroBytes(buffer.getLong(hints + secondBucket(hash) * WAYS) ^ hint) << WAYS;
        Reference.reachabilityFence(this);
        return places;
    }

    /** A bit for each byte that is zero; also for a byte of 1 above one of those, which a hint may be wrong about. */
    private static int zeroBytes(long word) {
        long high = word - EACH_BYTE & ~word & EACH_BYTE << 7;
        return (int) ((high >>> 7) * GATHER >>> 56);
    }

    private void putHint(long hash, int place) {
        int bucket = place < WAYS ? firstBucket(hash) : secondBucket(hash);
        int way = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? place % WAYS : WAYS - 1 - place % WAYS;
        buffer.putByte(hints + bucket * WAYS + way, (byte) hash);
    }

    private static boolean isLive(long state, int now) {
        return (state & (PRESENT | WRITING)) == PRESENT && deadline(state) - now > 0;
    }

    private static long version(long state) {
        return state + VERSION & ~(FLAGS_MASK | 0xffff_ffff_0000_0000L);
    }

    /** What a slot holds whose version is to be added. */
    private static long state(int flags, int deadline) {
        return (long) deadline << 32 | flags;
    }

    private boolean remove(int offset, long state) {
        return buffer.compareAndSetLong(offset, state, version(state));
    }

    private boolean holds(int offset, long what, FlowKey key, boolean departing) {
        int source = offset + (departing ? LOCAL_OFFSET : REMOTE_OFFSET);
        int destination = offset + (departing ? REMOTE_OFFSET : LOCAL_OFFSET);
        return buffer.getLong(offset + WHAT_OFFSET) == what
                && buffer.getLong(source + LOW_OFFSET) == key.sourceLow()
                && buffer.getLong(destination + LOW_OFFSET) == key.destinationLow()
                && buffer.getLong(source) == key.sourceHigh()
                && buffer.getLong(destination) == key.destinationHigh();
    }

    private void put(int offset, long what, FlowKey key, boolean departing) {
        int source = offset + (departing ? LOCAL_OFFSET : REMOTE_OFFSET);
        int destination = offset + (departing ? REMOTE_OFFSET : LOCAL_OFFSET);
        buffer.putLong(offset + WHAT_OFFSET, what);
        buffer.putLong(source, key.sourceHigh());
        buffer.putLong(source + LOW_OFFSET, key.sourceLow());
        buffer.putLong(destination, key.destinationHigh());
        buffer.putLong(destination + LOW_OFFSET, key.destinationLow());
    }

    /** The state of a slot that holds this flow, else {@link #ABSENT}. */
    private long find(int offset, long what, FlowKey key, boolean departing, int now) {
        while (true) {
            long state = buffer.getLongVolatile(offset);
            if (!isLive(state, now)) {
                return ABSENT;
            }
            boolean found = holds(offset, what, key, departing);
            VarHandle.loadLoadFence();
            boolean unchanged = (int) buffer.getLong(offset) >>> 16 == (int) state >>> 16;
            Reference.reachabilityFence(this);
            if (unchanged) {
                return found ? state : ABSENT;
            }
        }
    }

    private long find(long what, FlowKey key, boolean departing, int now) {
        long hash = hash(what, key, departing);
        for (int places = candidates(hash); places != 0; places &= places - 1) {
            long state = find(slot(hash, Integer.numberOfTrailingZeros(places)), what, key, departing, now);
            if (state != ABSENT) {
                return state;
            }
        }
        return ABSENT;
    }

    /** What the flow is with this packet, {@link #INVALID}, or {@link #ABSENT}, also if this packet would begin it anew. */
    private long note(FlowKey key, boolean departing, int now) {
        long what = what(key, departing);
        long hash = hash(what, key, departing);
        for (int places = candidates(hash); places != 0; places &= places - 1) {
            int offset = slot(hash, Integer.numberOfTrailingZeros(places));
            long state;
            while ((state = find(offset, what, key, departing, now)) != ABSENT) {
                boolean back = departing != ((state & LOCAL) != 0);
                boolean tcp = key.protocol() == TcpHeader.PROTOCOL;
                long next = tcp ? afterSegment(state, key, back, now) : after(state, key, back, now);
                boolean done = next == ABSENT || isRefused(state, next)
                        ? remove(offset, state)
                        : next == INVALID || next == state || buffer.compareAndSetLong(offset, state, next);
                if (done) {
                    return next;
                }
            }
        }
        return ABSENT;
    }

    private long after(long state, FlowKey key, boolean back, int now) {
        int flags = (int) state & FLAGS_MASK;
        if (back) {
            flags |= REPLIED;
        } else if ((flags & REPLIED) != 0) {
            flags |= ASSURED;
        }
        return with(state, flags, now + timeout(flags, key.protocol()));
    }

    /** {@link #ABSENT} if the segment ends this flow and begins another one. */
    private long afterSegment(long state, FlowKey key, boolean back, int now) {
        int before = connection(state);
        int after = TcpConnection.next(before, key.tcpFlags(), back);
        if (after == TcpConnection.INVALID) {
            return INVALID;
        }
        if (after == TcpConnection.REOPENED) {
            return ABSENT;
        }
        int flags = (int) state & FLAGS_MASK & ~TCP_MASK | after << TCP_SHIFT & TCP_MASK;
        if ((flags & REPLIED) != 0 && TcpConnection.isAssured(before, after)) {
            flags |= ASSURED;
        }
        if (back) {
            flags |= REPLIED;
        }
        boolean renewed = (after & TcpConnection.NOT_RENEWED) == 0;
        return with(state, flags, renewed ? now + timeout(flags, TcpHeader.PROTOCOL) : deadline(state));
    }

    /** Whether it ends with a RST before it went both ways; nothing of it is left then. */
    private static boolean isRefused(long state, long next) {
        return next != INVALID && (state & REPLIED) == 0 && TcpConnection.isReset(connection(next));
    }

    private static int connection(long state) {
        return ((int) state & TCP_MASK) >>> TCP_SHIFT;
    }

    private static int deadline(long state) {
        return (int) (state >>> 32);
    }

    private static long with(long state, int flags, int deadline) {
        int version = (int) state & ~FLAGS_MASK;
        return (long) deadline << 32 | (version | flags) & 0xffff_ffffL;
    }

    private int timeout(int flags, int protocol) {
        boolean replied = (flags & REPLIED) != 0;
        return switch (protocol) {
            case TcpHeader.PROTOCOL ->
                Math.min(timeouts.tcp(), TcpConnection.timeout(connection(flags), replied, timeouts.tcp()));
            case UdpHeader.PROTOCOL -> replied ? timeouts.udp() : Math.min(UDP_UNREPLIED, timeouts.udp());
            case FlowKey.ICMP, FlowKey.ICMPV6 -> ICMP;
            default -> GENERIC;
        };
    }

    private boolean begin(FlowKey key, boolean departing, int now) {
        int opening = opening(key);
        if (opening == 0) {
            return true;
        }
        int flags = opening | (departing ? LOCAL : 0);
        return enter(what(key, departing), key, departing, state(flags, now + timeout(flags, key.protocol())), now);
    }

    /** The flags of a flow that begins with this packet; 0 if none can. */
    private static int opening(FlowKey key) {
        return switch (key.protocol()) {
            case TcpHeader.PROTOCOL -> {
                int connection = TcpConnection.open(key.tcpFlags());
                yield connection == TcpConnection.INVALID ? 0 : PRESENT | connection << TCP_SHIFT;
            }
            case FlowKey.ICMP, FlowKey.ICMPV6 -> key.isIcmpRequest() ? PRESENT : 0;
            default -> PRESENT;
        };
    }

    private boolean enter(long what, FlowKey key, boolean departing, long entered, int now) {
        long hash = hash(what, key, departing);
        int place;
        int offset;
        long state;
        do {
            place = place(hash, what, key, departing, now);
            if (place < 0) {
                return false;
            }
            offset = slot(hash, place);
            state = buffer.getLongVolatile(offset);
        } while (isTaken(state, now) || !buffer.compareAndSetLong(offset, state, version(state) | WRITING));
        long written = version(state) | entered;
        VarHandle.storeStoreFence();
        putHint(hash, place);
        put(offset, what, key, departing);
        buffer.putLongRelease(offset, written);
        for (int other = 0; other < place; other++) {
            if (find(slot(hash, other), what, key, departing, now) != ABSENT) {
                remove(offset, written);
                break;
            }
        }
        Reference.reachabilityFence(this);
        return true;
    }

    /** Whether a slot is no longer one that {@link #place} would choose. */
    private static boolean isTaken(long state, int now) {
        return (state & WRITING) != 0
                || isLive(state, now) && (state & ASSURED) != 0 && !TcpConnection.isOver(connection(state));
    }

    /** Of the slots for a new flow: its own, if it is there; a free one; the one not assured that ends first; -1. */
    private int place(long hash, long what, FlowKey key, boolean departing, int now) {
        int ending = -1;
        int leastRest = Integer.MAX_VALUE;
        int first = -1;
        int freeInFirst = 0;
        int second = -1;
        int freeInSecond = 0;
        for (int place = PLACES - 1; place >= 0; place--) {
            int offset = slot(hash, place);
            long state = buffer.getLongVolatile(offset);
            if (isTaken(state, now)) {
                continue;
            }
            if (!isLive(state, now)) {
                if (place < WAYS) {
                    first = place;
                    freeInFirst++;
                } else {
                    second = place;
                    freeInSecond++;
                }
            } else if (find(offset, what, key, departing, now) != ABSENT) {
                return place;
            } else if (deadline(state) - now < leastRest) {
                ending = place;
                leastRest = deadline(state) - now;
            }
        }
        if (freeInFirst + freeInSecond == 0) {
            return ending;
        }
        return freeInFirst >= WAYS / 2 || freeInFirst >= freeInSecond ? first : second;
    }
}
