package org.weft.dataplane.capture;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.weft.dataplane.counters.Counter;

/**
 * Flyweight over a record of a session's ring: fixed fields, then the bytes of the packet. Host byte order.
 *
 * <pre>
 *   | time 8 | source 16 | destination 16 | length 4 | source port 4 | destination port 4 | tos 4 |
 *   | name 4 | verdict 2 | point 1 | outbound 1 | packet ...
 * </pre>
 */
final class CapturedPacket {
    /** Offset of the packet's bytes in a record. */
    static final int HEADER_LENGTH = 64;

    private static final int TIME_OFFSET = 0;
    private static final int SOURCE_HIGH_OFFSET = TIME_OFFSET + Long.BYTES;
    private static final int SOURCE_LOW_OFFSET = SOURCE_HIGH_OFFSET + Long.BYTES;
    private static final int DESTINATION_HIGH_OFFSET = SOURCE_LOW_OFFSET + Long.BYTES;
    private static final int DESTINATION_LOW_OFFSET = DESTINATION_HIGH_OFFSET + Long.BYTES;
    private static final int LENGTH_OFFSET = DESTINATION_LOW_OFFSET + Long.BYTES;
    private static final int SOURCE_PORT_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    private static final int DESTINATION_PORT_OFFSET = SOURCE_PORT_OFFSET + Integer.BYTES;
    private static final int TOS_OFFSET = DESTINATION_PORT_OFFSET + Integer.BYTES;
    private static final int NAME_OFFSET = TOS_OFFSET + Integer.BYTES;
    private static final int VERDICT_OFFSET = NAME_OFFSET + Integer.BYTES;
    private static final int POINT_OFFSET = VERDICT_OFFSET + Short.BYTES;
    private static final int OUTBOUND_OFFSET = POINT_OFFSET + Byte.BYTES;

    private static final Capture.Point[] POINTS = Capture.Point.values();
    private static final Counter[] VERDICTS = Counter.values();

    private DirectBuffer buffer;
    private int offset;
    private int recordLength;

    /**
     * Writes the fields that every record has. The memory holds an older record, so {@link #writeKind} and one of
     * {@link #writeOuter} and {@link #writeNoOuter} must follow.
     *
     * @param length of the whole packet in bytes, also where fewer are kept
     */
    static void write(MutableDirectBuffer record, int offset, long timeNanos, int name, int length) {
        record.putLong(offset + TIME_OFFSET, timeNanos);
        record.putInt(offset + LENGTH_OFFSET, length);
        record.putInt(offset + NAME_OFFSET, name);
    }

    static void writeKind(
            MutableDirectBuffer record, int offset, Capture.Point point, boolean outbound, Counter verdict) {
        record.putShort(offset + VERDICT_OFFSET, (short) verdict.ordinal());
        record.putByte(offset + POINT_OFFSET, (byte) point.ordinal());
        record.putByte(offset + OUTBOUND_OFFSET, (byte) (outbound ? 1 : 0));
    }

    static void writeOuter(MutableDirectBuffer record, int offset, Sighting sighting) {
        record.putLong(offset + SOURCE_HIGH_OFFSET, sighting.sourceHigh);
        record.putLong(offset + SOURCE_LOW_OFFSET, sighting.sourceLow);
        record.putLong(offset + DESTINATION_HIGH_OFFSET, sighting.destinationHigh);
        record.putLong(offset + DESTINATION_LOW_OFFSET, sighting.destinationLow);
        record.putInt(offset + SOURCE_PORT_OFFSET, sighting.sourcePort);
        record.putInt(offset + DESTINATION_PORT_OFFSET, sighting.destinationPort);
        record.putInt(offset + TOS_OFFSET, sighting.tos);
    }

    /** For a frame of the TAP device, which has no outer headers: their fields are 0. */
    static void writeNoOuter(MutableDirectBuffer record, int offset) {
        record.setMemory(offset + SOURCE_HIGH_OFFSET, LENGTH_OFFSET - SOURCE_HIGH_OFFSET, (byte) 0);
        record.setMemory(offset + SOURCE_PORT_OFFSET, NAME_OFFSET - SOURCE_PORT_OFFSET, (byte) 0);
    }

    CapturedPacket wrap(DirectBuffer buffer, int offset, int recordLength) {
        this.buffer = buffer;
        this.offset = offset;
        this.recordLength = recordLength;
        return this;
    }

    /** Nanoseconds since the epoch. */
    long timeNanos() {
        return buffer.getLong(offset + TIME_OFFSET);
    }

    long sourceHigh() {
        return buffer.getLong(offset + SOURCE_HIGH_OFFSET);
    }

    long sourceLow() {
        return buffer.getLong(offset + SOURCE_LOW_OFFSET);
    }

    int sourcePort() {
        return buffer.getInt(offset + SOURCE_PORT_OFFSET);
    }

    long destinationHigh() {
        return buffer.getLong(offset + DESTINATION_HIGH_OFFSET);
    }

    long destinationLow() {
        return buffer.getLong(offset + DESTINATION_LOW_OFFSET);
    }

    int destinationPort() {
        return buffer.getInt(offset + DESTINATION_PORT_OFFSET);
    }

    int tos() {
        return buffer.getInt(offset + TOS_OFFSET);
    }

    /** Index of the TAP device's name in the session. */
    int name() {
        return buffer.getInt(offset + NAME_OFFSET);
    }

    Counter verdict() {
        return VERDICTS[buffer.getShort(offset + VERDICT_OFFSET)];
    }

    Capture.Point point() {
        return POINTS[buffer.getByte(offset + POINT_OFFSET)];
    }

    boolean outbound() {
        return buffer.getByte(offset + OUTBOUND_OFFSET) != 0;
    }

    /** Bytes the packet had. */
    int length() {
        return buffer.getInt(offset + LENGTH_OFFSET);
    }

    /** Bytes of it that were kept. */
    int keptLength() {
        return recordLength - HEADER_LENGTH;
    }

    /** Copies the bytes that were kept. */
    void copyTo(MutableDirectBuffer target, int targetOffset) {
        target.putBytes(targetOffset, buffer, offset + HEADER_LENGTH, keptLength());
    }
}
