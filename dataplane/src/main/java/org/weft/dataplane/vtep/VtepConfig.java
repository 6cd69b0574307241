package org.weft.dataplane.vtep;

import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * What one VTEP is to be, complete and valid: defaults are filled in. Immutable; a change makes a new one.
 *
 * @param name name of the TAP device
 * @param vni VXLAN network identifier, 0 to 16777215
 * @param local underlay address to bind and send from; {@link IpAddress#isAny()} leaves it to the kernel
 * @param dev underlay interface to bind to, or null
 * @param port UDP port, ours and by default the remotes'
 * @param addresses overlay addresses of the device, with their prefixes
 * @param mac MAC address of the device
 * @param mtu MTU of the device in bytes
 * @param gbp group policy extension
 * @param learning whether source MACs of received frames enter the FDB
 * @param proxy whether ARP and neighbour solicitations are answered from the neighbour table and never forwarded
 * @param udpChecksum outer UDP checksum over IPv4 (udpcsum)
 * @param udp6ZeroChecksumTx send a zero outer UDP checksum over IPv6
 * @param udp6ZeroChecksumRx accept a zero outer UDP checksum over IPv6
 * @param sourcePortMin first outer source port; 0 with max 0: the local port range
 * @param sourcePortMax first port after the range
 * @param ttl outer TTL 1 to 255, or {@link #TTL_AUTO} or {@link #TTL_INHERIT}
 * @param tos outer TOS or traffic class, DSCP part; {@link #TOS_INHERIT} takes the inner one
 * @param df how the outer DF bit is set
 * @param ageing seconds after which learned entries go; 0: never
 * @param maxAddresses most FDB entries, static ones included; 0: no limit
 * @param persist whether the TAP device stays when the daemon ends
 * @param installNeighbours whether neighbours are also installed as permanent ones in the kernel, as silk does
 * @param knownPeers whether datagrams are dropped whose outer source is no remote of a permanent FDB entry
 * @param switches which offloads may be used
 */
public record VtepConfig(
        String name,
        int vni,
        IpAddress local,
        String dev,
        int port,
        List<IpPrefix> addresses,
        long mac,
        int mtu,
        boolean gbp,
        boolean learning,
        boolean proxy,
        boolean udpChecksum,
        boolean udp6ZeroChecksumTx,
        boolean udp6ZeroChecksumRx,
        int sourcePortMin,
        int sourcePortMax,
        int ttl,
        int tos,
        Df df,
        int ageing,
        int maxAddresses,
        boolean persist,
        boolean installNeighbours,
        boolean knownPeers,
        Switches switches) {

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

    public VtepConfig {
        addresses = List.copyOf(addresses);
    }

    /**
     * The same configuration with the name, MAC address and MTU that {@code ip link} gave the
     * device.
     */
    public VtepConfig following(String device, long deviceMac, int deviceMtu) {
        return new VtepConfig(
                device,
                vni,
                local,
                dev,
                port,
                addresses,
                deviceMac,
                deviceMtu,
                gbp,
                learning,
                proxy,
                udpChecksum,
                udp6ZeroChecksumTx,
                udp6ZeroChecksumRx,
                sourcePortMin,
                sourcePortMax,
                ttl,
                tos,
                df,
                ageing,
                maxAddresses,
                persist,
                installNeighbours,
                knownPeers,
                switches);
    }
}
