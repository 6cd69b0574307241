package org.weft.bench;

import static org.agrona.BufferUtil.allocateDirectAligned;

import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.encap.ArpPacket;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.NeighbourDiscovery;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;

/** What does it cost to check a header and read all its fields, and to write them all? Each header at its own offset. */
@State(Scope.Thread)
public class CodecBenchmark {
    private static final int FRAME_LENGTH = 1424;
    private static final int IPV6_FRAME_OFFSET = 4096;
    private static final int ARP_OFFSET = 8192;
    private static final int VXLAN_OFFSET = ARP_OFFSET + 64;
    private static final int VNET_OFFSET = VXLAN_OFFSET + 64;
    private static final int UDP_OFFSET = VNET_OFFSET + 64;
    private static final int VLAN_OFFSET = UDP_OFFSET + 64;
    private static final int SOLICITATION_OFFSET = VLAN_OFFSET + 64;
    private static final int SCRATCH_OFFSET = 12_288;

    private static final int IPV4_OFFSET = EthernetHeader.LENGTH;
    private static final int TCP_OFFSET = IPV4_OFFSET + Ipv4Header.LENGTH;
    private static final int IPV6_OFFSET = IPV6_FRAME_OFFSET + EthernetHeader.LENGTH;

    private final UnsafeBuffer buffer = new UnsafeBuffer(allocateDirectAligned(16_384, 4096));
    private final EthernetHeader ethernet = new EthernetHeader();
    private final ArpPacket arp = new ArpPacket();
    private final Ipv4Header ipv4 = new Ipv4Header();
    private final Ipv6Header ipv6 = new Ipv6Header();
    private final TcpHeader tcp = new TcpHeader();
    private final UdpHeader udp = new UdpHeader();
    private final VirtioNetHeader vnet = new VirtioNetHeader();
    private final NeighbourDiscovery discovery = new NeighbourDiscovery();
    private final FrameLayout layout = new FrameLayout();
    private int solicitationLength;

    @Setup
    public void packets() {
        Packets.putIpv4(buffer, 0, FRAME_LENGTH);
        Packets.putIpv6(buffer, IPV6_FRAME_OFFSET, FRAME_LENGTH);
        arp(ARP_OFFSET);
        vxlan(VXLAN_OFFSET);
        vnet(VNET_OFFSET);
        udp(UDP_OFFSET);
        vlan(VLAN_OFFSET);
        solicitationLength = Packets.putSolicitation(buffer, SOLICITATION_OFFSET);
        if (!discovery.readSolicitation(buffer, SOLICITATION_OFFSET, solicitationLength)) {
            throw new IllegalStateException("the solicitation is not one");
        }
    }

    /** All of a frame's headers that an agent looks at. */
    @Benchmark
    public long frameLayoutIpv4() {
        layout.parse(buffer, 0, FRAME_LENGTH);
        return layout.transportOffset() + layout.sourceLow();
    }

    @Benchmark
    public long frameLayoutIpv6() {
        layout.parse(buffer, IPV6_FRAME_OFFSET, FRAME_LENGTH);
        return layout.transportOffset() + layout.sourceLow();
    }

    @Benchmark
    public long ethernetRead() {
        int length = EthernetHeader.check(buffer, 0, FRAME_LENGTH);
        ethernet.wrap(buffer, 0, length);
        return ethernet.destination() + ethernet.source() + ethernet.etherType();
    }

    @Benchmark
    public UnsafeBuffer ethernetWrite() {
        EthernetHeader.put(
                buffer, SCRATCH_OFFSET, Packets.DESTINATION_MAC, Packets.SOURCE_MAC, EthernetHeader.ETHERTYPE_IPV4);
        return buffer;
    }

    /** Of a frame with one 802.1Q tag. */
    @Benchmark
    public long vlanRead() {
        int length = EthernetHeader.check(buffer, VLAN_OFFSET, FRAME_LENGTH);
        ethernet.wrap(buffer, VLAN_OFFSET, length);
        return ethernet.destination()
                + ethernet.source()
                + ethernet.tagProtocol(0)
                + ethernet.tagControl(0)
                + ethernet.etherType();
    }

    @Benchmark
    public EthernetHeader vlanWrite() {
        return vlan(SCRATCH_OFFSET);
    }

    private EthernetHeader vlan(int offset) {
        return ethernet.wrap(buffer, offset, EthernetHeader.LENGTH + EthernetHeader.TAG_LENGTH)
                .destination(Packets.DESTINATION_MAC)
                .source(Packets.SOURCE_MAC)
                .tag(0, EthernetHeader.ETHERTYPE_8021Q, 42)
                .etherType(EthernetHeader.ETHERTYPE_IPV4);
    }

    @Benchmark
    public long neighbourSolicitationRead() {
        boolean solicitation = discovery.readSolicitation(buffer, SOLICITATION_OFFSET, solicitationLength);
        return solicitation ? discovery.targetHigh() + discovery.targetLow() + discovery.requesterMac() : 0;
    }

    /** The answer to the one read, its checksum included. */
    @Benchmark
    public int neighbourAdvertisementWrite() {
        return discovery.putAdvertisement(buffer, SCRATCH_OFFSET, Packets.DESTINATION_MAC, false);
    }

    @Benchmark
    public long arpRead() {
        int checked = ArpPacket.check(buffer, ARP_OFFSET, ArpPacket.LENGTH);
        arp.wrap(buffer, ARP_OFFSET);
        return checked
                + arp.operation()
                + arp.senderMac()
                + arp.senderAddress()
                + arp.targetMac()
                + arp.targetAddress();
    }

    @Benchmark
    public ArpPacket arpWrite() {
        return arp(SCRATCH_OFFSET);
    }

    private ArpPacket arp(int offset) {
        return arp.wrap(buffer, offset)
                .ipv4OverEthernet()
                .operation(ArpPacket.REQUEST)
                .senderMac(Packets.SOURCE_MAC)
                .senderAddress(Packets.SOURCE)
                .targetMac(0)
                .targetAddress(Packets.DESTINATION);
    }

    @Benchmark
    public long ipv4Read() {
        int checked = Ipv4Header.check(buffer, IPV4_OFFSET, FRAME_LENGTH - IPV4_OFFSET);
        ipv4.wrap(buffer, IPV4_OFFSET);
        return checked
                + ipv4.tos()
                + ipv4.totalLength()
                + ipv4.identification()
                + ipv4.fragmentOffset()
                + ipv4.ttl()
                + ipv4.protocol()
                + ipv4.checksum()
                + ipv4.sourceAddress()
                + ipv4.destinationAddress();
    }

    /** Its checksum included. */
    @Benchmark
    public Ipv4Header ipv4Write() {
        return Packets.putIpv4Header(ipv4, buffer, SCRATCH_OFFSET, FRAME_LENGTH);
    }

    /** RFC 1624, as where a router takes one from the TTL. */
    @Benchmark
    public int checksumUpdate() {
        ipv4.wrap(buffer, IPV4_OFFSET);
        int ttlAndProtocol = ipv4.ttl() << 8 | ipv4.protocol();
        return InternetChecksum.update(ipv4.checksum(), ttlAndProtocol, ttlAndProtocol - 0x100);
    }

    @Benchmark
    public long ipv6Read() {
        int checked = Ipv6Header.check(buffer, IPV6_OFFSET, FRAME_LENGTH - EthernetHeader.LENGTH);
        ipv6.wrap(buffer, IPV6_OFFSET);
        return checked
                + ipv6.trafficClass()
                + ipv6.flowLabel()
                + ipv6.payloadLength()
                + ipv6.nextHeader()
                + ipv6.hopLimit()
                + ipv6.sourceHigh()
                + ipv6.sourceLow()
                + ipv6.destinationHigh()
                + ipv6.destinationLow();
    }

    @Benchmark
    public Ipv6Header ipv6Write() {
        return Packets.putIpv6Header(ipv6, buffer, SCRATCH_OFFSET, FRAME_LENGTH);
    }

    @Benchmark
    public long tcpRead() {
        int checked = TcpHeader.check(buffer, TCP_OFFSET, FRAME_LENGTH - TCP_OFFSET);
        tcp.wrap(buffer, TCP_OFFSET);
        return checked
                + tcp.sourcePort()
                + tcp.destinationPort()
                + tcp.sequenceNumber()
                + tcp.acknowledgmentNumber()
                + tcp.flags()
                + tcp.window()
                + tcp.checksum()
                + tcp.urgentPointer();
    }

    @Benchmark
    public TcpHeader tcpWrite() {
        return Packets.putTcpHeader(tcp, buffer, SCRATCH_OFFSET);
    }

    @Benchmark
    public long udpRead() {
        int checked = UdpHeader.check(buffer, UDP_OFFSET, FRAME_LENGTH);
        udp.wrap(buffer, UDP_OFFSET);
        return checked + udp.sourcePort() + udp.destinationPort() + udp.length() + udp.checksum();
    }

    @Benchmark
    public UdpHeader udpWrite() {
        return udp(SCRATCH_OFFSET);
    }

    private UdpHeader udp(int offset) {
        return udp.wrap(buffer, offset)
                .sourcePort(43210)
                .destinationPort(4789)
                .length(FRAME_LENGTH)
                .checksum(0);
    }

    /** As the decapsulator reads it: one 64-bit load. */
    @Benchmark
    public long vxlanRead() {
        int checked = VxlanHeader.check(buffer, VXLAN_OFFSET, FRAME_LENGTH);
        long word = VxlanHeader.word(buffer, VXLAN_OFFSET);
        boolean valid = VxlanHeader.hasVni(word) && VxlanHeader.isReservedClear(word, VxlanHeader.RESERVED_GBP);
        return valid ? checked + VxlanHeader.vni(word) + VxlanHeader.groupPolicyId(word) : 0;
    }

    @Benchmark
    public UnsafeBuffer vxlanWrite() {
        vxlan(SCRATCH_OFFSET);
        return buffer;
    }

    private void vxlan(int offset) {
        VxlanHeader.put(buffer, offset, 1, 1);
    }

    @Benchmark
    public long virtioNetRead() {
        int checked = VirtioNetHeader.check(buffer, VNET_OFFSET, FRAME_LENGTH);
        vnet.wrap(buffer, VNET_OFFSET);
        return checked
                + vnet.flags()
                + vnet.gsoType()
                + vnet.headerLength()
                + vnet.gsoSize()
                + vnet.checksumStart()
                + vnet.checksumOffset();
    }

    @Benchmark
    public VirtioNetHeader virtioNetWrite() {
        return vnet(SCRATCH_OFFSET);
    }

    private VirtioNetHeader vnet(int offset) {
        return vnet.wrap(buffer, offset)
                .flags(VirtioNetHeader.FLAG_NEEDS_CHECKSUM)
                .gsoType(VirtioNetHeader.GSO_TCPV4)
                .headerLength(TCP_OFFSET + TcpHeader.LENGTH)
                .gsoSize(1370)
                .checksumStart(TCP_OFFSET)
                .checksumOffset(TcpHeader.CHECKSUM_OFFSET);
    }
}
