package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Outer;
import org.weft.encap.EthernetHeader;
import org.weft.encap.InternetChecksum;
import org.weft.encap.Ipv4Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;

/**
 * Sends a super-frame through a {@link TunnelDevice} to this host's loopback address and looks at
 * what arrives.
 */
public final class TunnelCheck {
    private static final int SEGMENT = 1_000;
    private static final int PAYLOAD_LENGTH = 4_500;
    private static final int TRANSPORT = EthernetHeader.LENGTH + Ipv4Header.LENGTH;
    private static final int HEADERS_LENGTH = TRANSPORT + TcpHeader.LENGTH;
    private static final int PAYLOAD = VxlanHeader.LENGTH + HEADERS_LENGTH;
    private static final int LENGTH = PAYLOAD + PAYLOAD_LENGTH;

    private TunnelCheck() {}

    /**
     * Tries a device, which takes under 100 ms.
     *
     * @return a sentence why the device is of no use; null if the super-frame arrived whole, in one
     *     piece or in several
     * @throws LinuxException if the kernel refuses the super-frame or a socket
     */
    public static String trouble(TunnelDevice device) {
        Link loopback = Link.of("lo");
        if (!loopback.up()) {
            return device.name() + " was not tried over loopback: lo is down";
        }
        int receiver = OffloadCheck.open();
        try (SuperFrameSender sender = new SuperFrameSender(device, OffloadCheck.LOOPBACK, null, true)) {
            UnsafeBuffer sent = superFrame();
            int port = OffloadCheck.port(receiver);
            Outer outer = new Outer().remote(OffloadCheck.LOOPBACK.high(), OffloadCheck.LOOPBACK.low(), port);
            sender.to(outer, port);
            sender.through(loopback.index());
            int written = sender.write(
                    sent.addressOffset(), LENGTH, VirtioNetHeader.GSO_TCPV4, SEGMENT, TRANSPORT, HEADERS_LENGTH);
            LinuxException.check(written, "writev", device.name());
            return arrives(receiver, sent)
                    ? null
                    : "over loopback, a super-frame sent through " + device.name() + " did not arrive as it was sent";
        } finally {
            LibC.close(receiver);
        }
    }

    private static UnsafeBuffer superFrame() {
        UnsafeBuffer frame = new UnsafeBuffer(ByteBuffer.allocateDirect(LENGTH));
        int ethernet = VxlanHeader.LENGTH;
        VxlanHeader.put(frame, 0, 1, 0);
        new EthernetHeader().wrap(frame, ethernet).etherType(EthernetHeader.ETHERTYPE_IPV4);
        new Ipv4Header()
                .wrap(frame, ethernet + EthernetHeader.LENGTH)
                .headerLength(Ipv4Header.LENGTH)
                .totalLength(LENGTH - ethernet - EthernetHeader.LENGTH)
                .ttl(1)
                .protocol(TcpHeader.PROTOCOL)
                .updateChecksum();
        long pseudo = InternetChecksum.pseudoHeaderIpv4(
                frame, ethernet + EthernetHeader.LENGTH, TcpHeader.PROTOCOL, LENGTH - ethernet - TRANSPORT);
        new TcpHeader()
                .wrap(frame, ethernet + TRANSPORT)
                .headerLengthAndFlags(TcpHeader.LENGTH, TcpHeader.ACK)
                .checksum(InternetChecksum.fold(pseudo));
        for (int i = 0; i < PAYLOAD_LENGTH; i++) {
            frame.putByte(PAYLOAD + i, (byte) (i * 31 + i / SEGMENT));
        }
        return frame;
    }

    private static boolean arrives(int fd, UnsafeBuffer sent) {
        UnsafeBuffer received = new UnsafeBuffer(ByteBuffer.allocateDirect(2 * LENGTH));
        int payload = 0;
        while (payload < PAYLOAD_LENGTH && OffloadCheck.await(fd)) {
            int length = LibC.read(fd, received, 0, received.capacity()) - PAYLOAD;
            if (length <= 0 || payload + length > PAYLOAD_LENGTH) {
                return false;
            }
            for (int i = 0; i < length; i++) {
                if (received.getByte(PAYLOAD + i) != sent.getByte(PAYLOAD + payload + i)) {
                    return false;
                }
            }
            payload += length;
        }
        return payload == PAYLOAD_LENGTH;
    }
}
