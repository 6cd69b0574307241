package org.weft.dataplane.silk.container;

import java.nio.file.Path;
import org.weft.dataplane.silk.lease.SilkNames;
import org.weft.encap.IpAddress;

/**
 * A container that has an address of this host's subnet.
 *
 * @param netns file that its network namespace was found at
 * @param mtu of both ends of its veth pair
 * @param laid whether its veth pair is complete; until then nobody was told the address
 */
public record Attachment(Key key, IpAddress address, Path netns, int mtu, boolean laid) {
    /**
     * What an attachment is known by, as the CNI specification has it.
     *
     * @param network name of the CNI network; empty for a container that was attached by hand
     * @param id of the container; for one attached by hand, the file of its network namespace
     * @param ifname the interface's name in the container
     */
    public record Key(String network, String id, String ifname) {
        /** Of a container that is attached by hand, not by a container runtime. */
        public static Key byHand(Path netns, String ifname) {
            return new Key("", netns.toString(), ifname);
        }

        /** For operators: {@code eth0 of container 4f2a (network silk)}. */
        @Override
        public String toString() {
            return ifname + " of " + (network.isEmpty() ? id : "container " + id + " (network " + network + ")");
        }
    }

    /** Name of the host's end of the veth pair. */
    public String veth() {
        return SilkNames.veth(address);
    }

    Attachment complete() {
        return new Attachment(key, address, netns, mtu, true);
    }
}
