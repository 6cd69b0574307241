package org.weft.silk.container;

import java.nio.file.Path;
import org.weft.encap.IpAddress;
import org.weft.silk.lease.SilkNames;

/**
 * A container that has an address of this host's subnet.
 *
 * @param netns file that its network namespace was found at; {@link #UNKNOWN} if none is known
 * @param mtu of both ends of its veth pair
 * @param laid whether its veth pair is complete; until then nobody was told the address
 * @param found whether its veth pair is all that is known of it, because the file of containers was damaged
 */
public record Attachment(Key key, IpAddress address, Path netns, int mtu, boolean laid, boolean found) {
    /** In place of the file of a network namespace that Weft did not find. */
    public static final Path UNKNOWN = Path.of("");

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

    /** One that was asked for, and not found. */
    public Attachment(Key key, IpAddress address, Path netns, int mtu, boolean laid) {
        this(key, address, netns, mtu, laid, false);
    }

    /** Name of the host's end of the veth pair. */
    public String veth() {
        return SilkNames.veth(address);
    }

    Attachment complete() {
        return new Attachment(key, address, netns, mtu, true);
    }
}
