package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.pcap4j.packet.EthernetPacket;
import org.pcap4j.packet.IpPacket;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV4Rfc1349Tos;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.IpV6SimpleFlowLabel;
import org.pcap4j.packet.IpV6SimpleTrafficClass;
import org.pcap4j.packet.Packet;
import org.pcap4j.packet.TcpPacket;
import org.pcap4j.packet.UdpPacket;
import org.pcap4j.packet.UnknownPacket;
import org.pcap4j.packet.namednumber.EtherType;
import org.pcap4j.packet.namednumber.IpNumber;
import org.pcap4j.packet.namednumber.IpVersion;
import org.pcap4j.packet.namednumber.TcpPort;
import org.pcap4j.packet.namednumber.UdpPort;

/** What pcap4j writes, these classes read alike; above all the checksums. */
class OursReadPcap4jTest {
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

    @RepeatedTest(ROUNDS)
    void weReadUdpOfPcap4j(RepetitionInfo round) {
        seed(round);
        boolean ipv4 = random.nextBoolean();
        randomAddresses(ipv4);
        UdpPacket.Builder udp = new UdpPacket.Builder()
                .srcPort(UdpPort.getInstance((short) random.nextInt()))
                .dstPort(UdpPort.getInstance((short) random.nextInt()))
                .srcAddr(source.toInetAddress())
                .dstAddr(destination.toInetAddress())
                .payloadBuilder(new UnknownPacket.Builder().rawData(payload))
                .correctChecksumAtBuild(true)
                .correctLengthAtBuild(true);
        EthernetPacket packet = encode(ipv4, IpNumber.UDP, udp);
        UnsafeBuffer frame = new UnsafeBuffer(packet.getRawData());
        int transport = assertWeRead(frame, packet, ipv4, UdpHeader.PROTOCOL);
        Pcap4j.assertUdp(new UdpHeader().wrap(frame, transport), packet.get(UdpPacket.class), source, destination);
        assertArrayEquals(payload, packet.get(UdpPacket.class).getPayload().getRawData());
    }

    @RepeatedTest(ROUNDS)
    void weReadTcpOfPcap4j(RepetitionInfo round) {
        seed(round);
        boolean ipv4 = random.nextBoolean();
        randomAddresses(ipv4);
        TcpPacket.Builder tcp = new TcpPacket.Builder()
                .srcPort(TcpPort.getInstance((short) random.nextInt()))
                .dstPort(TcpPort.getInstance((short) random.nextInt()))
                .sequenceNumber(random.nextInt())
                .acknowledgmentNumber(random.nextInt())
                .urg(random.nextBoolean())
                .ack(random.nextBoolean())
                .psh(random.nextBoolean())
                .rst(random.nextBoolean())
                .syn(random.nextBoolean())
                .fin(random.nextBoolean())
                .window((short) random.nextInt())
                .urgentPointer((short) random.nextInt())
                .srcAddr(source.toInetAddress())
                .dstAddr(destination.toInetAddress())
                .payloadBuilder(new UnknownPacket.Builder().rawData(payload))
                .correctChecksumAtBuild(true)
                .correctLengthAtBuild(true);
        EthernetPacket packet = encode(ipv4, IpNumber.TCP, tcp);
        UnsafeBuffer frame = new UnsafeBuffer(packet.getRawData());
        int transport = assertWeRead(frame, packet, ipv4, TcpHeader.PROTOCOL);
        Pcap4j.assertTcp(new TcpHeader().wrap(frame, transport), packet.get(TcpPacket.class), source, destination);
        assertArrayEquals(payload, packet.get(TcpPacket.class).getPayload().getRawData());
    }

    private EthernetPacket encode(boolean ipv4, IpNumber protocol, Packet.Builder transport) {
        Packet.Builder ip = ipv4
                ? new IpV4Packet.Builder()
                        .version(IpVersion.IPV4)
                        .tos(IpV4Rfc1349Tos.newInstance((byte) random.nextInt()))
                        .identification((short) random.nextInt())
                        .dontFragmentFlag(random.nextBoolean())
                        .ttl((byte) random.nextInt())
                        .protocol(protocol)
                        .srcAddr((Inet4Address) source.toInetAddress())
                        .dstAddr((Inet4Address) destination.toInetAddress())
                        .payloadBuilder(transport)
                        .correctChecksumAtBuild(true)
                        .correctLengthAtBuild(true)
                : new IpV6Packet.Builder()
                        .version(IpVersion.IPV6)
                        .trafficClass(IpV6SimpleTrafficClass.newInstance((byte) random.nextInt()))
                        .flowLabel(IpV6SimpleFlowLabel.newInstance(random.nextInt(1 << 20)))
                        .nextHeader(protocol)
                        .hopLimit((byte) random.nextInt())
                        .srcAddr((Inet6Address) source.toInetAddress())
                        .dstAddr((Inet6Address) destination.toInetAddress())
                        .payloadBuilder(transport)
                        .correctLengthAtBuild(true);
        return new EthernetPacket.Builder()
                .dstAddr(org.pcap4j.util.MacAddress.getByAddress(Bytes.random(random, 6)))
                .srcAddr(org.pcap4j.util.MacAddress.getByAddress(Bytes.random(random, 6)))
                .type(ipv4 ? EtherType.IPV4 : EtherType.IPV6)
                .payloadBuilder(ip)
                .paddingAtBuild(true)
                .build();
    }

    /** The layers below the transport header, whose offset is the result. */
    private int assertWeRead(UnsafeBuffer frame, EthernetPacket packet, boolean ipv4, int protocol) {
        Pcap4j.assertEthernet(frame, packet);
        if (ipv4) {
            Pcap4j.assertIpv4(
                    new Ipv4Header().wrap(frame, NETWORK),
                    packet.get(IpV4Packet.class).getHeader());
        } else {
            Pcap4j.assertIpv6(
                    new Ipv6Header().wrap(frame, NETWORK),
                    packet.get(IpV6Packet.class).getHeader());
        }
        FrameLayout layout = new FrameLayout();
        assertTrue(layout.parse(frame, 0, frame.capacity()));
        assertEquals(ipv4, layout.isIpv4());
        assertEquals(!ipv4, layout.isIpv6());
        assertEquals(protocol, layout.protocol());
        assertEquals(source, new IpAddress(layout.sourceHigh(), layout.sourceLow()));
        assertEquals(destination, new IpAddress(layout.destinationHigh(), layout.destinationLow()));
        assertEquals(NETWORK + (ipv4 ? 20 : 40), layout.transportOffset());
        int length = packet.get(IpPacket.class).getPayload().length();
        long pseudoHeader = ipv4
                ? InternetChecksum.pseudoHeaderIpv4(frame, NETWORK, protocol, length)
                : InternetChecksum.pseudoHeaderIpv6(frame, NETWORK, protocol, length);
        long sum = InternetChecksum.sum(frame, layout.transportOffset(), length, pseudoHeader);
        assertEquals(0, InternetChecksum.finish(sum));
        return layout.transportOffset();
    }
}
