package org.weft.testing;

import java.util.List;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Checksums;
import org.weft.dataplane.vtep.VtepConfig.Device;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.dataplane.vtep.VtepConfig.Forwarding;
import org.weft.dataplane.vtep.VtepConfig.SourcePorts;
import org.weft.dataplane.vtep.VtepConfig.Switches;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.encap.IpAddress;

/** Configurations of VTEPs that a test opens in its own process and network namespace. */
public final class VtepConfigs {
    private static final IpAddress LOCAL = IpAddress.parse("127.0.0.1");
    private static final long MAC = 0x0200_0000_0001L;

    /** The device for uncut super-frames has a fixed name, so it would be shared with other tests. */
    private static final Switches WITHOUT_TUNNEL = new Switches(true, true, true, false, true);

    private VtepConfigs() {}

    /** A VTEP with an underlay address of the loopback interface, and with VNI 1. */
    public static VtepConfig onLoopback(String name, String dev, int port) {
        return onLoopback(name, dev, port, 1);
    }

    /** As above, with another VNI. */
    public static VtepConfig onLoopback(String name, String dev, int port, int vni) {
        return new VtepConfig(
                vni,
                new Device(name, List.of(), MAC + vni, 1410, false),
                new Underlay(LOCAL, dev, port, SourcePorts.OF_HOST, Checksums.ALWAYS),
                new Encapsulation(VtepConfig.TTL_AUTO, 0, Df.UNSET, false),
                new Forwarding(false, false, 300, 0, false, false),
                WITHOUT_TUNNEL);
    }
}
