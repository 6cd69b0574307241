package org.weft.silk.cell;

import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.host.Sysctls;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.container.Tenants;
import org.weft.silk.lease.Lease;

/**
 * Finds out why containers are cut off although the lease is in force. Reasons are changes of
 * others to the VTEP's device or the host, and routes that the kernel refuses. The cell's thread
 * looks once a second.
 */
final class Obstacles {
    private static final Logger LOG = LoggerFactory.getLogger(Obstacles.class);

    private final VtepRegistry registry;
    private final Tenants tenants;
    private final Convergence convergence;
    private String current;

    Obstacles(VtepRegistry registry, Tenants tenants, Convergence convergence) {
        this.registry = registry;
        this.tenants = tenants;
        this.convergence = convergence;
    }

    /** The obstacle that the last look found, in one sentence; null if packets can pass. */
    String current() {
        return current;
    }

    /**
     * Looks for an obstacle. If the host does not answer, the result of the last look stays. Without
     * a VTEP or a lease there is none, and the log says nothing about it.
     *
     * @param vtep of the cell; null if it is not up
     * @param own the lease in force; null without
     * @return whether the look found something that the one before did not
     */
    boolean look(Vtep vtep, Lease own) {
        if (vtep == null || own == null) {
            current = null;
            return false;
        }
        String found;
        try {
            found = find(vtep, own);
        } catch (LinuxException e) {
            LOG.debug("{}", e.getMessage());
            return false;
        }
        boolean changed = !Objects.equals(found, current);
        if (changed) {
            if (found == null) {
                LOG.info("containers are connected again");
            } else {
                LOG.warn("containers are cut off: {}", found);
            }
        }
        current = found;
        return changed && found != null;
    }

    private String find(Vtep vtep, Lease own) {
        String changed = changedDevice(vtep, own);
        if (changed != null) {
            return changed;
        }
        return forwards(vtep) ? convergence.refusedAll() : unforwarded(vtep);
    }

    /** Other hosts send to the MAC address of the lease, and routes need the addresses. */
    private String changedDevice(Vtep vtep, Lease own) {
        LinkState state = registry.state(vtep);
        if (state.mac() != own.mac()) {
            return vtep.name() + " has the MAC address " + MacAddress.toString(state.mac())
                    + ", and other hosts send to " + MacAddress.toString(own.mac());
        }
        if (state.ifindex() == 0 || !Link.of(vtep.deviceName()).exists()) {
            return null; // the registry knows that it is gone, or in another namespace
        }
        List<IpAddress> addresses = HostNetwork.addresses(vtep.deviceName()).stream()
                .map(IpPrefix::address)
                .toList();
        for (IpPrefix wanted : vtep.config().device().addresses()) {
            if (!addresses.contains(wanted.address())) {
                return vtep.name() + " has lost its address " + wanted;
            }
        }
        return null;
    }

    /** A host without containers need not forward. The attach of the first one sets forwarding. */
    private boolean forwards(Vtep vtep) {
        return tenants.size() == 0 || !Sysctls.isOff(forwarding(vtep));
    }

    private static String unforwarded(Vtep vtep) {
        String global = "ipv4/ip_forward";
        return "net/" + (Sysctls.isOff(global) ? global : forwarding(vtep))
                + " is 0: the host forwards nothing between containers and " + vtep.name();
    }

    /**
     * The kernel asks the device that a packet comes from (ip_route_input_slow); ip_forward sets
     * all of them.
     */
    private static String forwarding(Vtep vtep) {
        return "ipv4/conf/" + vtep.deviceName() + "/forwarding";
    }
}
