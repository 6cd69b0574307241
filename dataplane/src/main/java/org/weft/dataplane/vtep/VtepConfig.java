package org.weft.dataplane.vtep;

import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The configuration of one VTEP, complete and valid: defaults are filled in. Immutable; a change makes a new one.
 *
 * @param vni VXLAN network identifier, 0 to 16777215
 * @param device the TAP device
 * @param underlay the sockets towards the other hosts
 * @param encapsulation the headers in front of a frame
 * @param forwarding the use of the FDB and the neighbour table
 * @param switches which offloads may be used
 */
public record VtepConfig(
        int vni,
        Device device,
        Underlay underlay,
        Encapsulation encapsulation,
        Forwarding forwarding,
        Switches switches) {

    /**
     * The TAP device.
     *
     * @param name its name
     * @param addresses its overlay addresses, with their prefixes
     * @param mac its MAC address
     * @param mtu its MTU in bytes
     * @param persist whether it stays when the daemon ends
     */
    public record Device(String name, List<IpPrefix> addresses, long mac, int mtu, boolean persist) {
        public Device {
            addresses = List.copyOf(addresses);
        }

        public Device withAddresses(List<IpPrefix> changed) {
            return new Device(name, changed, mac, mtu, persist);
        }
    }

    /**
     * The sockets towards the other hosts. They are bound for the life of the VTEP.
     *
     * @param local underlay address to bind and send from; {@link IpAddress#isAny()} leaves it to the kernel
     * @param dev underlay interface to bind to, or null
     * @param port UDP port of this VTEP, and by default of the remotes
     * @param sourcePorts outer source ports
     * @param checksums outer UDP checksums
     */
    public record Underlay(IpAddress local, String dev, int port, SourcePorts sourcePorts, Checksums checksums) {}

    /**
     * A range of outer source ports.
     *
     * @param min first port; 0 with max 0: the local port range
     * @param max first port after the range
     */
    public record SourcePorts(int min, int max) {
        /** The host's local port range. */
        public static final SourcePorts OF_HOST = new SourcePorts(0, 0);
    }

    /**
     * Outer UDP checksums.
     *
     * @param ipv4 send a checksum over IPv4 (udpcsum)
     * @param ipv6ZeroSent send a zero checksum over IPv6 (udp6zerocsumtx)
     * @param ipv6ZeroAccepted accept a zero checksum over IPv6 (udp6zerocsumrx)
     */
    public record Checksums(boolean ipv4, boolean ipv6ZeroSent, boolean ipv6ZeroAccepted) {
        /** A checksum in every datagram, in both directions. */
        public static final Checksums ALWAYS = new Checksums(true, false, false);
    }

    /**
     * The headers in front of a frame.
     *
     * @param ttl outer TTL 1 to 255, or {@link #TTL_AUTO} or {@link #TTL_INHERIT}
     * @param tos outer TOS or traffic class, DSCP part; {@link #TOS_INHERIT} takes the inner one
     * @param df how the outer DF bit is set
     * @param gbp whether the VXLAN header carries the group policy extension
     */
    public record Encapsulation(int ttl, int tos, Df df, boolean gbp) {
        public Encapsulation withGbp(boolean changed) {
            return new Encapsulation(ttl, tos, df, changed);
        }
    }

    /**
     * The use of the FDB and the neighbour table.
     *
     * @param learning whether source MACs of received frames enter the FDB
     * @param proxy whether ARP and neighbour solicitations are answered from the neighbour table and never forwarded
     * @param ageing seconds after which learned entries go; 0: never
     * @param maxAddresses most FDB entries, static ones included; 0: no limit
     * @param installNeighbours whether neighbours are also installed as permanent ones in the kernel, as silk does
     * @param knownPeers whether datagrams are dropped whose outer source is not a remote of a permanent FDB entry
     */
    public record Forwarding(
            boolean learning,
            boolean proxy,
            int ageing,
            int maxAddresses,
            boolean installNeighbours,
            boolean knownPeers) {

        public Forwarding withLearning(boolean changed) {
            return new Forwarding(changed, proxy, ageing, maxAddresses, installNeighbours, knownPeers);
        }

        public Forwarding withProxy(boolean changed) {
            return new Forwarding(learning, changed, ageing, maxAddresses, installNeighbours, knownPeers);
        }

        public Forwarding withMaxAddresses(int changed) {
            return new Forwarding(learning, proxy, ageing, changed, installNeighbours, knownPeers);
        }

        public Forwarding withKnownPeers(boolean changed) {
            return new Forwarding(learning, proxy, ageing, maxAddresses, installNeighbours, changed);
        }
    }

    /** What a table of entries of senders' choice may grow to; the kernel has no such default. */
    public static final int DEFAULT_MAX_ADDRESSES = 1_000_000;

    /** The route's default TTL. */
    public static final int TTL_AUTO = 0;

    /** The inner packet's TTL. */
    public static final int TTL_INHERIT = -1;

    /** The inner packet's TOS; what iproute2 calls {@code tos inherit}. */
    public static final int TOS_INHERIT = 1;

    /**
     * Which offloads may be used, where the kernel has them.
     *
     * @param tso TCP super-frames from the TAP device
     * @param uso UDP super-frames from the TAP device
     * @param gso several datagrams to the underlay in one message (UDP_SEGMENT)
     * @param tunnelGso TCP super-frames to the underlay uncut, with outer headers for all that they are cut into
     * @param gro several datagrams from the underlay in one message (UDP_GRO), and super-frames to the TAP device
     */
    public record Switches(boolean tso, boolean uso, boolean gso, boolean tunnelGso, boolean gro) {
        public static final Switches ALL = new Switches(true, true, true, true, true);
    }

    /** How the DF bit of the outer IPv4 header is set. */
    public enum Df {
        UNSET,
        SET,
        INHERIT
    }

    public VtepConfig withDevice(Device changed) {
        return new VtepConfig(vni, changed, underlay, encapsulation, forwarding, switches);
    }

    public VtepConfig withEncapsulation(Encapsulation changed) {
        return new VtepConfig(vni, device, underlay, changed, forwarding, switches);
    }

    public VtepConfig withForwarding(Forwarding changed) {
        return new VtepConfig(vni, device, underlay, encapsulation, changed, switches);
    }

    public VtepConfig withSwitches(Switches changed) {
        return new VtepConfig(vni, device, underlay, encapsulation, forwarding, changed);
    }

    /** The device's name. */
    public String name() {
        return device.name();
    }

    /** The same configuration with the name, MAC address and MTU that {@code ip link} gave the device. */
    public VtepConfig following(String name, long mac, int mtu) {
        return withDevice(new Device(name, device.addresses(), mac, mtu, device.persist()));
    }
}
