package org.weft.testing;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Checksums;
import org.weft.dataplane.vtep.VtepConfig.Device;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.dataplane.vtep.VtepConfig.Forwarding;
import org.weft.dataplane.vtep.VtepConfig.SourcePorts;
import org.weft.dataplane.vtep.VtepConfig.Switches;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/** Frames of the packet that the specification follows from cell to cell, and a VTEP to put them through. */
public final class Frames {
    /** As the source host's VTEP device gets it: the checksum holds the pseudo-header's sum only. */
    public static final String SOURCE_VTEP =
            "eeee0aff8400eeee0aff6300080045000" + "04d9a1240003f06a4950aff63030aff8402ddbe1e618c783a6f80d313ea8018"
                    + "00d7fd4200000101080a000818cf000a5ccd63662d6e6574776f726b696e6720776974682073696c6b210a";

    /** As it is on the wire behind the VXLAN header, and on the destination host's VTEP device. */
    public static final String INNER = SOURCE_VTEP.replace("00d7fd42", "00d70fc9");

    /** VNI 1, group policy id 1. */
    public static final String VXLAN = "8800000100000100";

    /** Ethernet 14, IPv4 20, TCP with timestamps 32. */
    public static final int SEGMENT_HEADER_LENGTH = 66;

    public static final IpAddress SOURCE_HOST = IpAddress.parse("10.0.16.16");
    public static final IpAddress DESTINATION_HOST = IpAddress.parse("10.0.32.14");
    public static final long SOURCE_MAC = MacAddress.parse("ee:ee:0a:ff:63:00");
    public static final long DESTINATION_MAC = MacAddress.parse("ee:ee:0a:ff:84:00");

    private Frames() {}

    public static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** One segment of the specified flow, of 1000 bytes each: payload of a number of bytes, all of them its index. */
    public static byte[] segment(int index, int payloadLength, int flags) {
        byte[] frame = Arrays.copyOf(bytes(INNER), SEGMENT_HEADER_LENGTH + payloadLength);
        Arrays.fill(frame, SEGMENT_HEADER_LENGTH, frame.length, (byte) index);
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        buffer.putShort(16, (short) (52 + payloadLength), BIG_ENDIAN);
        buffer.putShort(18, (short) (100 + index), BIG_ENDIAN);
        buffer.putInt(38, 1000 + index * 1000, BIG_ENDIAN);
        buffer.putByte(47, (byte) flags);
        return withChecksums(frame);
    }

    /** Makes the checksums of a {@link #segment} right again. */
    public static byte[] withChecksums(byte[] segment) {
        UnsafeBuffer buffer = new UnsafeBuffer(segment);
        buffer.putShort(24, (short) 0);
        buffer.putShort(24, (short) InternetChecksum.of(buffer, 14, 20), BIG_ENDIAN);
        buffer.putShort(50, (short) 0);
        int length = segment.length - 34;
        long pseudo = InternetChecksum.pseudoHeaderIpv4(buffer, 14, 6, length);
        int checksum = InternetChecksum.finish(InternetChecksum.sum(buffer, 34, length, pseudo));
        buffer.putShort(50, (short) checksum, BIG_ENDIAN);
        return segment;
    }

    /** Datagrams one behind the other, as the kernel merges them. */
    public static byte[] merged(String vxlan, byte[]... frames) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] frame : frames) {
            out.writeBytes(bytes(vxlan));
            out.writeBytes(frame);
        }
        return out.toByteArray();
    }

    /** The VTEP of a silk cell. */
    public static VtepConfig silkVtep(long mac, IpAddress local) {
        return silkVtep(mac, local, 1);
    }

    public static VtepConfig silkVtep(long mac, IpAddress local, int vni) {
        return new VtepConfig(
                vni,
                new Device("silk-vtep", List.of(), mac, 1410, false),
                new Underlay(local, null, 4789, SourcePorts.OF_HOST, Checksums.ALWAYS),
                new Encapsulation(VtepConfig.TTL_AUTO, 0, Df.UNSET, true),
                new Forwarding(false, true, 300, 0, false, false),
                Switches.ALL);
    }
}
