package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * Reads an IPv6 neighbour solicitation and writes the advertisement that answers it (RFC 4861 sections 4.3 and 4.4; kernel:
 * vxlan's neigh_reduce and vxlan_na_create). Mutable, one per agent.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  | Type 135, 136 |   Code (0)    |           Checksum            |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |R|S|O|    in an advertisement: router, solicited, override     |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                   Target address, 16 bytes                    |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |  Option type  | Length (of 8) |     MAC of source or target   |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
 *  |                                                               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class NeighbourDiscovery {
    public static final int ICMPV6 = 58;
    public static final int SOLICITATION = 135;
    public static final int ADVERTISEMENT = 136;

    /** Length of the frame {@link #putAdvertisement} writes. */
    public static final int ADVERTISEMENT_FRAME_LENGTH = 86;

    private static final int FLAG_ROUTER = 0x8000_0000;
    private static final int FLAG_SOLICITED = 0x4000_0000;
    private static final int FLAG_OVERRIDE = 0x2000_0000;

    private static final int OPTION_SOURCE_MAC = 1;
    private static final int OPTION_TARGET_MAC = 2;
    private static final int OPTION_LENGTH = 8;

    private static final int TYPE_OFFSET = 0;
    private static final int CHECKSUM_OFFSET = TYPE_OFFSET + 2;
    private static final int FLAGS_OFFSET = CHECKSUM_OFFSET + 2;
    private static final int TARGET_OFFSET = FLAGS_OFFSET + 4;
    private static final int OPTIONS_OFFSET = TARGET_OFFSET + 16;
    private static final int ADVERTISEMENT_LENGTH = OPTIONS_OFFSET + OPTION_LENGTH;

    private static final int NETWORK = EthernetHeader.LENGTH;
    private static final int MESSAGE = NETWORK + Ipv6Header.LENGTH;

    private static final long ALL_NODES_HIGH = 0xff02_0000_0000_0000L;
    private static final long ALL_NODES_LOW = 1;
    private static final long ALL_NODES_MAC = 0x3333_0000_0001L;

    private final Ipv6Header ipv6 = new Ipv6Header();
    private int trafficClass;
    private long sourceHigh;
    private long sourceLow;
    private long targetHigh;
    private long targetLow;
    private long requesterMac;

    /**
     * Reads an untagged Ethernet frame.
     *
     * @return whether it is a solicitation that may be answered: ICMPv6 right behind the IPv6 header, type 135, code 0, hop
     *     limit 255, target not multicast, destination not loopback, options well formed. The checksum is not verified, as in
     *     the kernel: a sending host may have left it to the device.
     */
    public boolean readSolicitation(UnsafeBuffer buffer, int offset, int length) {
        if (length < MESSAGE + OPTIONS_OFFSET
                || EthernetHeader.etherType(buffer, offset) != EthernetHeader.ETHERTYPE_IPV6
                || Ipv6Header.check(buffer, offset + NETWORK, length - NETWORK) != Ipv6Header.LENGTH) {
            return false;
        }
        ipv6.wrap(buffer, offset + NETWORK);
        int message = offset + MESSAGE;
        if (!isSolicitation(buffer, message) || ipv6.payloadLength() > length - MESSAGE) {
            return false;
        }
        trafficClass = ipv6.trafficClass();
        sourceHigh = ipv6.sourceHigh();
        sourceLow = ipv6.sourceLow();
        targetHigh = buffer.getLong(message + TARGET_OFFSET, BIG_ENDIAN);
        targetLow = buffer.getLong(message + TARGET_OFFSET + 8, BIG_ENDIAN);
        requesterMac = EthernetHeader.source(buffer, offset);
        boolean toLoopback = ipv6.destinationHigh() == 0 && ipv6.destinationLow() == 1;
        boolean multicastTarget = targetHigh >>> 56 == 0xff;
        return !toLoopback
                && !multicastTarget
                && readOptions(buffer, message + OPTIONS_OFFSET, message + ipv6.payloadLength());
    }

    private boolean isSolicitation(UnsafeBuffer buffer, int message) {
        int typeAndCode = buffer.getShort(message + TYPE_OFFSET, BIG_ENDIAN) & 0xffff;
        return ipv6.nextHeader() == ICMPV6
                && ipv6.hopLimit() == 255
                && ipv6.payloadLength() >= OPTIONS_OFFSET
                && typeAndCode == SOLICITATION << 8;
    }

    /** Takes the MAC from the source option; false for an option of length 0 or one that is cut (RFC 4861 section 4.6). */
    private boolean readOptions(UnsafeBuffer buffer, int start, int end) {
        int position = start;
        while (position + 1 < end) {
            int optionLength = (buffer.getByte(position + 1) & 0xff) * OPTION_LENGTH;
            if (optionLength == 0 || optionLength > end - position) {
                return false;
            }
            if (buffer.getByte(position) == OPTION_SOURCE_MAC) {
                requesterMac = EthernetHeader.mac(buffer, position + 2);
                return true;
            }
            position += optionLength;
        }
        return true;
    }

    /** The requester's MAC: from its source link-layer option, or else the source of the frame. */
    public long requesterMac() {
        return requesterMac;
    }

    public long targetHigh() {
        return targetHigh;
    }

    public long targetLow() {
        return targetLow;
    }

    public long sourceHigh() {
        return sourceHigh;
    }

    public long sourceLow() {
        return sourceLow;
    }

    /** Whether the requester has no address yet and asks if another has the one it wants (RFC 4862 section 5.4). */
    public boolean isDuplicateAddressDetection() {
        return sourceHigh == 0 && sourceLow == 0;
    }

    /**
     * Writes the untagged frame that answers the solicitation last read: {@code mac} has the target address. It may lie over the
     * solicitation. As vxlan_na_create: override and solicited set, traffic class of the request. To a requester without
     * address it goes to all nodes and is not "solicited" (RFC 4861 section 7.2.4); the kernel would send it to "::".
     *
     * @return {@link #ADVERTISEMENT_FRAME_LENGTH}
     */
    public int putAdvertisement(UnsafeBuffer buffer, int offset, long mac, boolean router) {
        boolean toAll = isDuplicateAddressDetection();
        EthernetHeader.put(buffer, offset, toAll ? ALL_NODES_MAC : requesterMac, mac, EthernetHeader.ETHERTYPE_IPV6);
        ipv6.wrap(buffer, offset + NETWORK)
                .trafficClassAndFlowLabel(trafficClass, 0)
                .payloadLength(ADVERTISEMENT_LENGTH)
                .nextHeader(ICMPV6)
                .hopLimit(255)
                .source(targetHigh, targetLow)
                .destination(toAll ? ALL_NODES_HIGH : sourceHigh, toAll ? ALL_NODES_LOW : sourceLow);
        int flags = FLAG_OVERRIDE | (toAll ? 0 : FLAG_SOLICITED) | (router ? FLAG_ROUTER : 0);
        int message = offset + MESSAGE;
        buffer.putInt(message + TYPE_OFFSET, ADVERTISEMENT << 24, BIG_ENDIAN);
        buffer.putInt(message + FLAGS_OFFSET, flags, BIG_ENDIAN);
        buffer.putLong(message + TARGET_OFFSET, targetHigh, BIG_ENDIAN);
        buffer.putLong(message + TARGET_OFFSET + 8, targetLow, BIG_ENDIAN);
        buffer.putByte(message + OPTIONS_OFFSET, (byte) OPTION_TARGET_MAC);
        buffer.putByte(message + OPTIONS_OFFSET + 1, (byte) (OPTION_LENGTH / 8));
        EthernetHeader.putMac(buffer, message + OPTIONS_OFFSET + 2, mac);
        long pseudo = InternetChecksum.pseudoHeaderIpv6(buffer, offset + NETWORK, ICMPV6, ADVERTISEMENT_LENGTH);
        int checksum = InternetChecksum.finish(InternetChecksum.sum(buffer, message, ADVERTISEMENT_LENGTH, pseudo));
        buffer.putShort(message + CHECKSUM_OFFSET, (short) checksum, BIG_ENDIAN);
        return ADVERTISEMENT_FRAME_LENGTH;
    }
}
