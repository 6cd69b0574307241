package org.weft.dataplane.policy;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.table.Hash128;
import org.weft.dataplane.table.TagTable;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;

/**
 * The policies of a moment, off-heap, for lookup by packets. Thread-safe, because it is immutable:
 * a change of policies makes another table, so that no packet is judged by half of a change.
 *
 * <p>Unlike tables that change under their readers, lookups need no memory fences. The
 * constructor writes everything, and agents get the table through a volatile field, the enforcement
 * of their VTEP.
 *
 * <pre>
 *   slots of a hash table with linear probing:
 *   0                8                16                  24                  32
 *   +----------------+----------------+-------------------+-------------------+
 *   | address, high  | address, low   | tag, protocol, 1  | ranges: at, count |     ranges: first port, last port; sorted
 *   +----------------+----------------+-------------------+-------------------+
 * </pre>
 */
public final class PolicyTable {
    public static final PolicyTable EMPTY = new PolicyTable(List.of());

    private static final int SLOT_LENGTH = 32;
    private static final int LOW_OFFSET = 8;
    private static final int WHAT_OFFSET = 16;
    private static final int RANGES_OFFSET = 24;

    /** Stands for a key without ranges, because a list has at least one. */
    private static final long NONE = 0;

    /** Ports, the lower ones first; bounds are part of it. */
    private record Range(int first, int last) {}

    private record Key(IpAddress destination, long what) {}

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final int mask;
    private final UnsafeBuffer slots;
    private final UnsafeBuffer ranges;
    private final int size;

    public PolicyTable(Collection<Policy> policies) {
        Map<Key, List<Range>> merged = new HashMap<>();
        policies.stream().sorted(Comparator.comparingInt(Policy::firstPort)).forEach(policy -> {
            Key key = new Key(
                    policy.destination(), what(policy.tag(), policy.protocol().number()));
            join(merged.computeIfAbsent(key, same -> new ArrayList<>(1)), range(policy));
        });
        int rangeCount = merged.values().stream().mapToInt(List::size).sum();
        int capacity = BitUtil.findNextPositivePowerOfTwo(Math.max(2, merged.size() * 2));
        size = policies.size();
        mask = capacity - 1;
        slots = new UnsafeBuffer(BufferUtil.allocateDirectAligned(capacity * SLOT_LENGTH, BitUtil.CACHE_LINE_LENGTH));
        ranges = new UnsafeBuffer(
                BufferUtil.allocateDirectAligned(Math.max(1, rangeCount) * Integer.BYTES, BitUtil.CACHE_LINE_LENGTH));
        int next = 0;
        for (Map.Entry<Key, List<Range>> entry : merged.entrySet()) {
            put(entry.getKey(), next, entry.getValue());
            next += entry.getValue().size();
        }
    }

    /** Without ports, what else tells flows apart in their place. */
    private static Range range(Policy policy) {
        return policy.protocol().hasPorts() ? new Range(policy.firstPort(), policy.lastPort()) : new Range(0, 0xffff);
    }

    /** Adds a range that begins no lower than those before it; ranges that touch become one. */
    private static void join(List<Range> ranges, Range next) {
        int last = ranges.size() - 1;
        if (last < 0 || next.first() > ranges.get(last).last() + 1) {
            ranges.add(next);
        } else {
            Range before = ranges.get(last);
            ranges.set(last, new Range(before.first(), Math.max(before.last(), next.last())));
        }
    }

    private void put(Key key, int at, List<Range> list) {
        int offset = home(key.destination().high(), key.destination().low(), key.what());
        while (slots.getLong(offset + WHAT_OFFSET) != 0) {
            offset = next(offset);
        }
        slots.putLong(offset, key.destination().high());
        slots.putLong(offset + LOW_OFFSET, key.destination().low());
        slots.putLong(offset + WHAT_OFFSET, key.what());
        slots.putLong(offset + RANGES_OFFSET, (long) at << 32 | list.size());
        for (int i = 0; i < list.size(); i++) {
            ranges.putInt(
                    (at + i) * Integer.BYTES,
                    list.get(i).first() << 16 | list.get(i).last());
        }
    }

    /** Never 0, which is a free slot. ICMPv6 counts as ICMP. */
    private static long what(int tag, int protocol) {
        return (long) tag << 16 | (protocol == FlowKey.ICMPV6 ? FlowKey.ICMP : protocol) << 8 | 1;
    }

    private int home(long high, long low, long what) {
        long hash = Hash128.add(Hash128.add(Hash128.begin(high, seed), low), what);
        return ((int) (hash >>> 32) & mask) * SLOT_LENGTH;
    }

    private int next(int offset) {
        return offset + SLOT_LENGTH & (mask * SLOT_LENGTH | SLOT_LENGTH - 1);
    }

    /** How many policies it was made of. */
    public int size() {
        return size;
    }

    /**
     * Whether a policy lets a packet in.
     *
     * @param tag of the packet; {@link TagTable#UNTAGGED} is in no policy
     * @param protocol as in the IP header
     * @param port destination port; anything for a protocol without ports
     */
    public boolean allows(int tag, long destinationHigh, long destinationLow, int protocol, int port) {
        long list = list(destinationHigh, destinationLow, what(tag, protocol));
        boolean allows = list != NONE && contains(list, port);
        // A replaced table keeps its memory until here.
        Reference.reachabilityFence(this);
        return allows;
    }

    /** Place and number of the ranges of a key; {@link #NONE} if no policy has it. */
    private long list(long destinationHigh, long destinationLow, long what) {
        int offset = home(destinationHigh, destinationLow, what);
        for (long found; (found = slots.getLong(offset + WHAT_OFFSET)) != 0; offset = next(offset)) {
            if (found == what
                    && slots.getLong(offset) == destinationHigh
                    && slots.getLong(offset + LOW_OFFSET) == destinationLow) {
                return slots.getLong(offset + RANGES_OFFSET);
            }
        }
        return NONE;
    }

    private boolean contains(long list, int port) {
        int low = (int) (list >>> 32);
        int high = low + (int) list - 1;
        while (low <= high) {
            int middle = low + high >>> 1;
            int range = ranges.getInt(middle * Integer.BYTES);
            if (port < range >>> 16) {
                high = middle - 1;
            } else if (port > (range & 0xffff)) {
                low = middle + 1;
            } else {
                return true;
            }
        }
        return false;
    }
}
