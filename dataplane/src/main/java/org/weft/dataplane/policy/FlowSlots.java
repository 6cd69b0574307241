package org.weft.dataplane.policy;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.util.concurrent.ThreadLocalRandom;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.table.Hash128;
import org.weft.dataplane.table.Shares;
import org.weft.encap.FlowKey;

/**
 * Where flows lie: off-heap slots that any thread may take, change and read; none ever waits for another.
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
 * <p>A flow is in one of the eight slots of its first bucket or, if that was more than half full
 * and the fuller one, of its second. A writer takes a slot by a compare-and-set of its state to
 * "being written" with the next version. A reader compares the state before and after. All that
 * changes of a flow afterwards is its state, by compare-and-set. Two threads may enter one flow at
 * the same moment: then the one further back in the buckets goes again, or, if they cannot see each
 * other, stays unused until its deadline.
 *
 * <p>How many slots each local address has is counted as slots are taken and emptied. Where no slot is free, the flows of an
 * address with more than an eighth of all slots are the first to go, even if they are held.
 *
 * <p>Behind the slots there is a byte for each, of the hash of its flow: who looks for a flow reads only slots that may have it.
 *
 * <p>What a flow is called here: {@code what}, which tells it from others between the same ends, and a packet of it with
 * whether that departs, so that its source is the local end.
 */
final class FlowSlots {
    /** In place of a state: there is no such flow. */
    static final long ABSENT = 0;

    private static final int PRESENT = 1;

    /** A flag of a state: the slot is not given to another flow before its deadline, unless its address has too many. */
    static final int HELD = 1 << 1;

    private static final int WRITING = 1 << 2;

    /** Of those that mean nothing here, the lowest; it and all above belong to who enters the flow. */
    static final int FIRST_FREE_FLAG = 1 << 3;

    static final int FLAGS = 0xffff;

    private static final int VERSION = FLAGS + 1;

    private static final int SLOT_LENGTH = 64;
    private static final int WAYS = 8;
    /** How many slots a flow may be in. */
    private static final int PLACES = 2 * WAYS;

    private static final int WHAT_OFFSET = 8;
    private static final int LOCAL_OFFSET = 16;
    private static final int REMOTE_OFFSET = 32;
    /** In an address. */
    private static final int LOW_OFFSET = 8;

    /** An address has so many of all slots for itself: one in so many. */
    private static final int SHARE = 8;

    private static final long EACH_BYTE = 0x0101_0101_0101_0101L;
    /** By multiplication, the lowest bit of each byte into the highest byte. */
    private static final long GATHER = 0x0102_0408_1020_4080L;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final UnsafeBuffer buffer;
    private final int buckets;
    private final Shares shares;

    /** Where the slots end and their hints begin. */
    private final int hints;

    FlowSlots(int flows) {
        buckets = Math.max(1, flows / WAYS);
        hints = buckets * WAYS * SLOT_LENGTH;
        shares = new Shares(buckets * WAYS / SHARE);
        buffer = new UnsafeBuffer(BufferUtil.allocateDirectAligned(hints + buckets * WAYS, BitUtil.CACHE_LINE_LENGTH));
    }

    int capacity() {
        return buckets * WAYS;
    }

    /** Says of a flow, by the addresses of its local and its remote end, whether it is to go. */
    interface Choice {
        boolean goes(long localHigh, long localLow, long remoteHigh, long remoteLow);
    }

    /**
     * Empties the slots of flows; looks at every slot. A flow that another thread enters meanwhile may stay.
     *
     * @return how many flows went
     */
    int remove(Choice choice) {
        int removed = 0;
        for (int slot = 0; slot < hints; slot += SLOT_LENGTH) {
            long state = buffer.getLongVolatile(slot);
            while ((state & WRITING) != 0 || (state & PRESENT) != 0 && goes(choice, slot)) {
                if ((state & WRITING) != 0) {
                    Thread.onSpinWait();
                } else if (remove(slot, state)) {
                    removed++;
                    break;
                }
                state = buffer.getLongVolatile(slot);
            }
        }
        Reference.reachabilityFence(this);
        return removed;
    }

    /** Of what another thread writes meanwhile, the answer means nothing; then {@link #remove(int, long)} fails. */
    private boolean goes(Choice choice, int slot) {
        return choice.goes(
                buffer.getLong(slot + LOCAL_OFFSET),
                buffer.getLong(slot + LOCAL_OFFSET + LOW_OFFSET),
                buffer.getLong(slot + REMOTE_OFFSET),
                buffer.getLong(slot + REMOTE_OFFSET + LOW_OFFSET));
    }

    /** Empties the slots of flows that ended in silence, so that they count for no address. Looks at every slot. */
    void removeEnded(int now) {
        for (int slot = 0; slot < hints; slot += SLOT_LENGTH) {
            long state = buffer.getLongVolatile(slot);
            if ((state & (PRESENT | WRITING)) == PRESENT && !isLive(state, now)) {
                remove(slot, state);
            }
        }
        Reference.reachabilityFence(this);
    }

    /** Whether a flow may have this local address. */
    boolean mayHold(long high, long low) {
        return shares.count(high, low) != 0;
    }

    /** How many flows there are; looks at every slot. */
    int size(int now) {
        int size = 0;
        for (int offset = 0; offset < hints; offset += SLOT_LENGTH) {
            size += isLive(buffer.getLongVolatile(offset), now) ? 1 : 0;
        }
        Reference.reachabilityFence(this);
        return size;
    }

    static int deadline(long state) {
        return (int) (state >>> 32);
    }

    /** A state with other flags and another deadline. */
    static long with(long state, int flags, int deadline) {
        int version = (int) state & ~FLAGS;
        return (long) deadline << 32 | (version | flags) & 0xffff_ffffL;
    }

    private static boolean isLive(long state, int now) {
        return (state & (PRESENT | WRITING)) == PRESENT && deadline(state) - now > 0;
    }

    /** An empty slot's state, after this one. */
    private static long next(long state) {
        return state + VERSION & ~FLAGS & 0xffff_ffffL;
    }

    /** Sets the state of a flow; false if somebody else did in the meantime. */
    boolean change(int slot, long state, long changed) {
        boolean set = buffer.compareAndSetLong(slot, state, changed);
        Reference.reachabilityFence(this);
        return set;
    }

    /** Empties the slot of a flow; false if its state is another by now. */
    boolean remove(int slot, long state) {
        long high = buffer.getLong(slot + LOCAL_OFFSET);
        long low = buffer.getLong(slot + LOCAL_OFFSET + LOW_OFFSET);
        boolean removed = buffer.compareAndSetLong(slot, state, next(state));
        if (removed) {
            shares.add(high, low, -1);
        }
        Reference.reachabilityFence(this);
        return removed;
    }

    /** Who has a slot being written counts it, for the address that is in it. */
    private void count(int slot, int change) {
        shares.add(buffer.getLong(slot + LOCAL_OFFSET), buffer.getLong(slot + LOCAL_OFFSET + LOW_OFFSET), change);
    }

    private boolean isOfTooMany(int slot) {
        return shares.isExceeded(buffer.getLong(slot + LOCAL_OFFSET), buffer.getLong(slot + LOCAL_OFFSET + LOW_OFFSET));
    }

    /** The high halves of addresses add nothing that an attacker could not choose anyway. */
    long hash(long what, FlowKey key, boolean departing) {
        long local = departing ? key.sourceLow() : key.destinationLow();
        long remote = departing ? key.destinationLow() : key.sourceLow();
        long hash = Hash128.end(Hash128.add(Hash128.add(Hash128.begin(what, seed), local), remote));
        return hash ^ hash >>> 32;
    }

    private int firstBucket(long hash) {
        return (int) ((hash & 0xffff_ffffL) * buckets >>> 32);
    }

    private int secondBucket(long hash) {
        return (int) ((hash >>> 32) * buckets >>> 32);
    }

    /** A slot that a flow may be in: the offset of its state. */
    int slot(long hash, int place) {
        int bucket = place < WAYS ? firstBucket(hash) : secondBucket(hash);
        return (bucket * WAYS + place % WAYS) * SLOT_LENGTH;
    }

    /** The places whose hints do not rule a flow out, a bit each. */
    int candidates(long hash) {
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

    private boolean holds(int slot, long what, FlowKey key, boolean departing) {
        int source = slot + (departing ? LOCAL_OFFSET : REMOTE_OFFSET);
        int destination = slot + (departing ? REMOTE_OFFSET : LOCAL_OFFSET);
        return buffer.getLong(slot + WHAT_OFFSET) == what
                && buffer.getLong(source + LOW_OFFSET) == key.sourceLow()
                && buffer.getLong(destination + LOW_OFFSET) == key.destinationLow()
                && buffer.getLong(source) == key.sourceHigh()
                && buffer.getLong(destination) == key.destinationHigh();
    }

    private void put(int slot, long what, FlowKey key, boolean departing) {
        int source = slot + (departing ? LOCAL_OFFSET : REMOTE_OFFSET);
        int destination = slot + (departing ? REMOTE_OFFSET : LOCAL_OFFSET);
        buffer.putLong(slot + WHAT_OFFSET, what);
        buffer.putLong(source, key.sourceHigh());
        buffer.putLong(source + LOW_OFFSET, key.sourceLow());
        buffer.putLong(destination, key.destinationHigh());
        buffer.putLong(destination + LOW_OFFSET, key.destinationLow());
    }

    /** The state of a slot that holds this flow, else {@link #ABSENT}. */
    long find(int slot, long what, FlowKey key, boolean departing, int now) {
        while (true) {
            long state = buffer.getLongVolatile(slot);
            if (!isLive(state, now)) {
                return ABSENT;
            }
            boolean found = holds(slot, what, key, departing);
            VarHandle.loadLoadFence();
            boolean unchanged = (int) buffer.getLong(slot) >>> 16 == (int) state >>> 16;
            Reference.reachabilityFence(this);
            if (unchanged) {
                return found ? state : ABSENT;
            }
        }
    }

    /** The state of this flow, or {@link #ABSENT}. */
    long find(long what, FlowKey key, boolean departing, int now) {
        long hash = hash(what, key, departing);
        for (int places = candidates(hash); places != 0; places &= places - 1) {
            long state = find(slot(hash, Integer.numberOfTrailingZeros(places)), what, key, departing, now);
            if (state != ABSENT) {
                return state;
            }
        }
        return ABSENT;
    }

    /**
     * Enters a flow: in its slot, if it is there and not held; in a free one; or in place of one that {@link #ousted} names.
     *
     * @return false if there is no room
     */
    boolean enter(long what, FlowKey key, boolean departing, int flags, int deadline, int now) {
        long hash = hash(what, key, departing);
        int place;
        int slot;
        long state;
        do {
            place = place(hash, what, key, departing, now);
            if (place < 0) {
                Reference.reachabilityFence(this);
                return false;
            }
            slot = slot(hash, place);
            state = buffer.getLongVolatile(slot);
        } while ((state & WRITING) != 0
                || isHeld(state, now) && !isOfTooMany(slot)
                || !buffer.compareAndSetLong(slot, state, next(state) | WRITING));
        long entered = with(next(state), flags | PRESENT, deadline);
        VarHandle.storeStoreFence();
        if ((state & PRESENT) != 0) {
            count(slot, -1);
        }
        putHint(hash, place);
        put(slot, what, key, departing);
        count(slot, 1);
        buffer.putLongRelease(slot, entered);
        for (int other = 0; other < place; other++) {
            if (find(slot(hash, other), what, key, departing, now) != ABSENT) {
                remove(slot, entered);
                break;
            }
        }
        Reference.reachabilityFence(this);
        return true;
    }

    private static boolean isHeld(long state, int now) {
        return (state & HELD) != 0 && isLive(state, now);
    }

    private int place(long hash, long what, FlowKey key, boolean departing, int now) {
        int first = -1;
        int freeInFirst = 0;
        int second = -1;
        int freeInSecond = 0;
        for (int place = PLACES - 1; place >= 0; place--) {
            int slot = slot(hash, place);
            long state = buffer.getLongVolatile(slot);
            if ((state & WRITING) != 0 || isHeld(state, now)) {
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
            } else if (find(slot, what, key, departing, now) != ABSENT) {
                return place;
            }
        }
        if (freeInFirst + freeInSecond == 0) {
            return ousted(hash, now);
        }
        return freeInFirst >= WAYS / 2 || freeInFirst >= freeInSecond ? first : second;
    }

    /**
     * The place of the flow that goes for another one: one of an address with too many, rather not held; else one not held.
     * Of several it is the one that ends first. -1 if all are held.
     */
    private int ousted(long hash, int now) {
        int ousted = -1;
        long least = Long.MAX_VALUE;
        for (int place = 0; place < PLACES; place++) {
            int slot = slot(hash, place);
            long state = buffer.getLongVolatile(slot);
            boolean held = isHeld(state, now);
            boolean tooMany = isOfTooMany(slot);
            if ((state & WRITING) != 0 || held && !tooMany) {
                continue;
            }
            long rank = !tooMany ? 2 : held ? 1 : 0;
            long order = rank << 32 | Math.max(0, deadline(state) - now);
            if (order < least) {
                ousted = place;
                least = order;
            }
        }
        return ousted;
    }
}
