package org.weft.it;

import com.google.gson.JsonParser;

/**
 * One host with an underlay interface eth0, and on the other end of its cable a packet socket that plays all remotes.
 *
 * <p>Addresses and MACs are the same in every lab, so that what two subjects do can be compared byte by byte. Eth0 has
 * no checksum offload: what leaves is what a wire would see.
 */
final class HostLab implements AutoCloseable {
    static final String HOST_IP = "10.0.16.14";
    static final String HOST_IP6 = "fd00:16::e";
    static final String HOST_MAC = "42:01:0a:00:10:0e";
    static final String REMOTE_IP = "10.0.16.16";
    static final String OTHER_REMOTE_IP = "10.0.16.17";
    static final String REMOTE_IP6 = "fd00:16::10";
    static final String REMOTE_MAC = "42:01:0a:00:10:10";

    final Netns host;
    final PacketSocket wire;
    final Endpoint endpoint;

    private final Netns remotes;

    private HostLab(Netns host, Netns remotes, PacketSocket wire, Endpoint endpoint) {
        this.host = host;
        this.remotes = remotes;
        this.wire = wire;
        this.endpoint = endpoint;
    }

    static HostLab open(Subject subject) {
        Netns host = Netns.create("host");
        Netns remotes = Netns.create("wire");
        try {
            host.ip("link add eth0 address " + HOST_MAC + " type veth peer name wire address " + REMOTE_MAC + " netns "
                    + remotes.name());
            remotes.ip("link set wire arp off up");
            host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
            host.exec("ethtool", "-K", "eth0", "tx", "off");
            host.ip(
                    """
                    link set eth0 up
                    address add %s/24 dev eth0
                    address add %s/64 dev eth0 nodad
                    neigh replace %s lladdr %s dev eth0 nud permanent
                    neigh replace %s lladdr %s dev eth0 nud permanent
                    neigh replace %s lladdr %s dev eth0 nud permanent
                    """
                            .formatted(
                                    HOST_IP,
                                    HOST_IP6,
                                    REMOTE_IP,
                                    REMOTE_MAC,
                                    OTHER_REMOTE_IP,
                                    REMOTE_MAC,
                                    REMOTE_IP6,
                                    REMOTE_MAC));
            return new HostLab(host, remotes, PacketSocket.open(remotes, "wire"), Endpoint.open(subject, host));
        } catch (Throwable e) {
            host.close();
            remotes.close();
            throw e;
        }
    }

    /** Opens a packet socket on a device of the host. */
    PacketSocket socket(String device) {
        return PacketSocket.open(host, device);
    }

    /** Packets of one direction, {@code rx} or {@code tx}, in the kernel's statistics of a device. */
    long packets(String device, String direction) {
        return JsonParser.parseString(host.ipJson("-s link show " + device))
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("stats64")
                .getAsJsonObject(direction)
                .get("packets")
                .getAsLong();
    }

    @Override
    public void close() {
        endpoint.close();
        wire.close();
        host.close();
        remotes.close();
    }
}
