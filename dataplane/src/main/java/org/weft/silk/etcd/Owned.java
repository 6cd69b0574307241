package org.weft.silk.etcd;

import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.Overlay;

/**
 * A key of {@code leases/}.
 *
 * @param record as it was written; if its subnet is not the key's it is made one that nobody takes for well-formed
 * @param lease null if the record is not well-formed
 */
record Owned(KeyValue kv, LeaseRecord record, Lease lease) {
    static Owned of(Overlay overlay, String name, KeyValue kv) {
        LeaseRecord record = Keys.record(kv);
        try {
            Lease lease = LeaseTable.parse(overlay, record);
            if (Keys.name(lease.subnet()).equals(name)) {
                return new Owned(kv, record, lease);
            }
            String subnet = record.overlaySubnet() + " (its key says otherwise)";
            return new Owned(
                    kv,
                    new LeaseRecord(record.underlayIp(), subnet, record.overlayHardwareAddr(), record.origin()),
                    null);
        } catch (IllegalArgumentException e) {
            return new Owned(kv, record, null);
        }
    }

    boolean isOf(IpAddress host) {
        return lease != null && lease.underlay().equals(host);
    }

    /** What it takes of the overlay, whether well-formed or not; null if that cannot be said. */
    static IpPrefix subnet(String name, Owned owned) {
        return owned.lease == null ? Keys.subnet(name) : owned.lease.subnet();
    }

    /** For operators: who has it. */
    String holder() {
        return lease == null ? "an unreadable holder" : lease.underlay().toString();
    }
}
