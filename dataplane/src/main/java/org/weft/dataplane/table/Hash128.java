package org.weft.dataplane.table;

/**
 * The hash of a key of two or three 64-bit words and a secret seed, as all tables of the data plane
 * take it. Begin with the first word, add the others, and use the upper half of the result; {@link
 * #end} makes the lower half as good. Thread-safe: it keeps nothing.
 */
public final class Hash128 {
    private Hash128() {}

    /** The hash of a key so far, after its first word. */
    public static long begin(long word, long seed) {
        return (word ^ seed) * 0x9e37_79b9_7f4a_7c15L;
    }

    /** The hash of a key so far, after one more word. */
    public static long add(long hash, long word) {
        return ((hash ^ hash >>> 32) + word) * 0xd6e8_feb8_6659_fd93L;
    }

    /** Mixes once more, for tables that also use the lower half of a hash. */
    public static long end(long hash) {
        return add(hash, 0);
    }
}
