package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.pcap4j.packet.Dot1qVlanTagPacket;
import org.pcap4j.packet.EthernetPacket;
import org.pcap4j.packet.IcmpV6CommonPacket;
import org.pcap4j.packet.IcmpV6NeighborAdvertisementPacket;
import org.pcap4j.packet.IllegalRawDataException;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.TcpPacket;
import org.pcap4j.packet.UdpPacket;

/** What these classes write, pcap4j reads alike; above all the checksums. */
class Pcap4jReadsOursTest {
    private static final int ROUNDS = 40;
    private static final int NETWORK = EthernetHeader.LENGTH;

    private SplittableRandom random;
    private byte[] payload;
    private IpAddress source;
    private IpAddress destination;

    private void seed(RepetitionInfo round) {
        random = new SplittableRandom(round.getCurrentRepetition());
        payload = Bytes.random(random, random.nextInt(1, 1400));
    }

    private void randomAddresses(boolean ipv4) {
        source = ipv4 ? IpAddress.ofIpv4(random.nextInt()) : new IpAddress(random.nextLong(), random.nextLong());
        destination = ipv4 ? IpAddress.ofIpv4(random.nextInt()) : new IpAddress(random.nextLong(), random.nextLong());
    }

    private static EthernetPacket decode(UnsafeBuffer frame) throws IllegalRawDataException {
        byte[] bytes = new byte[frame.capacity()];
        frame.getBytes(0, bytes);
        return EthernetPacket.newPacket(bytes, 0, bytes.length);
    }

    private Ipv4Header putIpv4(UnsafeBuffer frame, int headerLength, int protocol) {
        EthernetHeader.put(frame, 0, random.nextLong(), random.nextLong(), EthernetHeader.ETHERTYPE_IPV4);
        for (int i = 20; i < headerLength; i++) {
            frame.putByte(NETWORK + i, (byte) 1);
        }
        return new Ipv4Header()
                .wrap(frame, NETWORK)
                .headerLength(headerLength)
                .tos(random.nextInt(256))
                .totalLength(frame.capacity() - NETWORK)
                .identification(random.nextInt(0x10000))
                .fragment(random.nextBoolean() ? Ipv4Header.DONT_FRAGMENT : 0, 0)
                .ttl(random.nextInt(256))
                .protocol(protocol)
                .sourceAddress(source.ipv4())
                .destinationAddress(destination.ipv4())
                .updateChecksum();
    }

    private Ipv6Header putIpv6(UnsafeBuffer frame, int protocol) {
        EthernetHeader.put(frame, 0, random.nextLong(), random.nextLong(), EthernetHeader.ETHERTYPE_IPV6);
        return new Ipv6Header()
                .wrap(frame, NETWORK)
                .trafficClassAndFlowLabel(random.nextInt(256), random.nextInt(1 << 20))
                .payloadLength(frame.capacity() - NETWORK - Ipv6Header.LENGTH)
                .nextHeader(protocol)
                .hopLimit(random.nextInt(256))
                .source(source.high(), source.low())
                .destination(destination.high(), destination.low());
    }

    @RepeatedTest(ROUNDS)
    void pcap4jReadsOurUdpOverIpv4(RepetitionInfo round) throws Exception {
        seed(round);
        randomAddresses(true);
        int headerLength = 20 + 4 * random.nextInt(11);
        UnsafeBuffer frame = Bytes.dirty(NETWORK + headerLength + 8 + payload.length);
        Ipv4Header ip = putIpv4(frame, headerLength, UdpHeader.PROTOCOL);
        long pseudoHeader = InternetChecksum.pseudoHeaderIpv4(frame, NETWORK, UdpHeader.PROTOCOL, 8 + payload.length);
        UdpHeader udp = putUdp(frame, NETWORK + headerLength, pseudoHeader);

        EthernetPacket ethernet = decode(frame);
        Pcap4j.assertEthernet(frame, ethernet);
        Pcap4j.assertIpv4(ip, ethernet.get(IpV4Packet.class).getHeader());
        Pcap4j.assertUdp(udp, ethernet.get(UdpPacket.class), source, destination);
        assertArrayEquals(payload, ethernet.get(UdpPacket.class).getPayload().getRawData());
    }

    @RepeatedTest(ROUNDS)
    void pcap4jReadsOurUdpOverIpv6(RepetitionInfo round) throws Exception {
        seed(round);
        randomAddresses(false);
        UnsafeBuffer frame = Bytes.dirty(NETWORK + 40 + 8 + payload.length);
        Ipv6Header ip = putIpv6(frame, UdpHeader.PROTOCOL);
        long pseudoHeader = InternetChecksum.pseudoHeaderIpv6(frame, NETWORK, UdpHeader.PROTOCOL, 8 + payload.length);
        UdpHeader udp = putUdp(frame, NETWORK + 40, pseudoHeader);

        EthernetPacket ethernet = decode(frame);
        Pcap4j.assertEthernet(frame, ethernet);
        Pcap4j.assertIpv6(ip, ethernet.get(IpV6Packet.class).getHeader());
        Pcap4j.assertUdp(udp, ethernet.get(UdpPacket.class), source, destination);
        assertArrayEquals(payload, ethernet.get(UdpPacket.class).getPayload().getRawData());
    }

    @RepeatedTest(ROUNDS)
    void pcap4jReadsOurTcpOverIpv4(RepetitionInfo round) throws Exception {
        seed(round);
        randomAddresses(true);
        int tcpLength = 20 + 4 * random.nextInt(11);
        UnsafeBuffer frame = Bytes.dirty(NETWORK + 20 + tcpLength + payload.length);
        putIpv4(frame, 20, TcpHeader.PROTOCOL);
        int length = tcpLength + payload.length;
        long pseudoHeader = InternetChecksum.pseudoHeaderIpv4(frame, NETWORK, TcpHeader.PROTOCOL, length);
        TcpHeader tcp = putTcp(frame, NETWORK + 20, tcpLength, pseudoHeader);
        TcpPacket packet = decode(frame).get(TcpPacket.class);
        Pcap4j.assertTcp(tcp, packet, source, destination);
        assertArrayEquals(payload, packet.getPayload().getRawData());
    }

    @RepeatedTest(ROUNDS)
    void pcap4jReadsOurTcpOverIpv6(RepetitionInfo round) throws Exception {
        seed(round);
        randomAddresses(false);
        int tcpLength = 20 + 4 * random.nextInt(11);
        UnsafeBuffer frame = Bytes.dirty(NETWORK + 40 + tcpLength + payload.length);
        putIpv6(frame, TcpHeader.PROTOCOL);
        int length = tcpLength + payload.length;
        long pseudoHeader = InternetChecksum.pseudoHeaderIpv6(frame, NETWORK, TcpHeader.PROTOCOL, length);
        TcpHeader tcp = putTcp(frame, NETWORK + 40, tcpLength, pseudoHeader);
        TcpPacket packet = decode(frame).get(TcpPacket.class);
        Pcap4j.assertTcp(tcp, packet, source, destination);
        assertArrayEquals(payload, packet.getPayload().getRawData());
    }

    @Test
    void pcap4jReadsOurArpReply() throws Exception {
        UnsafeBuffer request = Bytes.dirty(ArpPacket.LENGTH);
        UnsafeBuffer frame = Bytes.dirty(ArpPacket.FRAME_LENGTH);
        new ArpPacket()
                .wrap(request, 0)
                .ipv4OverEthernet()
                .operation(ArpPacket.REQUEST)
                .senderMac(0xeeee0aff6300L)
                .senderAddress(0x0aff6300)
                .targetMac(0)
                .targetAddress(0x0aff8400)
                .putReply(frame, 0, 0xeeee0aff8400L);
        EthernetPacket ethernet = decode(frame);
        Pcap4j.assertEthernet(frame, ethernet);
        org.pcap4j.packet.ArpPacket.ArpHeader arp =
                ethernet.get(org.pcap4j.packet.ArpPacket.class).getHeader();
        assertEquals(ArpPacket.REPLY, arp.getOperation().value().intValue());
        assertEquals("ee:ee:0a:ff:84:00", arp.getSrcHardwareAddr().toString());
        assertEquals("ee:ee:0a:ff:63:00", arp.getDstHardwareAddr().toString());
        assertEquals("10.255.132.0", arp.getSrcProtocolAddr().getHostAddress());
        assertEquals("10.255.99.0", arp.getDstProtocolAddr().getHostAddress());
        assertEquals(6, arp.getHardwareAddrLengthAsInt());
        assertEquals(4, arp.getProtocolAddrLengthAsInt());
    }

    @Test
    void pcap4jReadsOurNeighbourAdvertisement() throws Exception {
        UnsafeBuffer request = Bytes.hex("3333ff000002 eeee0aff6300 86dd 60000000 0018 3a ff"
                + "fd000000000000000000000000000001" + "ff0200000000000000000001ff000002" + "8700 0000 00000000"
                + "fd000000000000000000000000000002");
        NeighbourDiscovery discovery = new NeighbourDiscovery();
        assertTrue(discovery.readSolicitation(request, 0, request.capacity()));
        UnsafeBuffer frame = Bytes.dirty(NeighbourDiscovery.ADVERTISEMENT_FRAME_LENGTH);
        discovery.putAdvertisement(frame, 0, 0xeeee0aff8400L, true);
        EthernetPacket ethernet = decode(frame);
        Pcap4j.assertEthernet(frame, ethernet);
        IpV6Packet ip = ethernet.get(IpV6Packet.class);
        assertTrue(ip.get(IcmpV6CommonPacket.class)
                .hasValidChecksum(ip.getHeader().getSrcAddr(), ip.getHeader().getDstAddr(), false));
        IcmpV6NeighborAdvertisementPacket.IcmpV6NeighborAdvertisementHeader advertisement =
                ip.get(IcmpV6NeighborAdvertisementPacket.class).getHeader();
        assertTrue(advertisement.getRouterFlag());
        assertTrue(advertisement.getSolicitedFlag());
        assertTrue(advertisement.getOverrideFlag());
        assertEquals(IpAddress.parse("fd00::2").toInetAddress(), advertisement.getTargetAddress());
        assertEquals(
                "0201eeee0aff8400",
                Bytes.toHex(new UnsafeBuffer(advertisement.getOptions().get(0).getRawData())));
    }

    @Test
    void pcap4jReadsOurTag() throws Exception {
        UnsafeBuffer frame = Bytes.dirty(60);
        new EthernetHeader()
                .wrap(frame, 0, 18)
                .destination(1)
                .source(2)
                .tag(0, EthernetHeader.ETHERTYPE_8021Q, 5 << 13 | 1 << 12 | 0xabc)
                .etherType(0x88b5);
        Dot1qVlanTagPacket.Dot1qVlanTagHeader tag =
                decode(frame).get(Dot1qVlanTagPacket.class).getHeader();
        assertEquals(5, tag.getPriority());
        assertTrue(tag.getCfi());
        assertEquals(0xabc, tag.getVidAsInt());
        assertEquals(0x88b5, tag.getType().value() & 0xffff);
    }

    private UdpHeader putUdp(UnsafeBuffer frame, int offset, long pseudoHeader) {
        frame.putBytes(offset + 8, payload);
        UdpHeader udp = new UdpHeader()
                .wrap(frame, offset)
                .sourcePort(random.nextInt(0x10000))
                .destinationPort(random.nextInt(0x10000))
                .length(8 + payload.length)
                .checksum(0);
        long sum = InternetChecksum.sum(frame, offset, 8 + payload.length, pseudoHeader);
        return udp.checksum(InternetChecksum.finishNonZero(sum));
    }

    private TcpHeader putTcp(UnsafeBuffer frame, int offset, int headerLength, long pseudoHeader) {
        for (int i = 20; i < headerLength; i++) {
            frame.putByte(offset + i, (byte) 1);
        }
        frame.putBytes(offset + headerLength, payload);
        TcpHeader tcp = new TcpHeader()
                .wrap(frame, offset)
                .sourcePort(random.nextInt(0x10000))
                .destinationPort(random.nextInt(0x10000))
                .sequenceNumber(random.nextInt())
                .acknowledgmentNumber(random.nextInt())
                .headerLengthAndFlags(headerLength, random.nextInt(0x200))
                .window(random.nextInt(0x10000))
                .checksum(0)
                .urgentPointer(random.nextInt(0x10000));
        int length = headerLength + payload.length;
        return tcp.checksum(InternetChecksum.finish(InternetChecksum.sum(frame, offset, length, pseudoHeader)));
    }
}
