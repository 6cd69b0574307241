package org.weft.silk.policy;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;

/**
 * A verdict on its way from an agent to the log. Together with the ring's own header it fills a cache line.
 *
 * <pre>
 *    0  time, in nanoseconds since 1970
 *    8  source address                        24  destination address
 *   40  source port                           42  destination port
 *   44  group policy id                       46  protocol
 *   47  allowed                               48  ICMP type, code
 * </pre>
 */
final class VerdictRecord {
    static final int LENGTH = 56;

    private static final int TIME_OFFSET = 0;
    private static final int SOURCE_OFFSET = TIME_OFFSET + Long.BYTES;
    private static final int DESTINATION_OFFSET = SOURCE_OFFSET + 2 * Long.BYTES;
    private static final int SOURCE_PORT_OFFSET = DESTINATION_OFFSET + 2 * Long.BYTES;
    private static final int DESTINATION_PORT_OFFSET = SOURCE_PORT_OFFSET + Short.BYTES;
    private static final int TAG_OFFSET = DESTINATION_PORT_OFFSET + Short.BYTES;
    private static final int PROTOCOL_OFFSET = TAG_OFFSET + Short.BYTES;
    private static final int ALLOWED_OFFSET = PROTOCOL_OFFSET + 1;
    private static final int ICMP_TYPE_OFFSET = ALLOWED_OFFSET + 1;
    private static final int ICMP_CODE_OFFSET = ICMP_TYPE_OFFSET + 1;

    private DirectBuffer buffer;
    private int offset;

    static void put(MutableDirectBuffer buffer, int offset, long timeNanos, FlowKey key, int tag, boolean allowed) {
        buffer.putLong(offset + TIME_OFFSET, timeNanos);
        buffer.putLong(offset + SOURCE_OFFSET, key.sourceHigh());
        buffer.putLong(offset + SOURCE_OFFSET + Long.BYTES, key.sourceLow());
        buffer.putLong(offset + DESTINATION_OFFSET, key.destinationHigh());
        buffer.putLong(offset + DESTINATION_OFFSET + Long.BYTES, key.destinationLow());
        buffer.putShort(offset + SOURCE_PORT_OFFSET, (short) key.sourcePort());
        buffer.putShort(offset + DESTINATION_PORT_OFFSET, (short) key.destinationPort());
        buffer.putShort(offset + TAG_OFFSET, (short) tag);
        buffer.putByte(offset + PROTOCOL_OFFSET, (byte) key.protocol());
        buffer.putByte(offset + ALLOWED_OFFSET, (byte) (allowed ? 1 : 0));
        buffer.putByte(offset + ICMP_TYPE_OFFSET, (byte) key.icmpType());
        buffer.putByte(offset + ICMP_CODE_OFFSET, (byte) key.icmpCode());
    }

    VerdictRecord wrap(DirectBuffer recorded, int at) {
        buffer = recorded;
        offset = at;
        return this;
    }

    long timeNanos() {
        return buffer.getLong(offset + TIME_OFFSET);
    }

    /** As the packet had it, also where an ICMP error quotes it the other way round. */
    IpAddress source() {
        return address(isIcmpError() ? DESTINATION_OFFSET : SOURCE_OFFSET);
    }

    IpAddress destination() {
        return address(isIcmpError() ? SOURCE_OFFSET : DESTINATION_OFFSET);
    }

    private IpAddress address(int at) {
        return new IpAddress(buffer.getLong(offset + at), buffer.getLong(offset + at + Long.BYTES));
    }

    /** 0 for ICMP, whose flows have an identifier in its place. */
    int sourcePort() {
        return isIcmp() ? 0 : buffer.getShort(offset + SOURCE_PORT_OFFSET) & 0xffff;
    }

    int destinationPort() {
        return isIcmp() ? 0 : buffer.getShort(offset + DESTINATION_PORT_OFFSET) & 0xffff;
    }

    int tag() {
        return buffer.getShort(offset + TAG_OFFSET) & 0xffff;
    }

    boolean allowed() {
        return buffer.getByte(offset + ALLOWED_OFFSET) != 0;
    }

    int icmpType() {
        return buffer.getByte(offset + ICMP_TYPE_OFFSET) & 0xff;
    }

    int icmpCode() {
        return buffer.getByte(offset + ICMP_CODE_OFFSET) & 0xff;
    }

    /** As in the packet's own header, not in one that it quotes. */
    int protocol() {
        int protocol = buffer.getByte(offset + PROTOCOL_OFFSET) & 0xff;
        if (!isIcmpError()) {
            return protocol;
        }
        return address(SOURCE_OFFSET).isIpv4() ? FlowKey.ICMP : FlowKey.ICMPV6;
    }

    boolean isIcmp() {
        int protocol = protocol();
        return protocol == FlowKey.ICMP || protocol == FlowKey.ICMPV6;
    }

    /** Whether addresses, ports and protocol are those of a packet that an ICMP error is about. */
    private boolean isIcmpError() {
        int type = icmpType();
        return switch (buffer.getByte(offset + PROTOCOL_OFFSET)) {
            case FlowKey.ICMP -> type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
            case FlowKey.ICMPV6 -> type >= 1 && type <= 4;
            default -> type != 0;
        };
    }
}
