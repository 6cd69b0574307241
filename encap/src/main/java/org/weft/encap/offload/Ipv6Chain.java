package org.weft.encap.offload;

import static org.weft.encap.EthernetHeader.ETHERTYPE_IPV6;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.FrameLayout;
import org.weft.encap.Ipv6Header;

/** The extension headers between an IPv6 header and a transport header that was found behind them. */
final class Ipv6Chain {
    private static final int HOP_BY_HOP = 0;
    private static final int ROUTING = 43;
    private static final int DESTINATION_OPTIONS = 60;
    private static final int SEGMENTS_LEFT_OFFSET = 3;

    private Ipv6Chain() {}

    /** Whether each may be repeated in every segment (kernel: INET6_PROTO_GSO_EXTHDR); true without any. */
    static boolean repeatable(UnsafeBuffer buffer, FrameLayout layout) {
        int header = Ipv6Header.nextHeader(buffer, layout.networkOffset());
        int position = layout.networkOffset() + Ipv6Header.LENGTH;
        while (position < layout.transportOffset()) {
            if (header != HOP_BY_HOP && header != ROUTING && header != DESTINATION_OPTIONS) {
                return false;
            }
            header = buffer.getByte(position) & 0xff;
            position += lengthAt(buffer, position);
        }
        return true;
    }

    /** Whether the destination in the IPv6 header is not the one in the pseudo-header (RFC 8200 section 8.1). */
    static boolean reroutes(UnsafeBuffer buffer, FrameLayout layout) {
        if (layout.etherType() != ETHERTYPE_IPV6) {
            return false;
        }
        int header = Ipv6Header.nextHeader(buffer, layout.networkOffset());
        int position = layout.networkOffset() + Ipv6Header.LENGTH;
        while (position < layout.transportOffset()) {
            if (header == ROUTING && buffer.getByte(position + SEGMENTS_LEFT_OFFSET) != 0) {
                return true;
            }
            header = buffer.getByte(position) & 0xff;
            position += lengthAt(buffer, position);
        }
        return false;
    }

    private static int lengthAt(UnsafeBuffer buffer, int position) {
        return ((buffer.getByte(position + 1) & 0xff) + 1) << 3;
    }
}
