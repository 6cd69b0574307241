package org.weft.dataplane.table;

import org.weft.encap.IpAddress;

/**
 * Where a frame goes: another VTEP.
 *
 * @param address underlay address
 * @param port UDP port; 0 for the VTEP's own
 * @param vni VNI to send with; {@link #SAME_VNI} for the VTEP's own
 */
public record Remote(IpAddress address, int port, int vni) {
    public static final int SAME_VNI = -1;

    public Remote(IpAddress address) {
        this(address, 0, SAME_VNI);
    }
}
