package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.MacAddress;
import org.weft.encap.VxlanHeader;
import org.weft.it.CellHost.Container;
import org.weft.it.Probe.End;
import org.weft.it.Probe.Server;
import org.weft.testing.IpPackets;
import org.weft.testing.RequiresRoot;

/** Datagrams that a cell gets from hosts of its leases and from others, with inner packets that claim what they like. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KnownPeersIT {
    private static final int VXLAN_PORT = 4789;
    private static final int VNI = 1;
    private static final int OPEN = 7000;
    private static final int SHORT_MILLIS = 300;

    private PolicyLab lab;
    private CellHost judge;
    private CellHost peer;
    private Container from;
    private Container other;
    private Container to;

    @BeforeAll
    void open() {
        lab = PolicyLab.plumb(Subject.WEFT, Subject.KERNEL, Subject.WEFT);
        List<String> ips = CellLab.containerAddresses(3);
        lab.start(List.of(
                PolicyLab.allow(ips.get(0), ips.get(4), Protocol.UDP, OPEN, OPEN),
                PolicyLab.allow(ips.get(2), ips.get(4), Protocol.UDP, OPEN, OPEN)));
        peer = lab.host(0);
        judge = lab.host(2);
        from = peer.container(0);
        other = lab.host(1).container(0);
        to = judge.container(0);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    /** A datagram to the judging host's VXLAN port with a UDP packet of the peer's container, and the container's tag. */
    private byte[] datagram(int tags, String source) {
        byte[] inner = new IpPackets(
                        MacAddress.parse(judge.lease().mac()),
                        MacAddress.parse(peer.lease().mac()))
                .udp(source, 5000, to.ip(), OPEN);
        byte[] frame = IpPackets.tagged(inner, tags);
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, VNI, PolicyLab.tag(from));
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        return datagram;
    }

    private boolean arrives(Netns sender, byte[] datagram) throws IOException {
        try (DatagramSocket target = to.netns().call(() -> new DatagramSocket(OPEN));
                DatagramSocket socket = sender.call(() -> new DatagramSocket())) {
            target.setSoTimeout(SHORT_MILLIS);
            InetSocketAddress port = new InetSocketAddress(judge.lease().underlay(), VXLAN_PORT);
            socket.send(new DatagramPacket(datagram, datagram.length, port));
            target.receive(new DatagramPacket(new byte[64], 64));
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    private void awaitOne(Counter counter, long before) {
        Await.until("one more of " + counter, () -> judge.counter(counter), count -> count == before + 1);
    }

    @Test
    void whatAHostWithoutLeaseSendsIsDroppedWhateverItClaims() throws IOException {
        long before = judge.counter(Counter.UNDERLAY_UNKNOWN);
        assertTrue(!arrives(lab.router(), datagram(0, from.ip())));
        awaitOne(Counter.UNDERLAY_UNKNOWN, before);
        assertTrue(arrives(peer.netns, datagram(0, from.ip())), "from the host itself");
        assertEquals(before + 1, judge.counter(Counter.UNDERLAY_UNKNOWN));
        judge.weft("link set silk-vtep noknown-peers");
        long spoofed = judge.counter(Counter.SPOOFED_UNDERLAY);
        assertTrue(!arrives(lab.router(), datagram(0, from.ip())));
        awaitOne(Counter.SPOOFED_UNDERLAY, spoofed);
        judge.weft("link set silk-vtep known-peers");
    }

    /** The kernel takes tags of VLAN id 0 off, however many there are; the policy of the one port lets only one tag in. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 7, 8, 20})
    void tagsHideNoForeignSource(int tags) throws IOException {
        long before = judge.counter(Counter.SPOOFED_IP);
        assertTrue(!arrives(peer.netns, datagram(tags, other.ip())));
        awaitOne(Counter.SPOOFED_IP, before);
        judge.weft("policy mode off");
        assertEquals(tags <= 7, arrives(peer.netns, datagram(tags, from.ip())), "the kernel delivers it");
        judge.weft("policy mode enforce");
    }

    /** Hosts of Weft and of the kernel, and the hosts themselves; nothing of it is spoofed or of a stranger. */
    @Test
    void whatBelongsTogetherPasses() throws IOException {
        Server server = new Server(to, OPEN);
        try (server) {
            assertEquals(End.ANSWERED, Probe.udp(from, to, OPEN, 10));
            assertEquals(End.ANSWERED, Probe.udp(other, to, OPEN, 10));
            assertEquals(End.ANSWERED, Probe.udp(from, to, OPEN, 4000));
        }
        for (CellHost host : lab.hosts()) {
            if (host != judge) {
                host.netns.exec(
                        "ping", "-n", "-c", "1", "-W", "5", judge.lease().base());
                judge.netns.exec(
                        "ping", "-n", "-c", "1", "-W", "5", host.lease().base());
            }
        }
        for (Counter counter : List.of(Counter.UNDERLAY_UNKNOWN, Counter.SPOOFED_UNDERLAY, Counter.SPOOFED_MAC)) {
            long unexpected = judge.counter(counter);
            peer.netns.exec("ping", "-n", "-c", "1", "-W", "5", judge.lease().base());
            assertEquals(unexpected, judge.counter(counter));
        }
    }
}
