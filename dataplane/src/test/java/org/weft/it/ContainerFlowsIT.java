package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.it.PolicyLab.allow;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.it.CellHost.Container;
import org.weft.testing.RequiresRoot;

/** What is known of a container's flows goes with the container; the next one with its address has nothing of it. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerFlowsIT {
    private static final int PORT = 7000;
    private static final int PATIENCE_MILLIS = 10_000;

    private PolicyLab lab;
    private CellHost judge;
    private Container peer;

    @BeforeAll
    void open() {
        List<String> ips = CellLab.containerAddresses(2);
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT)
                .with(0, "mode: off")
                .start(List.of(allow(ips.get(0), ips.get(2), Protocol.UDP, PORT, PORT)));
        judge = lab.host(1);
        peer = lab.host(0).container(0);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    private static DatagramSocket socket(Container container, int port) throws IOException {
        DatagramSocket socket = container.netns().call(() -> new DatagramSocket(port));
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    private static void send(DatagramSocket from, String to, int port) throws IOException {
        from.send(new DatagramPacket(new byte[1], 1, new InetSocketAddress(to, port)));
    }

    private static void receive(DatagramSocket socket) throws IOException {
        socket.receive(new DatagramPacket(new byte[1], 1));
    }

    /** Sends datagrams to the new container, which all are refused. */
    private void assertRefused(DatagramSocket from, Container to, int port) throws IOException {
        long refused = judge.counter(Counter.POLICY_DENIED);
        try (DatagramSocket target = socket(to, port)) {
            for (int i = 1; i <= 5; i++) {
                long expected = refused + i;
                send(from, to.ip(), port);
                Await.until("a refused datagram", () -> judge.counter(Counter.POLICY_DENIED) == expected);
            }
            target.setSoTimeout(1);
            receive(target);
            throw new AssertionError("the new container got what was meant for the old one");
        } catch (SocketTimeoutException right) {
            assertEquals(refused + 5, judge.counter(Counter.POLICY_DENIED));
        }
    }

    private Container replaced(Container container) {
        judge.detach(container);
        return judge.attach(container.ip());
    }

    private void deny(Policy policy) {
        judge.weft("policy deny %d %s --protocol udp --port %d"
                .formatted(policy.tag(), policy.destination(), policy.firstPort()));
    }

    @Test
    void whatTheOldContainerWasAllowedIsJudgedForTheNextOne() throws IOException {
        Container old = judge.container(0);
        Policy open = allow(peer.ip(), old.ip(), Protocol.UDP, PORT, PORT);
        try (DatagramSocket client = socket(peer, 0)) {
            try (DatagramSocket server = socket(old, PORT)) {
                send(client, old.ip(), PORT);
                receive(server);
                send(server, peer.ip(), client.getLocalPort());
                receive(client);
                deny(open);
                send(client, old.ip(), PORT);
                receive(server);
            }
            assertRefused(client, replaced(old), PORT);
        }
    }

    @Test
    void whatTheOldContainerBeganLetsNobodyInToTheNextOne() throws IOException {
        Container old = judge.container(1);
        try (DatagramSocket server = socket(peer, 0)) {
            int port;
            try (DatagramSocket client = socket(old, 0)) {
                port = client.getLocalPort();
                send(client, peer.ip(), server.getLocalPort());
                receive(server);
                send(server, old.ip(), port);
                receive(client);
            }
            assertRefused(server, replaced(old), port);
        }
    }

    @Test
    void anotherTagForgetsTheFlows() throws IOException {
        Container other = judge.attach("10.255.43.77");
        try (DatagramSocket server = socket(peer, 0);
                DatagramSocket client = socket(other, 0)) {
            judge.weft("tag add 10.255.43.77 41 dev silk-vtep");
            send(client, peer.ip(), server.getLocalPort());
            receive(server);
            judge.weft("tag replace 10.255.43.77 42 dev silk-vtep");
            long refused = judge.counter(Counter.POLICY_DENIED);
            send(server, other.ip(), client.getLocalPort());
            Await.until("a refused datagram", () -> judge.counter(Counter.POLICY_DENIED) == refused + 1);
        }
    }
}
