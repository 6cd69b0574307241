package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.it.OverlayHost.Underlay;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/**
 * Containers talk over VTEPs of the kernel and of Weft in all pairs, over IPv4 and IPv6 underlays. Offloads are on: a
 * kernel peer leaves inner checksums partial and frames uncut.
 */
@RequiresRoot
@ParameterizedClass
@MethodSource("pairs")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InteropIT {
    private static final long TCP_BYTES = 64L << 20;
    private static final int MUTATED = 10_000;

    /** The two ends of a tunnel, and what is between them. */
    record Pair(Subject first, Subject second, Underlay underlay) {
        @Override
        public String toString() {
            return first + " to " + second + " over " + underlay;
        }
    }

    @Parameter
    private Pair pair;

    private OverlayLab lab;

    static Stream<Pair> pairs() {
        List<Pair> pairs = new ArrayList<>();
        for (Subject first : Subject.all().toList()) {
            for (Subject second : Subject.all().toList()) {
                pairs.add(new Pair(first, second, Underlay.IPV4));
                pairs.add(new Pair(first, second, new Underlay(true, 1500, "shared")));
                pairs.add(new Pair(first, second, new Underlay(false, 9000, "dedicated")));
            }
        }
        return pairs.stream();
    }

    @BeforeParameterizedClassInvocation
    void open() {
        lab = OverlayLab.open(pair.first, pair.second, pair.underlay);
    }

    @AfterParameterizedClassInvocation
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void pingsOfAllSizesPass() {
        for (int size : pingSizes()) {
            Traffic.ping(lab.first.app, lab.second.appIp(), size);
        }
    }

    @Test
    void pingsOfAllSizesPassOverIpv6() {
        for (int size : pingSizes()) {
            Traffic.ping(lab.first.app, lab.second.appIp6(), size);
        }
    }

    private static int[] pingSizes() {
        IntStream small = IntStream.of(0, 1, 7, 8, 16, 56, 500, 1000, 1361, 1362, 1363, 1381, 1382, 1383, 1500);
        return IntStream.concat(small, IntStream.iterate(4000, size -> size <= 60_000, size -> size + 7000))
                .toArray();
    }

    @Test
    void tcpArrivesAsItWasSent() {
        Traffic.tcp(lab.first.app, lab.second.app, lab.second.appIp(), TCP_BYTES);
        Traffic.tcp(lab.second.app, lab.first.app, lab.first.appIp(), TCP_BYTES);
    }

    @Test
    void tcpArrivesAsItWasSentOverIpv6() {
        Traffic.tcp(lab.first.app, lab.second.app, lab.second.appIp6(), TCP_BYTES / 4);
        Traffic.tcp(lab.second.app, lab.first.app, lab.first.appIp6(), TCP_BYTES / 4);
    }

    @Test
    void datagramsOfEverySizeAreEchoed() {
        Traffic.udpEcho(lab.first.app, lab.second.app, lab.second.appIp(), IntStream.rangeClosed(0, 1400));
        Traffic.udpEcho(lab.first.app, lab.second.app, lab.second.appIp(), beyondMtu());
    }

    @Test
    void datagramsOfManySizesAreEchoedOverIpv6() {
        IntStream upToMtu = IntStream.iterate(0, size -> size <= 1362, size -> size + 17);
        Traffic.udpEcho(lab.first.app, lab.second.app, lab.second.appIp6(), upToMtu);
        Traffic.udpEcho(lab.first.app, lab.second.app, lab.second.appIp6(), beyondMtu());
    }

    private static IntStream beyondMtu() {
        return IntStream.of(1401, 1500, 2764, 2765, 4096, 8192, 16_384, 32_768, 60_000, 65_000);
    }

    @Test
    void packetLargerThanTheMtuIsAnsweredFragmentationNeeded() {
        int mtu = pair.underlay.overlayMtu();
        lab.first.containerMtu(mtu + 90);
        try {
            Command passed = pingUncut(mtu);
            assertEquals(0, passed.exitCode(), passed::toString);
            Command refused = pingUncut(mtu + 1);
            assertEquals(1, refused.exitCode(), refused::toString);
            assertTrue(refused.output().contains("Frag needed and DF set (mtu = " + mtu + ")"), refused::toString);
        } finally {
            lab.first.app.ip("route flush cache");
            lab.first.containerMtu(mtu);
        }
    }

    /** Sends a ping of so many bytes, IP header included, that must not be fragmented. */
    private Command pingUncut(int length) {
        String size = Integer.toString(length - 28);
        return lab.first.app.attempt("ping", "-n", "-c", "1", "-W", "5", "-M", "do", "-s", size, lab.second.appIp());
    }

    @Test
    void vnisOnOnePortAreKeptApart() {
        for (OverlayHost from : lab.hosts()) {
            OverlayHost to = lab.peerOf(from);
            Traffic.ping(from.host, to.secondIp(), 56);
            try (PacketSocket in = PacketSocket.open(from.host, OverlayHost.DEVICE);
                    PacketSocket secondIn = PacketSocket.open(from.host, OverlayHost.SECOND_DEVICE);
                    PacketSocket out = PacketSocket.open(to.host, OverlayHost.DEVICE);
                    PacketSocket secondOut = PacketSocket.open(to.host, OverlayHost.SECOND_DEVICE)) {
                byte[] one = experiment(from, to, 1);
                byte[] two = experiment(from, to, 2);
                in.send(one);
                secondIn.send(two);
                out.await("frame of VNI 1", frame -> Arrays.equals(frame, one));
                secondOut.await("frame of VNI 2", frame -> Arrays.equals(frame, two));
                assertEquals(List.of(), out.received(frame -> Arrays.equals(frame, two)));
                assertEquals(List.of(), secondOut.received(frame -> Arrays.equals(frame, one)));
            }
        }
    }

    private static byte[] experiment(OverlayHost from, OverlayHost to, int content) {
        return Packets.ethernet(to.vtepMac(), from.vtepMac(), Packets.EXPERIMENT, new byte[] {(byte) content});
    }

    @Test
    void weftAnswersForNeighboursAndAsksNobody() {
        for (OverlayHost host : lab.hosts()) {
            if (host.subject == Subject.WEFT) {
                weftAnswersForNeighbours(host, lab.peerOf(host));
            }
        }
    }

    private static void weftAnswersForNeighbours(OverlayHost host, OverlayHost peer) {
        host.permanentNeighbours("del");
        try (PacketSocket wire = PacketSocket.open(peer.host, "eth0")) {
            Traffic.ping(host.app, peer.appIp(), 56);
            Traffic.ping(host.app, peer.appIp6(), 56);
            assertEquals("", PacketSocket.dump(wire.received(InteropIT::asksForNeighbour)));
        } finally {
            host.permanentNeighbours("replace");
        }
    }

    /** Whether there is an ARP packet or a neighbour solicitation within a VXLAN datagram. */
    private static boolean asksForNeighbour(byte[] frame) {
        int inner = (Bytes.u16(frame, 12) == Packets.IPV6 ? 54 : 34) + 16;
        if (frame.length < inner + 14) {
            return false;
        }
        int type = Bytes.u16(frame, inner + 12);
        boolean solicitation =
                type == Packets.IPV6 && Bytes.u8(frame, inner + 20) == 58 && Bytes.u8(frame, inner + 54) == 135;
        return type == Packets.ARP || solicitation;
    }

    @Test
    void everythingFlowsAfterMutatedDatagrams() {
        for (OverlayHost from : lab.hosts()) {
            OverlayHost to = lab.peerOf(from);
            Mutation mutation = new Mutation(to.vtepMac(), from.vtepMac());
            Ip ip = Ip.of(from.underlayIp(), to.underlayIp());
            try (PacketSocket underlay = PacketSocket.open(from.host, "eth0")) {
                for (int i = 0; i < MUTATED; i++) {
                    int port = 32_768 + mutation.random().nextInt(28_000);
                    underlay.send(
                            Packets.udpFrame(to.underlayMac(), from.underlayMac(), ip, port, 4789, mutation.payload()));
                }
            }
            Traffic.ping(from.app, to.appIp(), 56);
            Traffic.ping(from.app, to.appIp6(), 56);
            Traffic.udpEcho(from.app, to.app, to.appIp(), IntStream.of(0, 700, 1382, 9000));
            Traffic.tcp(from.app, to.app, to.appIp(), 1 << 20);
        }
        for (OverlayHost host : lab.hosts()) {
            if (host.subject == Subject.WEFT) {
                Await.until("each packet ends in exactly one counter", host::booksBalance);
            }
        }
    }
}
