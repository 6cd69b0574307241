package org.weft.silk.cell;

import java.util.List;
import java.util.Map;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/** Routes and neighbours of a VTEP's device in the host's kernel. */
interface HostRoutes {
    /**
     * A route that a lease has.
     *
     * @param onlink whether the kernel takes the gateway's word for being on the device's network
     */
    record Route(IpAddress gateway, IpAddress source, boolean onlink) {}

    /** What the kernel has now: routes by network as leases have them, other routes left out; permanent neighbours. */
    record Installed(Map<IpPrefix, Route> routes, Map<IpAddress, Long> neighbours) {}

    /**
     * A change, as a line of {@code ip -batch}.
     *
     * @param about the lease's subnet
     * @param removal whether it is well if there was nothing to remove
     */
    record Line(IpPrefix about, String text, boolean removal) {}

    Installed read();

    /** Makes all changes that can be made; what cannot is answered, in the kernel's words. */
    Map<IpPrefix, String> write(List<Line> lines);
}
