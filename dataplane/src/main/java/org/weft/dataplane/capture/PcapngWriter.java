package org.weft.dataplane.capture;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.counters.Counter;
import org.weft.text.Visible;

/**
 * Builds pcapng blocks (draft-ietf-opsawg-pcapng), little-endian, one at a time in a buffer of its own.
 *
 * <pre>
 *   | type 4 | total length 4 | body, padded to 4 | options | total length 4 |
 *   option: | code 2 | length 2 | value, padded to 4 |
 * </pre>
 */
final class PcapngWriter {
    private static final int SECTION_HEADER = 0x0a0d0d0a;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;

    private static final int BYTE_ORDER_MAGIC = 0x1a2b3c4d;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final int LINKTYPE_RAW = 101;
    private static final byte NANOSECONDS = 9;

    private static final int OPT_END = 0;
    private static final int OPT_COMMENT = 1;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_DESCRIPTION = 3;
    private static final int IF_TSRESOL = 9;
    private static final int EPB_FLAGS = 2;
    private static final int EPB_INBOUND = 1;
    private static final int EPB_OUTBOUND = 2;
    private static final int ISB_IFRECV = 4;
    private static final int ISB_IFDROP = 5;

    /** Block header, packet, comment and flags. */
    private static final int MAX_BLOCK_LENGTH = 1024 + OuterHeaders.MAX_LENGTH + CaptureSession.SNAP_LENGTH;

    private final ByteBuffer block = ByteBuffer.allocate(MAX_BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    private final UnsafeBuffer bytes = new UnsafeBuffer(block);
    private final OuterHeaders outer = new OuterHeaders();

    byte[] preamble() {
        begin(SECTION_HEADER);
        block.putInt(BYTE_ORDER_MAGIC).putShort((short) 1).putShort((short) 0).putLong(-1);
        option(OPT_COMMENT, "captured by weft");
        option(SHB_USERAPPL, "weft");
        byte[] section = finished();
        byte[] tap = description(LINKTYPE_ETHERNET, "tap", "frames as they cross the TAP device");
        byte[] wire = description(
                LINKTYPE_RAW,
                "wire",
                "datagrams on the underlay; outer IP id, DF, TTL and checksums are not the kernel's");
        return ByteBuffer.allocate(section.length + tap.length + wire.length)
                .put(section)
                .put(tap)
                .put(wire)
                .array();
    }

    private byte[] description(int linkType, String name, String text) {
        begin(INTERFACE_DESCRIPTION);
        block.putShort((short) linkType).putShort((short) 0).putInt(0);
        option(IF_NAME, name);
        option(IF_DESCRIPTION, text);
        option(IF_TSRESOL, new byte[] {NANOSECONDS});
        return finished();
    }

    /** Writes an Enhanced Packet Block; {@code dev} may be null. */
    void packet(OutputStream out, CapturedPacket packet, String dev) throws IOException {
        int headers = packet.point() == Capture.Point.WIRE ? OuterHeaders.length(packet) : 0;
        int kept = headers + packet.keptLength();
        begin(ENHANCED_PACKET);
        block.putInt(packet.point().ordinal());
        time(packet.timeNanos());
        block.putInt(kept).putInt(headers + packet.length());
        packet.copyTo(bytes, block.position() + headers);
        if (headers != 0) {
            outer.write(packet, bytes, block.position());
        }
        block.position(block.position() + kept);
        pad();
        option(OPT_COMMENT, comment(packet.verdict(), dev));
        flags(packet.outbound() ? EPB_OUTBOUND : EPB_INBOUND);
        write(out);
    }

    private static String comment(Counter verdict, String dev) {
        String at = dev == null ? "" : " dev " + dev;
        return verdict.isDrop() ? "drop " + verdict + at + ": " + verdict.meaning() : verdict + at;
    }

    /** Writes an Interface Statistics Block. */
    void statistics(OutputStream out, Capture.Point point, long timeNanos, long received, long lost)
            throws IOException {
        begin(INTERFACE_STATISTICS);
        block.putInt(point.ordinal());
        time(timeNanos);
        option(ISB_IFRECV, received);
        option(ISB_IFDROP, lost);
        write(out);
    }

    private void begin(int type) {
        block.clear().putInt(type).putInt(0);
    }

    private void time(long nanos) {
        block.putInt((int) (nanos >>> 32)).putInt((int) nanos);
    }

    private void flags(int value) {
        block.putShort((short) EPB_FLAGS).putShort((short) Integer.BYTES).putInt(value);
    }

    private void option(int code, long value) {
        block.putShort((short) code).putShort((short) Long.BYTES).putLong(value);
    }

    private void option(int code, String text) {
        option(code, Visible.lines(text).getBytes(StandardCharsets.UTF_8));
    }

    private void option(int code, byte[] value) {
        block.putShort((short) code).putShort((short) value.length).put(value);
        pad();
    }

    private void pad() {
        while (block.position() % Integer.BYTES != 0) {
            block.put((byte) 0);
        }
    }

    private byte[] finished() {
        end();
        return Arrays.copyOf(block.array(), block.position());
    }

    private void write(OutputStream out) throws IOException {
        end();
        out.write(block.array(), 0, block.position());
    }

    private void end() {
        block.putInt(OPT_END);
        int length = block.position() + Integer.BYTES;
        block.putInt(length).putInt(Integer.BYTES, length);
    }
}
