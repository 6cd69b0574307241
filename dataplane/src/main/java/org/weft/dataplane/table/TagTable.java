package org.weft.dataplane.table;

import java.util.List;
import org.weft.encap.IpPrefix;

/** Source addresses and prefixes, and the group policy id that their packets carry. The longest prefix wins. */
public final class TagTable {
    /** What {@link #lookup} returns where no entry matches: the packet leaves untagged. */
    public static final int UNTAGGED = 0;

    /** One entry; the tag is 1 to 65535. */
    public record Tag(IpPrefix source, int tag) {}

    public Outcome add(IpPrefix source, int tag) {
        throw new AssertionError();
    }

    public Outcome replace(IpPrefix source, int tag) {
        throw new AssertionError();
    }

    public Outcome remove(IpPrefix source) {
        throw new AssertionError();
    }

    public int flush() {
        throw new AssertionError();
    }

    public int size() {
        throw new AssertionError();
    }

    public List<Tag> entries() {
        throw new AssertionError();
    }

    /** Group policy id of a source address, or {@link #UNTAGGED}. Lock-free; allocates nothing. */
    public int lookup(long high, long low) {
        throw new AssertionError();
    }
}
