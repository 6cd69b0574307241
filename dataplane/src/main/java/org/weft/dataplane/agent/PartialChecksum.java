package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Frame;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;
import org.weft.encap.VirtioNetHeader;

/**
 * Gives a received frame back the offload state that it lost on its way through a UDP socket.
 *
 * <p>A kernel peer on the same machine (veth) leaves the inner checksum to hardware that does not exist, and may not
 * even cut a super-frame: the datagram arrives whole, up to 64 KB, with only the pseudo-header's sum in the inner
 * checksum field. Such a frame is passed on as what it is: checksum still to be filled in, and if it is longer than the
 * device's MTU, a super-frame. Every other frame is passed on as it came; the host checks its checksum.
 */
final class PartialChecksum {
    private static final int COMPLETE = 0xffff;

    /**
     * Sets the frame's virtio-net fields from its layout; {@code mtu} is the device's.
     *
     * @return whether the checksum is still to be filled in
     */
    boolean restore(Frame frame, FrameLayout layout, int mtu) {
        if (!isPartial(frame, layout, mtu)) {
            frame.vnet(0, VirtioNetHeader.GSO_NONE, 0, 0, 0, 0);
            return false;
        }
        boolean tcp = layout.protocol() == TcpHeader.PROTOCOL;
        int transport = layout.transportOffset() - frame.offset();
        int headers =
                transport + (tcp ? TcpHeader.headerLength(frame.buffer(), layout.transportOffset()) : UdpHeader.LENGTH);
        int network = layout.networkOffset() - frame.offset();
        int checksumOffset = tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
        int segment = mtu - (headers - network);
        boolean superFrame = frame.length() - network > mtu && segment > 0;
        if (!superFrame) {
            frame.vnet(
                    VirtioNetHeader.FLAG_NEEDS_CHECKSUM,
                    VirtioNetHeader.GSO_NONE,
                    headers,
                    0,
                    transport,
                    checksumOffset);
            return true;
        }
        int type = !tcp
                ? VirtioNetHeader.GSO_UDP_L4
                : layout.isIpv4() ? VirtioNetHeader.GSO_TCPV4 : VirtioNetHeader.GSO_TCPV6;
        frame.vnet(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, type, headers, segment, transport, checksumOffset);
        return true;
    }

    private static boolean isPartial(Frame frame, FrameLayout layout, int mtu) {
        int protocol = layout.protocol();
        boolean tcp = protocol == TcpHeader.PROTOCOL;
        if (layout.transportOffset() == FrameLayout.NONE
                || layout.isFragment()
                || !tcp && protocol != UdpHeader.PROTOCOL) {
            return false;
        }
        UnsafeBuffer buffer = frame.buffer();
        int transport = layout.transportOffset();
        int length = layout.transportLength();
        long pseudo = layout.isIpv4()
                ? InternetChecksum.pseudoHeaderIpv4(buffer, layout.networkOffset(), protocol, length)
                : InternetChecksum.pseudoHeaderIpv6(buffer, layout.networkOffset(), protocol, length);
        int field = transport + (tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET);
        if ((buffer.getShort(field, BIG_ENDIAN) & 0xffff) != InternetChecksum.fold(pseudo)) {
            return false;
        }
        // One complete checksum in 65,536 looks like the pseudo-header's sum. Filling it in once more gives the same
        // value, so the two need not be told apart, except where the rest would not be the same bytes: because others
        // follow, or because a datagram would be cut.
        int end = frame.offset() + frame.length();
        boolean sameWhenFilledIn = transport + length == end && (tcp || end - layout.networkOffset() <= mtu);
        return sameWhenFilledIn
                || InternetChecksum.fold(InternetChecksum.sum(buffer, transport, length, pseudo)) != COMPLETE;
    }
}
