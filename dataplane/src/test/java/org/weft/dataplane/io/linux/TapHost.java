package org.weft.dataplane.io.linux;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.Commands;

/**
 * A TAP with an address of its own, and a neighbour behind it that is only the test. Its prefix is one of those set
 * aside for tests of network devices (RFC 2544), and leads nowhere else.
 */
final class TapHost implements AutoCloseable {
    static final String NEIGHBOUR_MAC = "02:00:00:00:00:02";

    /** Length of the Ethernet header. */
    static final int IP_OFFSET = 14;

    final String name;
    final IpAddress local;
    final IpAddress neighbour;
    final IpAddress local6;
    final IpAddress neighbour6;
    final Frame frame = new Frame();
    LinuxTap tap;

    TapHost() {
        int number = ThreadLocalRandom.current().nextInt(0x10000);
        name = "weft%04x".formatted(number);
        String prefix = "198.%d.%d.".formatted(18 + (number >>> 15), number >>> 7 & 0xff);
        int first = (number & 0x3f) << 2;
        local = IpAddress.parse(prefix + (first + 1));
        neighbour = IpAddress.parse(prefix + (first + 2));
        String prefix6 = "2001:2:0:%x::".formatted(number);
        local6 = IpAddress.parse(prefix6 + "1");
        neighbour6 = IpAddress.parse(prefix6 + "2");
        FrameSlab slab = new FrameSlab(1);
        frame.wrap(slab, slab.claim());
        open();
    }

    /** Makes the device, again after it was removed. */
    void open() {
        open(1);
    }

    /** Makes the device with so many queues. */
    List<LinuxTap> open(int count) {
        List<LinuxTap> queues = LinuxTap.open(name, false, count);
        tap = queues.get(0);
        try {
            Link.of(name).up(true);
            Commands.run("ip address add " + local + "/30 dev " + name);
            Commands.run("ip address add " + local6 + "/64 dev " + name + " nodad");
            Commands.run("ip neigh replace " + neighbour + " lladdr " + NEIGHBOUR_MAC + " dev " + name);
            Commands.run("ip neigh replace " + neighbour6 + " lladdr " + NEIGHBOUR_MAC + " dev " + name);
            return queues;
        } catch (RuntimeException | Error e) {
            tap.close();
            throw e;
        }
    }

    /** Reads frames until one is UDP to the neighbour, or a fragment of one; what the kernel says of itself is passed over. */
    void readUdp() {
        Await.until("a UDP packet on " + name, () -> {
            int length = tap.read(frame);
            if (length < 0) {
                throw new AssertionError("read " + name + ": " + Errno.name(-length));
            }
            return length > 0 && isUdp().getAsBoolean();
        });
    }

    private BooleanSupplier isUdp() {
        return () -> uint16(12) == 0x0800 && uint8(IP_OFFSET + 9) == 17
                || uint16(12) == 0x86dd && (uint8(IP_OFFSET + 6) == 17 || uint8(IP_OFFSET + 6) == 44);
    }

    int uint8(int offset) {
        return frame.buffer().getByte(frame.offset() + offset) & 0xff;
    }

    int uint16(int offset) {
        return uint8(offset) << 8 | uint8(offset + 1);
    }

    /** Puts an IPv4 UDP datagram from the neighbour to this host into the frame, its UDP checksum zero. */
    void putDatagram(int sourcePort, int port, int tos, byte[] payload) {
        UnsafeBuffer udp = new UnsafeBuffer(new byte[8 + payload.length]);
        putUint16(udp, 0, sourcePort);
        putUint16(udp, 2, port);
        putUint16(udp, 4, 8 + payload.length);
        udp.putBytes(8, payload);
        putPacket(17, tos, udp);
    }

    /** Puts a TCP segment from the neighbour to this host into the frame, and fills in its checksum. */
    void putTcp(UnsafeBuffer tcp) {
        putPacket(6, 0, tcp);
        int start = frame.start() + IP_OFFSET + 20;
        int pseudo = sum(frame.buffer(), start - 8, 8) + 6 + tcp.capacity();
        int sum = pseudo + sum(frame.buffer(), start, tcp.capacity());
        sum = (sum & 0xffff) + (sum >>> 16);
        putUint16(frame.buffer(), start + 16, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    }

    private void putPacket(int protocol, int tos, UnsafeBuffer payload) {
        UnsafeBuffer buffer = frame.buffer();
        int start = frame.start();
        byte[] bytes = new byte[IP_OFFSET + 20 + payload.capacity()];
        UnsafeBuffer packet = new UnsafeBuffer(bytes);
        putMac(packet, 0, Link.of(name).mac());
        packet.putByte(6, (byte) 2);
        packet.putByte(11, (byte) 2);
        putUint16(packet, 12, 0x0800);
        packet.putByte(IP_OFFSET, (byte) 0x45);
        packet.putByte(IP_OFFSET + 1, (byte) tos);
        putUint16(packet, IP_OFFSET + 2, 20 + payload.capacity());
        packet.putByte(IP_OFFSET + 8, (byte) 64);
        packet.putByte(IP_OFFSET + 9, (byte) protocol);
        putUint32(packet, IP_OFFSET + 12, neighbour.ipv4());
        putUint32(packet, IP_OFFSET + 16, local.ipv4());
        putUint16(packet, IP_OFFSET + 10, ~sum(packet, IP_OFFSET, 20) & 0xffff);
        packet.putBytes(IP_OFFSET + 20, payload, 0, payload.capacity());
        buffer.putBytes(start, bytes);
        frame.offset(start).length(bytes.length).plain();
    }

    private static void putMac(UnsafeBuffer buffer, int offset, long mac) {
        putUint16(buffer, offset, (int) (mac >>> 32));
        putUint32(buffer, offset + 2, (int) mac);
    }

    private static void putUint32(UnsafeBuffer buffer, int offset, int value) {
        putUint16(buffer, offset, value >>> 16);
        putUint16(buffer, offset + 2, value);
    }

    static void putUint16(UnsafeBuffer buffer, int offset, int value) {
        buffer.putByte(offset, (byte) (value >>> 8));
        buffer.putByte(offset + 1, (byte) value);
    }

    /** Ones' complement sum (RFC 1071) of an even number of bytes, not inverted. */
    static int sum(UnsafeBuffer buffer, int offset, int length) {
        int sum = 0;
        for (int i = offset; i < offset + length; i += 2) {
            sum += (buffer.getByte(i) & 0xff) << 8 | buffer.getByte(i + 1) & 0xff;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    @Override
    public void close() {
        tap.close();
    }
}
