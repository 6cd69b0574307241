package org.weft.encap.offload;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.weft.encap.EthernetHeader;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/** A frame in the making: headers as fields, written by plain code that shares nothing with what is tested. */
final class TestFrame implements Cloneable {
    long destinationMac = 0xeeee_0aff_8400L;
    long sourceMac = 0xeeee_0aff_6300L;
    int[] vlanTags = {};
    boolean ipv4 = true;
    byte[] ipOptions = {};
    int firstExtension = NO_EXTENSION;
    byte[] extensions = {};
    int tos;
    int ttl = 63;
    int id = 1000;
    int fragmentField = 0x4000;
    int flowLabel = 0x12345;
    byte[] source = {10, (byte) 255, 99, 3};
    byte[] destination = {10, (byte) 255, (byte) 132, 2};
    boolean tcp = true;
    int sourcePort = 43210;
    int destinationPort = 7777;
    int sequence = 0x01020304;
    int acknowledgment = 0x05060708;
    int reserved;
    int flags = TcpHeader.ACK;
    int window = 502;
    int urgent;
    byte[] tcpOptions = {};
    byte[] payload = {};

    static final int NO_EXTENSION = -1;

    static TestFrame tcp4(int payloadLength) {
        TestFrame frame = new TestFrame();
        frame.payload = bytes(payloadLength);
        return frame;
    }

    static TestFrame tcp6(int payloadLength) {
        return tcp4(payloadLength).overIpv6();
    }

    static TestFrame udp4(int payloadLength) {
        TestFrame frame = tcp4(payloadLength);
        frame.tcp = false;
        return frame;
    }

    /** Any headers a segmented flow may have; without payload. */
    static TestFrame random(SplittableRandom random) {
        TestFrame frame = new TestFrame();
        frame.tcp = random.nextInt(3) != 0;
        frame.destinationMac = random.nextLong() >>> 16;
        frame.sourceMac = random.nextLong() >>> 16;
        frame.vlanTags = random.ints(random.nextInt(3), 0, 0x10000).toArray();
        frame.source = random(random, 4);
        frame.destination = random(random, 4);
        frame.tos = random.nextInt(256);
        frame.ttl = random.nextInt(1, 256);
        frame.id = random.nextInt(0x10000);
        frame.fragmentField = random.nextBoolean() ? 0x4000 : 0;
        if (random.nextBoolean()) {
            frame.overIpv6();
            frame.source = random(random, 16);
            frame.destination = random(random, 16);
            frame.flowLabel = random.nextInt(1 << 20);
            if (random.nextInt(3) == 0) {
                frame.extended();
            }
        }
        frame.sourcePort = random.nextInt(0x10000);
        frame.destinationPort = random.nextInt(0x10000);
        frame.sequence = random.nextInt();
        frame.acknowledgment = random.nextInt();
        frame.reserved = random.nextInt(16);
        frame.window = random.nextInt(0x10000);
        frame.tcpOptions = random(random, 4 * random.nextInt(11));
        return frame;
    }

    TestFrame overIpv6() {
        ipv4 = false;
        source = new byte[] {(byte) 0xfd, 0, 0, (byte) 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3};
        destination = new byte[] {(byte) 0xfd, 0, 1, 0x32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
        return this;
    }

    /** Hop-by-hop options that pad, then destination options that pad. */
    TestFrame extended() {
        firstExtension = 0;
        extensions = new byte[] {60, 0, 1, 4, 0, 0, 0, 0, (byte) protocol(), 0, 1, 4, 0, 0, 0, 0};
        return this;
    }

    static byte[] bytes(int length) {
        return random(new SplittableRandom(length), length);
    }

    static byte[] random(SplittableRandom random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    TestFrame copy() {
        try {
            return (TestFrame) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    int protocol() {
        return tcp ? TcpHeader.PROTOCOL : UdpHeader.PROTOCOL;
    }

    int networkOffset() {
        return EthernetHeader.LENGTH + 4 * vlanTags.length;
    }

    int transportOffset() {
        return networkOffset() + (ipv4 ? 20 + ipOptions.length : 40 + extensions.length);
    }

    int headerLength() {
        return transportOffset() + (tcp ? 20 + tcpOptions.length : 8);
    }

    /** A frame with all checksums. */
    byte[] build() {
        byte[] frame = superFrame();
        int at = transportOffset() + (tcp ? 16 : 6);
        Reference.putShort(frame, at, 0);
        int checksum = Reference.transportChecksum(frame, networkOffset(), transportOffset(), protocol());
        Reference.putShort(frame, at, !tcp && checksum == 0 ? 0xffff : checksum);
        return frame;
    }

    /** As a TAP hands it over: only the pseudo-header's sum is in the transport checksum. */
    byte[] superFrame() {
        ByteBuffer out = ByteBuffer.allocate(headerLength() + payload.length);
        putMac(out, destinationMac);
        putMac(out, sourceMac);
        for (int tag : vlanTags) {
            out.putShort((short) 0x8100).putShort((short) tag);
        }
        out.putShort((short) (ipv4 ? 0x0800 : 0x86dd));
        putNetwork(out);
        putTransport(out);
        out.put(payload);
        return out.array();
    }

    private static void putMac(ByteBuffer out, long mac) {
        out.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    private void putNetwork(ByteBuffer out) {
        int packet = out.capacity() - networkOffset();
        if (ipv4) {
            int start = out.position();
            out.put((byte) (0x40 | (20 + ipOptions.length) / 4)).put((byte) tos).putShort((short) packet);
            out.putShort((short) id).putShort((short) fragmentField);
            out.put((byte) ttl).put((byte) protocol()).putShort((short) 0);
            out.put(source).put(destination).put(ipOptions);
            Reference.putShort(out.array(), start + 10, Reference.checksum(out.array(), start, out.position(), 0));
        } else {
            out.putInt(6 << 28 | tos << 20 | flowLabel).putShort((short) (packet - 40));
            out.put((byte) (firstExtension == NO_EXTENSION ? protocol() : firstExtension))
                    .put((byte) ttl);
            out.put(source).put(destination).put(extensions);
        }
    }

    private void putTransport(ByteBuffer out) {
        int length = out.capacity() - out.position();
        int partial =
                ~Reference.checksum(new byte[0], 0, 0, Reference.pseudoSum(source, destination, protocol(), length));
        out.putShort((short) sourcePort).putShort((short) destinationPort);
        if (tcp) {
            out.putInt(sequence).putInt(acknowledgment);
            out.putShort((short) ((20 + tcpOptions.length) / 4 << 12 | reserved << 8 | flags));
            out.putShort((short) window)
                    .putShort((short) partial)
                    .putShort((short) urgent)
                    .put(tcpOptions);
        } else {
            out.putShort((short) length).putShort((short) partial);
        }
    }
}
