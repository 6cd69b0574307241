package org.weft.it;

import static org.weft.it.Bytes.u16;
import static org.weft.it.Bytes.u8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** A VXLAN datagram as it was seen on the wire, in its Ethernet frame. */
record WirePacket(byte[] bytes) {
    private static final int IP = 14;
    private static final int FRAGMENT_HEADER = 44;
    private static final int TCP = 6;

    static boolean isUdpOrFragment(byte[] frame) {
        return switch (u16(frame, 12)) {
            case Packets.IPV4 -> true;
            case Packets.IPV6 -> u8(frame, IP + 6) == Packets.UDP || u8(frame, IP + 6) == FRAGMENT_HEADER;
            default -> false;
        };
    }

    private static boolean isIpv6(byte[] frame) {
        return u16(frame, 12) == Packets.IPV6;
    }

    private int udp() {
        return IP + (isIpv6(bytes) ? 40 : 20);
    }

    byte[] destination() {
        return isIpv6(bytes)
                ? Arrays.copyOfRange(bytes, IP + 24, IP + 40)
                : Arrays.copyOfRange(bytes, IP + 16, IP + 20);
    }

    int sourcePort() {
        return u16(bytes, udp());
    }

    int destinationPort() {
        return u16(bytes, udp() + 2);
    }

    int udpChecksum() {
        return u16(bytes, udp() + 6);
    }

    long vxlanHeader() {
        return ByteBuffer.wrap(bytes).getLong(udp() + 8);
    }

    byte[] inner() {
        return Arrays.copyOfRange(bytes, udp() + 16, bytes.length);
    }

    /** The packet without what may differ: IP id, checksums, source port. */
    byte[] comparable() {
        ByteBuffer masked = ByteBuffer.wrap(bytes.clone());
        if (!isIpv6(bytes)) {
            masked.putShort(IP + 4, (short) 0).putShort(IP + 10, (short) 0);
        }
        masked.putShort(udp(), (short) 0).putShort(udp() + 6, (short) 0);
        return masked.array();
    }

    boolean hasValidIpChecksum() {
        return isIpv6(bytes) || Bytes.checksum(Arrays.copyOfRange(bytes, IP, udp())) == 0;
    }

    boolean hasValidUdpChecksum() {
        return transportSum(bytes) == 0;
    }

    boolean hasValidInnerChecksum() {
        return transportSum(inner()) == 0;
    }

    /** Checksum over the transport segment and its pseudo-header: 0 if it is right. */
    private static int transportSum(byte[] frame) {
        int header = isIpv6(frame) ? 40 : 20;
        int protocol = u8(frame, IP + (isIpv6(frame) ? 6 : 9));
        if (protocol != Packets.UDP && protocol != TCP) {
            throw new AssertionError("neither UDP nor TCP: " + HexFormat.of().formatHex(frame));
        }
        byte[] addresses = Arrays.copyOfRange(frame, IP + (isIpv6(frame) ? 8 : 12), IP + header);
        byte[] segment = Arrays.copyOfRange(frame, IP + header, frame.length);
        return Bytes.checksum(addresses, Packets.u16(protocol), Packets.u16(segment.length), segment);
    }

    /** The fields as tshark reads them. */
    List<String> dissected(String... fields) {
        try {
            Path file = Files.createTempFile("weft-it", ".pcap");
            Files.write(file, pcap(List.of(bytes)));
            List<String> command = new ArrayList<>(List.of("tshark", "-n", "-r", file.toString(), "-T", "fields"));
            for (String field : fields) {
                command.addAll(List.of("-e", field));
            }
            List<String> lines = Command.run(command).lines().toList();
            Files.delete(file);
            return List.of(lines.get(lines.size() - 1).split("\t"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A capture file of frames. */
    static byte[] pcap(List<byte[]> frames) {
        int length = frames.stream().mapToInt(frame -> 16 + frame.length).sum();
        ByteBuffer pcap = ByteBuffer.allocate(24 + length);
        pcap.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4).putLong(0);
        pcap.putInt(65535).putInt(1);
        for (byte[] frame : frames) {
            pcap.putLong(0).putInt(frame.length).putInt(frame.length).put(frame);
        }
        return pcap.array();
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
