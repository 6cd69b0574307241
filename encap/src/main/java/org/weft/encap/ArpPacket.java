package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * An ARP packet for IPv4 over Ethernet (RFC 826).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |       Hardware type (1)       |    Protocol type (0x0800)     |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  | Hardware  (6) | Protocol  (4) |           Operation           |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                          Sender MAC                           |
 *  +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                               |        Sender address         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |        Sender address         |                               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+          Target MAC           +
 *  |                                                               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                        Target address                         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class ArpPacket {
    public static final int LENGTH = 28;

    /** Length of an untagged frame that carries one. */
    public static final int FRAME_LENGTH = EthernetHeader.LENGTH + LENGTH;

    public static final int REQUEST = 1;
    public static final int REPLY = 2;

    private static final int HARDWARE_ETHERNET = 1;
    private static final int HARDWARE_IEEE802 = 6;
    /** Protocol type, and both address lengths. */
    private static final int IPV4_OVER_MAC = EthernetHeader.ETHERTYPE_IPV4 << 16 | MacAddress.LENGTH << 8 | 4;

    private static final int HARDWARE_TYPE_OFFSET = 0;
    private static final int PROTOCOL_TYPE_OFFSET = HARDWARE_TYPE_OFFSET + 2;
    private static final int OPERATION_OFFSET = PROTOCOL_TYPE_OFFSET + 4;
    private static final int SENDER_MAC_OFFSET = OPERATION_OFFSET + 2;
    private static final int SENDER_ADDRESS_OFFSET = SENDER_MAC_OFFSET + MacAddress.LENGTH;
    private static final int TARGET_MAC_OFFSET = SENDER_ADDRESS_OFFSET + 4;
    private static final int TARGET_ADDRESS_OFFSET = TARGET_MAC_OFFSET + MacAddress.LENGTH;

    private UnsafeBuffer buffer;
    private int offset;

    /** {@link #LENGTH}, or {@link EthernetHeader#INVALID} if cut or not IPv4 over Ethernet (as kernel arp_reduce). */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        if (length < LENGTH || buffer.getInt(offset + PROTOCOL_TYPE_OFFSET, BIG_ENDIAN) != IPV4_OVER_MAC) {
            return INVALID;
        }
        int hardware = buffer.getShort(offset + HARDWARE_TYPE_OFFSET, BIG_ENDIAN);
        return hardware == HARDWARE_ETHERNET || hardware == HARDWARE_IEEE802 ? LENGTH : INVALID;
    }

    public ArpPacket wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    /** Writes the five constant fields in front of the operation. */
    public ArpPacket ipv4OverEthernet() {
        buffer.putShort(offset + HARDWARE_TYPE_OFFSET, (short) HARDWARE_ETHERNET, BIG_ENDIAN);
        buffer.putInt(offset + PROTOCOL_TYPE_OFFSET, IPV4_OVER_MAC, BIG_ENDIAN);
        return this;
    }

    public int operation() {
        return buffer.getShort(offset + OPERATION_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public ArpPacket operation(int operation) {
        buffer.putShort(offset + OPERATION_OFFSET, (short) operation, BIG_ENDIAN);
        return this;
    }

    public long senderMac() {
        return EthernetHeader.mac(buffer, offset + SENDER_MAC_OFFSET);
    }

    public ArpPacket senderMac(long mac) {
        EthernetHeader.putMac(buffer, offset + SENDER_MAC_OFFSET, mac);
        return this;
    }

    public int senderAddress() {
        return buffer.getInt(offset + SENDER_ADDRESS_OFFSET, BIG_ENDIAN);
    }

    public ArpPacket senderAddress(int address) {
        buffer.putInt(offset + SENDER_ADDRESS_OFFSET, address, BIG_ENDIAN);
        return this;
    }

    public long targetMac() {
        return EthernetHeader.mac(buffer, offset + TARGET_MAC_OFFSET);
    }

    public ArpPacket targetMac(long mac) {
        EthernetHeader.putMac(buffer, offset + TARGET_MAC_OFFSET, mac);
        return this;
    }

    public int targetAddress() {
        return buffer.getInt(offset + TARGET_ADDRESS_OFFSET, BIG_ENDIAN);
    }

    public ArpPacket targetAddress(int address) {
        buffer.putInt(offset + TARGET_ADDRESS_OFFSET, address, BIG_ENDIAN);
        return this;
    }

    /**
     * Whether the kernel's vxlan would look for an answer (arp_reduce): a request whose target is neither loopback nor
     * multicast.
     */
    public boolean isAnswerable() {
        int target = targetAddress();
        return operation() == REQUEST && target >>> 24 != 127 && target >>> 28 != 0xe;
    }

    /** Turns this request into its reply: {@code mac} has the address that was asked for. */
    public ArpPacket toReply(long mac) {
        int asked = targetAddress();
        return targetMac(senderMac())
                .targetAddress(senderAddress())
                .operation(REPLY)
                .senderMac(mac)
                .senderAddress(asked);
    }

    /**
     * Writes the untagged frame that replies to this request, as the kernel's arp_create does in arp_reduce: to the
     * requester's MAC, from {@code mac}. The frame may lie over the request.
     *
     * @return {@link #FRAME_LENGTH}
     */
    public int putReply(UnsafeBuffer reply, int replyOffset, long mac) {
        long requester = senderMac();
        int requesterAddress = senderAddress();
        int asked = targetAddress();
        EthernetHeader.put(reply, replyOffset, requester, mac, EthernetHeader.ETHERTYPE_ARP);
        UnsafeBuffer requestBuffer = buffer;
        int requestOffset = offset;
        wrap(reply, replyOffset + EthernetHeader.LENGTH)
                .ipv4OverEthernet()
                .operation(REPLY)
                .senderMac(mac)
                .senderAddress(asked)
                .targetMac(requester)
                .targetAddress(requesterAddress)
                .wrap(requestBuffer, requestOffset);
        return FRAME_LENGTH;
    }
}
