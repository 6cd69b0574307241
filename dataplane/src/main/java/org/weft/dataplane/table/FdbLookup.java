package org.weft.dataplane.table;

import java.util.ArrayList;
import java.util.List;
import org.weft.encap.IpAddress;

/** What a lookup found: one remote, or several. Reused from lookup to lookup by one thread. */
public final class FdbLookup {
    /** Null for a single remote with the VTEP's own port and VNI. */
    private RemoteGroup group;

    private long high;
    private long low;

    void set(long remoteHigh, long remoteLow) {
        group = null;
        high = remoteHigh;
        low = remoteLow;
    }

    void set(RemoteGroup remotes) {
        group = remotes;
    }

    /** How many remotes there are. */
    public int count() {
        return group == null ? 1 : group.count();
    }

    /** High 64 bits of a remote's address. */
    public long high(int index) {
        return group == null ? high : group.high[index];
    }

    /** Low 64 bits of a remote's address; an IPv4 one as {@code ::ffff:a.b.c.d}. */
    public long low(int index) {
        return group == null ? low : group.low[index];
    }

    /** UDP port of a remote; 0 for the VTEP's own. */
    public int port(int index) {
        return group == null ? 0 : group.port[index];
    }

    /** VNI of a remote; {@link Remote#SAME_VNI} for the VTEP's own. */
    public int vni(int index) {
        return group == null ? Remote.SAME_VNI : group.vni[index];
    }

    List<Remote> remotes() {
        List<Remote> remotes = new ArrayList<>(count());
        for (int i = 0; i < count(); i++) {
            remotes.add(new Remote(new IpAddress(high(i), low(i)), port(i), vni(i)));
        }
        return remotes;
    }
}
