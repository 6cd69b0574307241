package org.weft.dataplane.table;

import java.util.List;

/** Forwarding database of one VTEP. */
public final class FdbTable {
    /** MAC of the default entry, taken for every frame whose destination has none. */
    public static final long DEFAULT_MAC = 0;

    /** What came of showing the table a received frame's source. */
    public enum Learned {
        /** Known with this remote already. */
        KNOWN,
        /** A new entry, or one that moved here. */
        LEARNED,
        /** Belongs to a permanent entry with another remote: the frame must go. */
        STATIC_ELSEWHERE,
        /** The limit is reached; nothing was learned. */
        FULL
    }

    /** @param limit most entries it takes; 0 for no limit. */
    public FdbTable(int limit) {}

    /** A new entry with one remote; {@link Outcome#EXISTS} if there is one for this MAC. */
    public Outcome add(long mac, Remote remote, boolean permanent, long nowSeconds) {
        throw new AssertionError();
    }

    /** One more remote, to an entry that may exist; default and multicast entries only. */
    public Outcome append(long mac, Remote remote, boolean permanent, long nowSeconds) {
        throw new AssertionError();
    }

    /** A new entry, or another remote in place of what there was. */
    public Outcome replace(long mac, Remote remote, boolean permanent, long nowSeconds) {
        throw new AssertionError();
    }

    /** Removes a remote of an entry, and the entry with its last; a null remote removes all. */
    public Outcome remove(long mac, Remote remote) {
        throw new AssertionError();
    }

    /** Removes every entry, or only learned ones. Returns how many went. */
    public int flush(boolean learnedOnly) {
        throw new AssertionError();
    }

    /** Removes learned entries not refreshed for longer than this. Returns how many went. */
    public int age(long nowSeconds, long ageingSeconds) {
        throw new AssertionError();
    }

    public int size() {
        throw new AssertionError();
    }

    /** All entries as they stand now, for show; unordered. */
    public List<FdbEntry> entries() {
        throw new AssertionError();
    }

    /** The entry for one MAC, or null. */
    public FdbEntry entry(long mac) {
        throw new AssertionError();
    }

    /**
     * Looks up where a frame goes: the entry of its MAC, else nothing. Lock-free; allocates nothing.
     *
     * @return whether there is one; the result is in {@code found}
     */
    public boolean lookup(long mac, FdbLookup found) {
        throw new AssertionError();
    }

    /** Learns, or refreshes, from a received frame. Takes the monitor only for a new or moved entry. */
    public Learned learn(long mac, long remoteHigh, long remoteLow, long nowSeconds) {
        throw new AssertionError();
    }
}
