package org.weft.dataplane.io.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.encap.EthernetHeader;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;

/**
 * Sends TCP super-frames uncut through a {@link TunnelDevice}, with the outer headers that each of their datagrams is to
 * have. What it does not take is to be cut, and sent by sockets. One thread uses it; it is switched from any.
 */
final class SuperFrameSender implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SuperFrameSender.class);

    private static final Path DEFAULT_TTL = Path.of("/proc/sys/net/ipv4/ip_default_ttl");
    private static final Path DEFAULT_HOP_LIMIT = Path.of("/proc/sys/net/ipv6/conf/default/hop_limit");
    private static final int COMMON_TTL = 64;
    private static final int MAX_PACKET_LENGTH = 0xffff;

    private static final int ETHERNET = VirtioNetHeader.TUNNEL_LENGTH;
    private static final int NETWORK = ETHERNET + EthernetHeader.LENGTH;
    private static final int HEADERS_LENGTH = NETWORK + Ipv6Header.LENGTH + UdpHeader.LENGTH;
    private static final int IOVEC_LENGTH = MessageVector.IOVEC_LENGTH;
    private static final int IOVECS = HEADERS_LENGTH + 7 & -8;

    /** Of the device, which other senders use, too. */
    private final String name;

    private final long mac;

    private final IpAddress local;
    private final boolean ipv4;
    private final boolean checksum;
    private final int defaultTtl;
    private final int networkLength;
    private final UnderlayRoutes routes;
    private final int fd;

    /** Virtio and outer headers of the frame under way, and the two iovecs of it. */
    private final UnsafeBuffer headers = new UnsafeBuffer(ByteBuffer.allocateDirect(IOVECS + 2 * IOVEC_LENGTH));

    private final VirtioNetHeader virtio = new VirtioNetHeader().wrap(headers, 0);
    private final Ipv4Header ipv4Header = new Ipv4Header().wrap(headers, NETWORK);
    private final Ipv6Header ipv6Header = new Ipv6Header().wrap(headers, NETWORK);
    private final UdpHeader udpHeader = new UdpHeader();

    private volatile boolean on = true;
    private volatile String trouble;

    /** Of the frame sent next; its TTL is never {@link UnderlaySender#DEFAULT_TTL}. */
    private final Outer outer = new Outer();

    private int sourcePort;
    private int identification = ThreadLocalRandom.current().nextInt();

    /**
     * @param checksum whether the outer UDP header has one
     * @throws LinuxException if the device is gone, or has no further queue; nothing is left open
     */
    SuperFrameSender(TunnelDevice device, IpAddress local, String dev, boolean checksum) {
        name = device.name();
        mac = device.mac();
        this.local = local;
        this.checksum = checksum;
        ipv4 = local.isIpv4();
        networkLength = ipv4 ? Ipv4Header.LENGTH : Ipv6Header.LENGTH;
        defaultTtl = defaultTtl(ipv4 ? DEFAULT_TTL : DEFAULT_HOP_LIMIT);
        udpHeader.wrap(headers, NETWORK + networkLength);
        routes = new UnderlayRoutes(local, dev);
        try {
            fd = device.openQueue();
        } catch (LinuxException e) {
            routes.close();
            throw e;
        }
    }

    private static int defaultTtl(Path sysctl) {
        // Not readString: it begins with a short read, and a sysctl answers the first read only.
        try (BufferedReader reader = Files.newBufferedReader(sysctl)) {
            return Integer.parseInt(reader.readLine().strip());
        } catch (IOException e) {
            return COMMON_TTL;
        }
    }

    boolean on() {
        return on && trouble == null;
    }

    /** Switching on forgets what the kernel refused before. */
    void on(boolean on) {
        this.trouble = null;
        this.on = on;
    }

    /** Why it is off although it was not switched off; or null. */
    String trouble() {
        return trouble;
    }

    /** The destination of the frame sent next; the outer headers are copied. */
    void to(Outer next, int sourcePort) {
        outer.set(next);
        if (next.ttl() == UnderlaySender.DEFAULT_TTL) {
            outer.ttl(defaultTtl);
        }
        this.sourcePort = sourcePort;
    }

    /** {@link UnderlaySender#sendUncut}. */
    boolean send(long address, int length, int gsoType, int gsoSize, int transport, int headersLength) {
        if (!on() || IpAddress.isIpv4(outer.remoteHigh(), outer.remoteLow()) != ipv4) {
            return false;
        }
        int outerLength = networkLength + UdpHeader.LENGTH;
        int segment = outerLength + VxlanHeader.LENGTH + headersLength + gsoSize;
        int ifindex = routes.lookup(outer.remoteHigh(), outer.remoteLow(), sourcePort, outer.port(), outer.tos());
        if (ifindex == UnderlayRoutes.NONE || segment > routes.mtu() || outerLength + length > MAX_PACKET_LENGTH) {
            return false;
        }
        through(ifindex);
        int written = write(address, length, gsoType, gsoSize, transport, headersLength);
        if (written < 0) {
            onRefusal(-written);
        }
        return written >= 0;
    }

    /**
     * Sends through the interface that {@link #through} said, without asking for a route. Returns a negative errno if the
     * kernel does not take it.
     */
    int write(long address, int length, int gsoType, int gsoSize, int transport, int headersLength) {
        putVirtio(gsoType, gsoSize, transport, headersLength);
        int segments = (length - VxlanHeader.LENGTH - headersLength + gsoSize - 1) / gsoSize;
        if (ipv4) {
            putIpv4(length, segments);
        } else {
            putIpv6(length);
        }
        putUdp(UdpHeader.LENGTH + length);
        putPiece(0, headers.addressOffset(), NETWORK + networkLength + UdpHeader.LENGTH);
        putPiece(1, address, length);
        return LibC.writev(fd, headers, IOVECS, 2);
    }

    /**
     * Chooses the interface of the frame sent next. The Ethernet header's destination is the device itself, because the
     * kernel drops frames for others; the program reads the interface in the source.
     */
    void through(int ifindex) {
        int etherType = ipv4 ? EthernetHeader.ETHERTYPE_IPV4 : EthernetHeader.ETHERTYPE_IPV6;
        EthernetHeader.put(headers, ETHERNET, mac, RedirectProgram.source(ifindex), etherType);
    }

    private void putVirtio(int gsoType, int gsoSize, int transport, int headersLength) {
        int vxlanEnd = EthernetHeader.LENGTH + networkLength + UdpHeader.LENGTH + VxlanHeader.LENGTH;
        int tunnel = ipv4 ? VirtioNetHeader.GSO_UDP_TUNNEL_IPV4 : VirtioNetHeader.GSO_UDP_TUNNEL_IPV6;
        int outerChecksum = checksum ? VirtioNetHeader.FLAG_UDP_TUNNEL_CHECKSUM : 0;
        virtio.flags(VirtioNetHeader.FLAG_NEEDS_CHECKSUM | outerChecksum)
                .gsoType(gsoType | tunnel)
                .headerLength(vxlanEnd + headersLength)
                .gsoSize(gsoSize)
                .checksumStart(vxlanEnd + transport)
                .checksumOffset(TcpHeader.CHECKSUM_OFFSET)
                .tunnel(EthernetHeader.LENGTH + networkLength, vxlanEnd + EthernetHeader.LENGTH);
    }

    /** Ids count up by one for each datagram that the frame is cut into, as they do when it is cut here. */
    private void putIpv4(int length, int segments) {
        ipv4Header
                .headerLength(Ipv4Header.LENGTH)
                .tos(outer.tos())
                .totalLength(Ipv4Header.LENGTH + UdpHeader.LENGTH + length)
                .identification(identification)
                .fragment(outer.dontFragment() ? Ipv4Header.DONT_FRAGMENT : 0, 0)
                .ttl(outer.ttl())
                .protocol(UdpHeader.PROTOCOL)
                .sourceAddress((int) local.low())
                .destinationAddress((int) outer.remoteLow())
                .updateChecksum();
        identification += segments;
    }

    private void putIpv6(int length) {
        ipv6Header
                .trafficClassAndFlowLabel(outer.tos(), 0)
                .payloadLength(UdpHeader.LENGTH + length)
                .nextHeader(UdpHeader.PROTOCOL)
                .hopLimit(outer.ttl())
                .source(local.high(), local.low())
                .destination(outer.remoteHigh(), outer.remoteLow());
    }

    /** In the checksum the sum of the pseudo-header, for the kernel to complete (kernel: udp_set_csum). */
    private void putUdp(int udpLength) {
        int sum = 0;
        if (checksum) {
            sum = InternetChecksum.fold(
                    ipv4
                            ? InternetChecksum.pseudoHeaderIpv4(headers, NETWORK, UdpHeader.PROTOCOL, udpLength)
                            : InternetChecksum.pseudoHeaderIpv6(headers, NETWORK, UdpHeader.PROTOCOL, udpLength));
        }
        udpHeader
                .sourcePort(sourcePort)
                .destinationPort(outer.port())
                .length(udpLength)
                .checksum(sum);
    }

    private void putPiece(int index, long address, int length) {
        int iovec = IOVECS + index * IOVEC_LENGTH;
        headers.putLong(iovec, address);
        headers.putLong(iovec + MessageVector.IOVEC_LENGTH_OFFSET, length);
    }

    private void onRefusal(int errno) {
        boolean passes = errno == Errno.EAGAIN || errno == Errno.ENOMEM || errno == Errno.ENOBUFS;
        if (!passes) {
            trouble = name + " refused a super-frame with " + Errno.name(errno) + " (" + LibC.strerror(errno)
                    + "); they are cut before they are sent";
            LOG.warn("{}", trouble);
        }
    }

    @Override
    public void close() {
        routes.close();
        LibC.close(fd);
    }
}
