package org.weft.silk.cell;

import java.util.ArrayList;
import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;

/** The leases of many hosts: host number n has {@code 10.x.y.0/24}, at {@code 172.16.x.y} unless it moved. */
public final class Fleet {
    public static final Overlay OVERLAY = new Overlay(List.of(IpPrefix.parse("10.0.0.0/8")), 24);

    private static final int FIRST_SUBNET = 10 << 24;
    private static final int FIRST_HOST = 172 << 24 | 16 << 16;
    private static final int MOVED = 1 << 16;

    private Fleet() {}

    /** @param number from 1 to 65,535 */
    public static Lease lease(int number) {
        return lease(number, 0);
    }

    /** The same on another host. */
    public static Lease moved(int number, int times) {
        return lease(number, times * MOVED);
    }

    private static Lease lease(int number, int shift) {
        IpPrefix subnet = new IpPrefix(IpAddress.ofIpv4(FIRST_SUBNET + (number << 8)), 24);
        return new Lease(IpAddress.ofIpv4(FIRST_HOST + number + shift), subnet, SilkNames.vtepMac(subnet));
    }

    /** Leases 1 to {@code size}. */
    public static List<LeaseRecord> records(int size) {
        List<LeaseRecord> all = new ArrayList<>(size);
        for (int number = 1; number <= size; number++) {
            all.add(record(lease(number)));
        }
        return all;
    }

    public static LeaseRecord record(Lease lease) {
        return lease.record("fleet");
    }
}
