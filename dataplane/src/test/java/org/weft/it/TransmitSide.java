package org.weft.it;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A lab with one VTEP at a time: what is sent through the device, and what comes out on the wire. */
final class TransmitSide implements AutoCloseable {
    private static final String PEER = "10.255.126.9";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";

    private final HostLab lab;
    private String name;
    private PacketSocket device;

    TransmitSide(HostLab lab) {
        this.lab = lab;
    }

    void addDevice(Device asked) {
        name = asked.name();
        lab.endpoint.add(asked);
        device = lab.socket(name);
        lab.host.ip(
                """
                address add 10.255.126.1/24 dev %1$s
                address add 10.255.126.2/24 dev %1$s
                neigh replace %2$s lladdr %3$s dev %1$s nud permanent
                """
                        .formatted(name, PEER, PEER_MAC));
        lab.wire.clear();
    }

    void removeDevice() {
        if (device != null) {
            device.close();
            device = null;
            lab.endpoint.remove(name);
        }
    }

    void enableIpv6() {
        lab.host.sysctl("net.ipv6.conf." + name + ".disable_ipv6", "0");
    }

    void fdb(String action, String mac, String arguments) {
        lab.endpoint.fdb(action, mac, name, arguments);
    }

    void neighbour(String ip, String mac) {
        lab.endpoint.neighbour(ip, mac, name);
    }

    void tag(String source, int tag) {
        lab.endpoint.tag(source, tag, name);
    }

    /** As the device's own statistics say. */
    long packetsSent() {
        return lab.packets(name, "tx");
    }

    Map<String, Long> drops() {
        return lab.endpoint.drops("tx");
    }

    static Map<String, Long> since(Map<String, Long> before, Map<String, Long> now) {
        Map<String, Long> moved = new TreeMap<>(now);
        before.forEach((reason, count) -> moved.merge(reason, -count, Long::sum));
        moved.values().removeIf(count -> count == 0);
        return moved;
    }

    /** Sends a frame out of the device and waits for so many packets on the wire. */
    List<WirePacket> send(byte[] frame, int count) {
        lab.wire.clear();
        device.send(frame);
        return awaitPackets(count);
    }

    /** Sends a {@link TcpSuperFrame} out of the device and waits for so many packets on the wire. */
    List<WirePacket> sendSuperFrame(byte[] frame, int tags, int size, int count) {
        lab.wire.clear();
        TcpSuperFrame.send(lab.host, name, frame, tags, size);
        return awaitPackets(count);
    }

    /** Sends a UDP datagram from the host's own stack. */
    List<WirePacket> sendUdp(String source, int length) {
        lab.wire.clear();
        lab.host.call(() -> {
            try (DatagramChannel channel = DatagramChannel.open()) {
                channel.bind(new InetSocketAddress(source, 0));
                return channel.send(ByteBuffer.allocate(length), new InetSocketAddress(PEER, 7777));
            }
        });
        return awaitPackets(1);
    }

    /** Begins a TCP connection from the host's own stack. */
    WirePacket sendSyn(String source) {
        lab.wire.clear();
        lab.host.call(() -> {
            try (SocketChannel channel = SocketChannel.open()) {
                channel.configureBlocking(false);
                channel.bind(new InetSocketAddress(source, 0));
                return channel.connect(new InetSocketAddress(PEER, 7777));
            }
        });
        return awaitPackets(1).get(0);
    }

    private List<WirePacket> awaitPackets(int count) {
        return Await.until("packets on the wire", this::packets, packets -> packets.size() >= count);
    }

    private List<WirePacket> packets() {
        return lab.wire.received(WirePacket::isUdpOrFragment).stream()
                .map(WirePacket::new)
                .toList();
    }

    /**
     * What is on the wire, a last frame aside, when that frame, sent after the others, has come out for the second time.
     * A sender keeps the order within a flow only, so the first one may overtake what it was read with; the second
     * cannot.
     */
    List<WirePacket> sendBeforeMarker(List<byte[]> frames, byte[] marker) {
        lab.wire.clear();
        frames.forEach(device::send);
        for (int i = 1; i <= 2; i++) {
            int markers = i;
            device.send(marker);
            Await.until("marker on the wire", this::packets, packets -> count(packets, marker) == markers);
        }
        return packets().stream().filter(packet -> !isMarker(packet, marker)).toList();
    }

    private static long count(List<WirePacket> packets, byte[] marker) {
        return packets.stream().filter(packet -> isMarker(packet, marker)).count();
    }

    private static boolean isMarker(WirePacket packet, byte[] marker) {
        return Arrays.equals(packet.inner(), marker);
    }

    /** Sends a frame out of the device and waits for a frame that comes in on it. */
    byte[] answer(byte[] request) {
        device.clear();
        device.send(request);
        return device.await("answer", frame -> true);
    }

    @Override
    public void close() {
        if (device != null) {
            device.close();
        }
        lab.close();
    }
}
