package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.PolicyLab.allow;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;
import org.weft.encap.TcpHeader;
import org.weft.encap.VxlanHeader;
import org.weft.it.CellHost.Container;
import org.weft.it.Probe.End;
import org.weft.it.Probe.Server;
import org.weft.it.Traffic.Echo;
import org.weft.testing.IpPackets;
import org.weft.testing.RequiresRoot;

/**
 * Flows that end in silence, that find no room, that are flooded, and that go on while policies change. The first host
 * forgets soon, the others have small tables.
 */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyFlowsIT {
    /** Long enough for an answer on a busy machine, short enough to be waited for. */
    private static final Duration SHORT = Duration.ofSeconds(4);

    /** While all processors are busy. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int ROOM = 1024;

    /** So many that none of the table's buckets has a place left. */
    private static final int MANY = 4 * ROOM;

    private static final int FIRST_PORT = 10_000;
    private static final int ANSWER_MILLIS = 50;
    private static final int FLOOD = 30_000;
    private static final int LOOK_EVERY = 1000;
    private static final int VXLAN_PORT = 4789;
    private static final int VNI = 1;
    private static final int BYTES = 1 << 20;

    private static final int OPEN = 7000;
    private static final int FORBIDDEN = 7001;
    private static final int SWITCHED = 7002;
    /** Of the ports that the kernel gives to who asks for any. */
    private static final int FIRST_OF_ANY = 32_768;

    private static final String ANY = FIRST_OF_ANY + "-65535";
    private static final int ROUNDS = 4;
    private static final int OTHERS = 5000;
    /** Of those who have no containers here. */
    private static final int FIRST_TAG = 1000;

    private PolicyLab lab;
    private CellHost forgetful;
    private CellHost full;
    private CellHost flooded;

    // Containers of the first host, of the second, and of the third.
    private Container a0;
    private Container a1;
    private Container b1;
    private Container c0;
    private Container c1;

    @BeforeAll
    void open() {
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT, Subject.WEFT)
                .with(0, "refuse: drop, udp-timeout: %1$s, tcp-timeout: %1$s".formatted(SHORT.toSeconds() + "s"))
                .with(1, "flows: " + ROOM)
                .with(2, "flows: " + ROOM)
                .start(policies());
        forgetful = lab.host(0);
        full = lab.host(1);
        flooded = lab.host(2);
        List<Container> all = lab.containers();
        a0 = all.get(0);
        a1 = all.get(1);
        b1 = all.get(3);
        c0 = all.get(4);
        c1 = all.get(5);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    private static List<Policy> policies() {
        List<String> ips = CellLab.containerAddresses(3);
        return List.of(
                // Flows that are forgotten.
                allow(ips.get(0), ips.get(4), Protocol.UDP, 1, 0xffff),
                allow(ips.get(0), ips.get(4), Protocol.TCP, 1, 0xffff),
                allow(ips.get(5), ips.get(0), Protocol.UDP, 1, 0xffff),
                // Flows that find no room.
                allow(ips.get(1), ips.get(3), Protocol.UDP, 1, 0xffff),
                allow(ips.get(1), ips.get(3), Protocol.TCP, 1, 0xffff),
                allow(ips.get(3), ips.get(1), Protocol.UDP, 1, 0xffff),
                allow(ips.get(3), ips.get(5), Protocol.UDP, 1, 0xffff),
                allow(ips.get(2), ips.get(5), Protocol.UDP, 1, 0xffff),
                // The flood.
                allow(ips.get(1), ips.get(4), Protocol.TCP, OPEN, OPEN),
                // What goes on while policies change.
                allow(ips.get(1), ips.get(5), Protocol.TCP, OPEN, OPEN),
                allow(ips.get(1), ips.get(5), Protocol.TCP, FIRST_OF_ANY, 0xffff),
                allow(ips.get(5), ips.get(1), Protocol.TCP, FIRST_OF_ANY, 0xffff));
    }

    private static void change(
            CellHost host, String action, Container from, Container to, Protocol protocol, String ports) {
        host.daemon()
                .control()
                .post(
                        """
                        {"object":"policy","action":"%s","tag":%d,"destination":"%s","protocol":"%s","ports":"%s"}
                        """
                                .formatted(
                                        action,
                                        PolicyLab.tag(from),
                                        to.ip(),
                                        protocol.name().toLowerCase(Locale.ROOT),
                                        ports));
    }

    private static void awaitMore(CellHost host, Counter counter, long than) {
        Await.until("more of " + counter, () -> host.counter(counter) > than);
    }

    /** Nothing is sent for longer than a flow is remembered. */
    private static void silence() {
        LockSupport.parkNanos(SHORT.plusSeconds(1).toNanos());
    }

    private static DatagramSocket udp(Container container) throws IOException {
        DatagramSocket socket = container.netns().call(() -> new DatagramSocket(0));
        socket.setSoTimeout((int) Await.PATIENCE.toMillis());
        return socket;
    }

    private static void send(DatagramSocket from, int what, Container to, DatagramSocket socket) throws IOException {
        byte[] payload = {(byte) what};
        from.send(new DatagramPacket(payload, 1, new InetSocketAddress(to.ip(), socket.getLocalPort())));
    }

    private static void expect(int what, DatagramSocket socket) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[1], 1);
        socket.receive(packet);
        assertEquals(what, packet.getData()[0]);
    }

    @Test
    void anAnswerIsRefusedOnceItsFlowWasSilentForItsTime() throws IOException {
        try (DatagramSocket local = udp(a0);
                DatagramSocket remote = udp(c0)) {
            send(local, 1, c0, remote);
            expect(1, remote);
            send(remote, 2, a0, local);
            expect(2, local);
            silence();
            long refused = forgetful.counter(Counter.POLICY_DENIED);
            send(remote, 3, a0, local);
            awaitMore(forgetful, Counter.POLICY_DENIED, refused);
            send(local, 4, c0, remote);
            expect(4, remote);
            send(remote, 5, a0, local);
            expect(5, local);
            assertEquals(refused + 1, forgetful.counter(Counter.POLICY_DENIED));
        }
    }

    @Test
    void aFlowWhosePolicyIsGoneGoesOnUntilItWasSilentForItsTime() throws IOException {
        try (DatagramSocket local = udp(a0);
                DatagramSocket remote = udp(c1)) {
            send(remote, 1, a0, local);
            expect(1, local);
            send(local, 2, c1, remote);
            expect(2, remote);
            change(forgetful, "deny", c1, a0, Protocol.UDP, "1-65535");
            send(remote, 3, a0, local);
            expect(3, local);
            silence();
            long refused = forgetful.counter(Counter.POLICY_DENIED);
            send(remote, 4, a0, local);
            awaitMore(forgetful, Counter.POLICY_DENIED, refused);
        }
    }

    @Test
    void aSilentConnectionGoesOnWithTheNextPacketFromHere() throws IOException {
        try (ServerSocket listener = c0.netns().call(() -> new ServerSocket(0));
                Socket local = a0.netns().call(() -> SocketChannel.open().socket())) {
            local.connect(new InetSocketAddress(c0.ip(), listener.getLocalPort()));
            try (Socket remote = listener.accept()) {
                say(1, local, remote);
                say(2, remote, local);
                silence();
                long refused = forgetful.counter(Counter.POLICY_DENIED);
                remote.getOutputStream().write(3);
                awaitMore(forgetful, Counter.POLICY_DENIED, refused);
                assertEquals(0, local.getInputStream().available());
                say(4, local, remote);
                assertEquals(3, local.getInputStream().read());
            }
        }
    }

    private static void say(int what, Socket from, Socket to) throws IOException {
        from.getOutputStream().write(what);
        assertEquals(what, to.getInputStream().read());
    }

    /**
     * Sends datagrams from many ports, and each one again until it comes back or is refused, of which senders are told at
     * most so often.
     *
     * @return from how many ports all came back
     */
    private static int answered(Container from, Echo echo, int rounds) {
        return from.netns().call(() -> {
            int answered = 0;
            for (int port = FIRST_PORT; port < FIRST_PORT + MANY; port++) {
                try (DatagramSocket socket = new DatagramSocket(port)) {
                    socket.connect(echo.address());
                    socket.setSoTimeout(ANSWER_MILLIS);
                    answered += isAnswered(socket, rounds) ? 1 : 0;
                }
            }
            return answered;
        });
    }

    private static boolean isAnswered(DatagramSocket socket, int rounds) throws IOException {
        for (int back = 0; back < rounds; ) {
            try {
                socket.send(new DatagramPacket(new byte[1], 1));
                socket.receive(new DatagramPacket(new byte[1], 1));
                back++;
            } catch (SocketTimeoutException lost) {
                continue;
            } catch (PortUnreachableException refused) {
                return false;
            }
        }
        return true;
    }

    @Test
    void onePairThatFillsTheTableTakesNoRoomFromOthersAndIsStillLetIn() throws IOException {
        Server withPolicy = new Server(a1, OPEN);
        Server without = new Server(c1, OPEN);
        try (withPolicy;
                without;
                OpenConnection connection = OpenConnection.between(a1, b1);
                Echo echo = Echo.open(b1.netns(), b1.ip())) {
            assertEquals(MANY, answered(a1, echo, 2), "let in by policy, with or without a place");
            JsonObject flows = full.policy().getAsJsonObject("flows");
            assertEquals(ROOM, flows.get("used").getAsInt());
            assertEquals(ROOM, flows.get("capacity").getAsInt());
            assertEquals(0, full.counter(Counter.RX_UNTRACKED), "its own oldest flows have gone");
            Traffic.tcp(a1.netns(), b1.netns(), b1.ip(), BYTES);

            long untracked = full.counter(Counter.TX_UNTRACKED);
            long refused = full.counter(Counter.POLICY_DENIED);
            assertEquals(End.ANSWERED, Probe.udp(b1, a1, OPEN, 10), "a policy lets the answer in");
            assertEquals(refused, full.counter(Counter.POLICY_DENIED));
            for (Container of : full.containers()) {
                assertEquals(End.ANSWERED, Probe.udp(of, c1, OPEN, 10), "the question is remembered");
            }
            assertEquals(untracked, full.counter(Counter.TX_UNTRACKED));
            assertEquals(refused, full.counter(Counter.POLICY_DENIED));

            change(full, "deny", a1, b1, Protocol.UDP, "1-65535");
            change(full, "deny", a1, b1, Protocol.TCP, "1-65535");
            int left = answered(a1, echo, 1);
            assertTrue(
                    left > ROOM - 20 && left < ROOM, left + " are in the table beside the connection and the others'");
            connection.awaitAnswer();
        }
    }

    /** Sends SYNs with a container's tag from random addresses and ports of its host, until so many were counted. */
    private void flood(Container from, Container to, int port, Counter counter) throws IOException {
        String network = forgetful.lease().base().replaceAll("0$", "");
        IpPackets packets = new IpPackets(
                MacAddress.parse(flooded.lease().mac()),
                MacAddress.parse(forgetful.lease().mac()));
        SplittableRandom random = new SplittableRandom(port);
        byte[] header = new byte[VxlanHeader.LENGTH];
        VxlanHeader.put(new UnsafeBuffer(header), 0, VNI, PolicyLab.tag(from));
        long end = flooded.counter(counter) + FLOOD;
        try (DatagramChannel channel = forgetful.netns.call(DatagramChannel::open)) {
            channel.connect(new InetSocketAddress(flooded.lease().underlay(), VXLAN_PORT));
            for (int sent = 0; sent < FLOOD || sent % LOOK_EVERY != 0 || flooded.counter(counter) < end; sent++) {
                String source = network + random.nextInt(1, 255);
                byte[] syn = packets.tcp(source, random.nextInt(1, 1 << 16), to.ip(), port, TcpHeader.SYN);
                channel.write(ByteBuffer.wrap(Bytes.concat(header, syn)));
            }
        }
    }

    @Test
    void aFloodOfSynsTakesNothingFromConnections() throws IOException {
        Server server = new Server(c0, OPEN);
        try (server;
                OpenConnection connection = OpenConnection.between(a0, c0);
                Transfer transfer = new Transfer(a0, c0)) {
            // From here on the table alone knows of them.
            change(flooded, "deny", a0, c0, Protocol.TCP, ANY);
            long refused = flooded.counter(Counter.POLICY_DENIED);
            flood(a1, c0, OPEN, Counter.RX_DELIVERED);
            assertTrue(flooded.weft("policy show").contains(" flows"));
            assertEquals(End.ANSWERED, Probe.tcp(a0, c0, OPEN), "a new connection");
            connection.awaitAnswer();
            assertEquals(refused, flooded.counter(Counter.POLICY_DENIED));
            flood(a1, c0, FORBIDDEN, Counter.POLICY_DENIED);
            transfer.end();
            connection.awaitAnswer();
        } finally {
            change(flooded, "allow", a0, c0, Protocol.TCP, ANY);
        }
        int used = flooded.policy().getAsJsonObject("flows").get("used").getAsInt();
        assertTrue(used > ROOM / 2 && used <= ROOM, used + " flows");
        assertTrue(flooded.daemon().isAlive());
    }

    @Test
    void changesUnderLoadGiveNoWrongVerdictAndLoseNoConnection() throws IOException {
        Server server = new Server(c1, OPEN, FORBIDDEN, SWITCHED);
        try (server;
                Transfer there = new Transfer(a1, c1);
                Transfer back = new Transfer(c1, a1);
                Watch open = new Watch(a1, c1, OPEN, End.ANSWERED);
                Watch forbidden = new Watch(a1, c1, FORBIDDEN, End.REFUSED);
                Watch switched = new Watch(a1, c1, SWITCHED, End.REFUSED)) {
            for (int round = 0; round < ROUNDS; round++) {
                switched.turn(End.ANSWERED, () -> change(flooded, "allow", a1, c1, Protocol.TCP, "" + SWITCHED));
                writeManyOthers(round);
                switched.turn(End.REFUSED, () -> change(flooded, "deny", a1, c1, Protocol.TCP, "" + SWITCHED));
                switched.turn(End.ANSWERED, () -> forbidden.turn(End.ANSWERED, () -> mode("log")));
                switched.turn(End.REFUSED, () -> forbidden.turn(End.REFUSED, () -> mode("enforce")));
                open.awaitRight();
            }
            there.end();
            back.end();
            for (Watch watch : List.of(open, forbidden, switched)) {
                assertEquals(List.of(), watch.wrong);
            }
        } finally {
            mode("enforce");
            lab.write(policies());
        }
    }

    private void mode(String mode) {
        flooded.daemon().control().post("{\"object\":\"policy\",\"action\":\"mode\",\"mode\":\"" + mode + "\"}");
    }

    /**
     * Takes the policy of connections that are established, puts thousands in its place, some of which let others open the
     * port that stays forbidden, and waits until they are in force.
     */
    private void writeManyOthers(int round) {
        IpAddress to = IpAddress.parse(c1.ip());
        int port = FORBIDDEN + round % 2;
        Stream<Policy> others = IntStream.range(0, OTHERS)
                .mapToObj(i -> new Policy(FIRST_TAG + round + i, to, Protocol.TCP, port - i % 100, port + i % 100));
        Stream<Policy> stay = policies().stream().filter(policy -> policy.firstPort() != FIRST_OF_ANY);
        lab.write(Stream.concat(stay, others).toList());
        Await.until("the policies of round " + round, PATIENCE, () -> lets(FIRST_TAG + round + OTHERS - 1, port));
    }

    private boolean lets(int tag, int port) {
        return flooded.daemon()
                .control()
                .get("/v1/policy/explain?tag=%d&destination=%s&protocol=tcp&port=%d".formatted(tag, c1.ip(), port))
                .getAsJsonObject()
                .get("rule")
                .isJsonObject();
    }

    /** A TCP connection that transfers data until it is ended; what was sent is compared with what came. */
    private static final class Transfer implements AutoCloseable {
        private static final long PAUSE_NANOS = 2_000_000;

        private final CompletableFuture<Void> run;
        private volatile boolean established;
        private volatile boolean ended;

        Transfer(Container from, Container to) {
            run = Traffic.onThreadOfItsOwn(() -> {
                Traffic.tcp(from.netns(), to.netns(), to.ip(), BYTES, this::goesOn);
                return null;
            });
            Await.until("a connection that transfers data", () -> established || run.isDone());
        }

        /** Leaves the processors some time for all else. */
        private boolean goesOn() {
            established = true;
            LockSupport.parkNanos(PAUSE_NANOS);
            return !ended;
        }

        void end() {
            close();
            run.join();
        }

        @Override
        public void close() {
            ended = true;
        }
    }

    /**
     * Opens connections to a port all the time. One that ends otherwise than was expected all the while is wrong; one that
     * got no answer, as packets may be lost under load, says nothing.
     */
    private static final class Watch implements AutoCloseable {
        private static final int WATCH_PORTS = 7000;

        /** A new one with each change. */
        private record Expected(End end) {}

        final List<String> wrong = new CopyOnWriteArrayList<>();
        private final CompletableFuture<Void> run;
        private volatile Expected expected;
        private volatile long right;
        private volatile boolean closed;

        Watch(Container from, Container to, int port, End first) {
            expected = new Expected(first);
            run = Traffic.onThreadOfItsOwn(() -> {
                // Never twice the same, nor one of another watch: a flow that is remembered would let it in.
                for (int source = FIRST_PORT + WATCH_PORTS * (port - OPEN); !closed; source++) {
                    look(from, source, to, port);
                }
                return null;
            });
        }

        private void look(Container from, int source, Container to, int port) {
            Expected before = expected;
            End end = Probe.tcp(from, source, to, port);
            if (before != expected || end == End.SILENCE) {
                return;
            }
            if (before.end == end) {
                right = right + 1;
            } else if (before.end != null) {
                wrong.add("port " + source + " to " + port + ": " + end + ", not " + before.end);
            }
        }

        /** While something changes either end is right, from then on this one. */
        void turn(End end, Runnable change) {
            expected = new Expected(null);
            change.run();
            expected = new Expected(end);
            awaitRight();
        }

        void awaitRight() {
            long before = right;
            Await.until(
                    "a connection that ends as expected",
                    PATIENCE,
                    () -> right > before || !wrong.isEmpty() || run.isDone());
        }

        @Override
        public void close() {
            closed = true;
            run.join();
        }
    }
}
