package org.weft.dataplane.table;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * Source addresses and prefixes, and the group policy id that their packets carry. The longest prefix wins.
 *
 * <p>One map for each prefix length in use, searched from the longest to the shortest. Bits of a prefix beyond its length
 * do not matter. An IPv6 prefix, {@code ::/0} included, matches no IPv4 address.
 */
public final class TagTable {
    /** What {@link #lookup} returns where no entry matches: the packet leaves untagged. */
    public static final int UNTAGGED = 0;

    /** One entry; the tag is 1 to 65535. */
    public record Tag(IpPrefix source, int tag) {
        public Tag {
            if (tag < 1 || tag > 0xffff) {
                throw new IllegalArgumentException("tag " + tag + " of " + source + " is not in 1 to 65535");
            }
        }
    }

    private static final int IPV4_START = 96;

    private final Additions additions = new Additions();

    /** Longest first; replaced as a whole when a length comes into use or goes out of it. */
    private volatile Level[] levels = {};

    /** The prefixes of one length, counted in 128 bits. */
    private static final class Level {
        final int length;
        final long highMask;
        final long lowMask;
        final OffHeapMap tags = new OffHeapMap(2);

        Level(int length) {
            this.length = length;
            this.highMask = mask(length);
            this.lowMask = mask(length - Long.SIZE);
        }

        private static long mask(int bits) {
            return bits <= 0 ? 0 : -1L << Long.SIZE - Math.min(bits, Long.SIZE);
        }

        long get(long high, long low) {
            return tags.get(high & highMask, low & lowMask);
        }
    }

    public synchronized Outcome add(IpPrefix source, int tag) {
        Level level = level(source);
        IpAddress address = source.address();
        boolean exists = level != null && level.get(address.high(), address.low()) != OffHeapMap.MISSING;
        return exists ? Outcome.EXISTS : replace(source, tag);
    }

    /**
     * A new entry, or another tag in place of what there was.
     *
     * @throws IllegalArgumentException if the tag is not in 1 to 65535
     */
    public synchronized Outcome replace(IpPrefix source, int tag) {
        Tag entry = new Tag(source, tag);
        Level known = level(source);
        Level level = known == null ? new Level(source.mappedLength()) : known;
        long high = source.address().high() & level.highMask;
        long low = source.address().low() & level.lowMask;
        if (!level.tags.put(high, low, entry.tag(), 0, 0)) {
            return Outcome.FULL;
        }
        if (known == null) {
            publishWith(level);
        }
        additions.note();
        return Outcome.OK;
    }

    public synchronized Outcome remove(IpPrefix source) {
        Level level = level(source);
        IpAddress address = source.address();
        if (level == null || !level.tags.remove(address.high() & level.highMask, address.low() & level.lowMask)) {
            return Outcome.NOT_FOUND;
        }
        if (level.tags.size() == 0) {
            publishWithout(level);
        }
        return Outcome.OK;
    }

    /** The tag of exactly this prefix, whatever others there are; {@link #UNTAGGED} if it has none. */
    public synchronized int get(IpPrefix source) {
        Level level = level(source);
        long tag = level == null
                ? OffHeapMap.MISSING
                : level.get(source.address().high(), source.address().low());
        return tag == OffHeapMap.MISSING ? UNTAGGED : (int) tag;
    }

    private Level level(IpPrefix source) {
        for (Level level : levels) {
            if (level.length == source.mappedLength()) {
                return level;
            }
        }
        return null;
    }

    private void publishWith(Level level) {
        List<Level> more = new ArrayList<>(List.of(levels));
        more.add(level);
        more.sort(Comparator.comparingInt((Level each) -> each.length).reversed());
        levels = more.toArray(new Level[0]);
    }

    private void publishWithout(Level level) {
        List<Level> fewer = new ArrayList<>(List.of(levels));
        fewer.remove(level);
        levels = fewer.toArray(new Level[0]);
        level.tags.release();
    }

    /** Removes every entry and gives all memory back. Returns how many went. */
    public synchronized int flush() {
        int flushed = size();
        Level[] before = levels;
        levels = new Level[0];
        // A lookup that has begun looks again, and not through levels of which some are empty.
        additions.note();
        for (Level level : before) {
            level.tags.release();
        }
        return flushed;
    }

    public int size() {
        int size = 0;
        for (Level level : levels) {
            size += level.tags.size();
        }
        return size;
    }

    /**
     * All entries by address, the shorter prefix first, read one after the other as they are asked for; prefixes have no
     * bits beyond their length.
     */
    public Stream<Tag> entries() {
        return Walk.over(this::offerKeys, this::find);
    }

    private void offerKeys(LeastKeys keys) {
        for (Level level : levels) {
            level.tags.forEach((high, low, tag, flags, time) -> keys.offer(high, low));
        }
    }

    private void find(long high, long low, Consumer<Tag> found) {
        Level[] current = levels;
        IpAddress address = new IpAddress(high, low);
        for (int i = current.length - 1; i >= 0; i--) {
            long tag = current[i].tags.get(high, low);
            if (tag != OffHeapMap.MISSING) {
                int length = current[i].length - 128 + address.bits();
                found.accept(new Tag(new IpPrefix(address, length), (int) tag));
            }
        }
    }

    /**
     * Group policy id of a source address, or {@link #UNTAGGED}: that of the longest prefix at one
     * moment, also while others come and go, see {@link Additions}. Lock-free; allocates nothing.
     */
    public int lookup(long high, long low) {
        for (int tries = 1; ; tries++) {
            long before = additions.count();
            int tag = search(high, low);
            if (!additions.repeats(before, tries)) {
                return tag;
            }
        }
    }

    private int search(long high, long low) {
        boolean ipv4 = IpAddress.isIpv4(high, low);
        for (Level level : levels) {
            if (ipv4 && level.length < IPV4_START) {
                break;
            }
            long tag = level.get(high, low);
            if (tag != OffHeapMap.MISSING) {
                return (int) tag;
            }
        }
        return UNTAGGED;
    }
}
