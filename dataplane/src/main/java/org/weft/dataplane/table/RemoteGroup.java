package org.weft.dataplane.table;

import java.util.Arrays;

/** The remotes of one MAC. Immutable, so a lookup hands out the arrays as they are. */
final class RemoteGroup {
    final long mac;
    final long[] high;
    final long[] low;
    final int[] port;
    final int[] vni;

    RemoteGroup(long mac, Remote remote) {
        this(mac, new long[1], new long[1], new int[1], new int[1]);
        set(0, remote.address().high(), remote.address().low(), remote.port(), remote.vni());
    }

    private RemoteGroup(long mac, long[] high, long[] low, int[] port, int[] vni) {
        this.mac = mac;
        this.high = high;
        this.low = low;
        this.port = port;
        this.vni = vni;
    }

    private void set(int index, long remoteHigh, long remoteLow, int remotePort, int remoteVni) {
        high[index] = remoteHigh;
        low[index] = remoteLow;
        port[index] = remotePort;
        vni[index] = remoteVni;
    }

    int count() {
        return high.length;
    }

    /** One remote with the VTEP's own port and VNI: all there is to know is its address. */
    boolean isPlain() {
        return count() == 1 && port[0] == 0 && vni[0] == Remote.SAME_VNI;
    }

    /** Whether this is the address of the first remote: the one that learning compares. */
    boolean startsAt(long remoteHigh, long remoteLow) {
        return low[0] == remoteLow && high[0] == remoteHigh;
    }

    /** Where a remote stands, or -1. */
    int indexOf(Remote remote) {
        for (int i = 0; i < count(); i++) {
            if (low[i] == remote.address().low()
                    && high[i] == remote.address().high()
                    && port[i] == remote.port()
                    && vni[i] == remote.vni()) {
                return i;
            }
        }
        return -1;
    }

    RemoteGroup with(Remote remote) {
        RemoteGroup longer = copy(count() + 1);
        longer.set(count(), remote.address().high(), remote.address().low(), remote.port(), remote.vni());
        return longer;
    }

    RemoteGroup without(int index) {
        RemoteGroup shorter = copy(count() - 1);
        for (int i = index; i < shorter.count(); i++) {
            shorter.set(i, high[i + 1], low[i + 1], port[i + 1], vni[i + 1]);
        }
        return shorter;
    }

    /** The first remote's address replaced; its port and VNI stay. */
    RemoteGroup movedTo(long remoteHigh, long remoteLow) {
        RemoteGroup moved = copy(count());
        moved.set(0, remoteHigh, remoteLow, port[0], vni[0]);
        return moved;
    }

    private RemoteGroup copy(int count) {
        return new RemoteGroup(
                mac,
                Arrays.copyOf(high, count),
                Arrays.copyOf(low, count),
                Arrays.copyOf(port, count),
                Arrays.copyOf(vni, count));
    }
}
