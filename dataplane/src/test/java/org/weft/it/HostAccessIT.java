package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.it.CellHost.Container;
import org.weft.it.Probe.End;
import org.weft.it.Probe.Server;
import org.weft.testing.RequiresRoot;

/** What reaches the host itself over the VTEP, and containers by way of the host's DNAT, where policies are enforced. */
@RequiresRoot
class HostAccessIT {
    private static final String STRANGER = "10.255.108.184";
    private static final String FRIEND = "10.255.108.2";
    private static final String SERVICE = "10.255.43.6";
    private static final String HOST = "10.255.43.0";
    private static final int PORT = 7777;

    private PolicyLab lab;

    @AfterEach
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    /** @param settings of the second host's policies */
    private void start(String settings) {
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT).with(1, settings);
        lab.start(List.of(
                PolicyLab.allow(FRIEND, SERVICE, Protocol.TCP, PORT, PORT),
                PolicyLab.allow(SERVICE, STRANGER, Protocol.TCP, PORT, PORT)));
    }

    private Container stranger() {
        return lab.host(0).container(0);
    }

    private Container friend() {
        return lab.host(0).container(1);
    }

    private Container service() {
        return lab.host(1).container(0);
    }

    private void publish(CellHost host, String to) {
        host.netns.exec(
                "nft",
                "add table ip published; add chain ip published in { type nat hook prerouting priority dstnat; };"
                        + " add rule ip published in fib daddr type local tcp dport 8080 dnat to " + to + ":" + PORT);
    }

    private End connect(Container from, String to, int port) {
        return Probe.tcp(from, new Container(null, to), port);
    }

    @Test
    void aPortThatTheHostPublishesIsNoWayRoundPoliciesUnlessItIsToBe() throws IOException {
        start("mode: enforce");
        publish(lab.host(1), SERVICE);
        Server service = new Server(service(), PORT);
        try (service) {
            assertEquals(End.REFUSED, connect(stranger(), SERVICE, PORT));
            assertEquals(End.REFUSED, connect(stranger(), HOST, 8080));
            assertEquals(End.ANSWERED, connect(friend(), SERVICE, PORT));

            lab.host(1).weft("policy mode log");
            Await.until("the table follows", () -> connect(stranger(), HOST, 8080) == End.ANSWERED);
            lab.host(1).weft("policy mode enforce");
            Await.until("the table follows", () -> connect(stranger(), HOST, 8080) == End.REFUSED);
        }
    }

    @Test
    void aPortThatTheHostPublishesIsOpenIfItIsToBe() throws IOException {
        start("dnat: allow");
        publish(lab.host(1), SERVICE);
        Server service = new Server(service(), PORT);
        try (service) {
            assertEquals(End.ANSWERED, connect(stranger(), HOST, 8080));
        }
    }

    @Test
    void refusedPublishedPortsAreSilentWherePoliciesAre() throws IOException {
        start("refuse: drop");
        publish(lab.host(1), SERVICE);
        Server service = new Server(service(), PORT);
        try (service) {
            assertEquals(End.SILENCE, connect(stranger(), HOST, 8080));
        }
    }

    /** Its own host's DNAT has changed the address that it called, and changes it back in the answers. */
    @Test
    void aContainerGetsAnswersThatItsHostsDnatChangesBack() throws IOException {
        start("mode: enforce");
        publish(lab.host(1), STRANGER);
        Server called = new Server(stranger(), PORT);
        try (called) {
            assertEquals(End.ANSWERED, connect(service(), "169.254.0.1", 8080));
        }
    }

    @Test
    void theHostIsReachedOverTheOverlayUnlessItIsClosed() throws IOException {
        start("mode: enforce");
        Container host = new Container(lab.host(1).netns, HOST);
        Server server = new Server(host, 9090);
        try (server) {
            assertEquals(End.ANSWERED, Probe.tcp(stranger(), host, 9090));
            assertEquals(End.ANSWERED, Probe.ping(stranger(), host));
        }
    }

    @Test
    void aHostThatIsClosedHearsAnswersOnly() throws IOException {
        start("host: refuse");
        Container host = new Container(lab.host(1).netns, HOST);
        Container other = new Container(lab.host(0).netns, "10.255.108.0");
        Server server = new Server(host, 9090);
        Server service = new Server(service(), PORT);
        try (server;
                service) {
            assertEquals(End.REFUSED, Probe.tcp(stranger(), host, 9090));
            assertEquals(End.REFUSED, Probe.ping(stranger(), host));
            assertEquals(End.ANSWERED, Probe.ping(host, other));
            assertEquals(End.ANSWERED, connect(friend(), SERVICE, PORT), "containers are judged by policies");
            assertEquals(End.ANSWERED, Probe.tcp(service(), new Container(null, HOST), 9090), "and this one is local");
        }
    }
}
