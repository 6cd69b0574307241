package org.weft.it;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.it.CellHost.Container;
import org.weft.it.CellHost.Lease;

/**
 * What keeps two hosts busy until it is closed: TCP, UDP and pings between containers, containers that come and go, policies
 * and leases that change, captures and metrics. Each has a thread, waits after each turn, and counts turns and failures.
 */
final class SoakLoad implements AutoCloseable {
    private static final long TCP_BYTES = 8 << 20;

    private final PolicyLab lab;
    private final List<Thread> threads = new ArrayList<>();
    private final Map<String, Integer> turns = new TreeMap<>();
    private final Map<String, String> failures = new TreeMap<>();
    private volatile boolean ended;

    private interface Turn {
        void run(SplittableRandom random) throws Exception;
    }

    SoakLoad(PolicyLab lab) {
        this.lab = lab;
    }

    /** Lets everything begin. */
    SoakLoad start() {
        Container client = lab.host(0).container(0);
        Container server = lab.host(1).container(0);
        repeat("TCP streams", 2000, random -> Traffic.tcp(client.netns(), server.netns(), server.ip(), TCP_BYTES));
        repeat("TCP streams back", 3000, random -> Traffic.tcp(server.netns(), client.netns(), client.ip(), TCP_BYTES));
        repeat(
                "UDP echoes",
                1000,
                random -> Traffic.udpEcho(
                        client.netns(),
                        server.netns(),
                        server.ip(),
                        IntStream.range(0, 50).map(i -> random.nextInt(1400))));
        repeat("pings", 2000, random -> Traffic.ping(client.netns(), server.ip(), random.nextInt(1300)));
        for (CellHost host : lab.hosts()) {
            repeat("containers on " + host.lease().base(), 3000, random -> attachAndDetach(host, random));
            repeat("captures on " + host.lease().base(), 45_000, random -> capture(host));
            repeat("scrapes on " + host.lease().base(), 5000, random -> scrape(host));
        }
        repeat("policies", 5000, random -> lab.write(policies(random)));
        repeat("leases", 7000, this::changeLeases);
        return this;
    }

    /** What the containers of the first host and the second may open, and others that come and go. */
    static List<Policy> policies(SplittableRandom random) {
        List<Policy> policies = new ArrayList<>();
        List<String> addresses = CellLab.containerAddresses(2);
        for (String from : addresses) {
            for (String to : addresses) {
                policies.add(PolicyLab.allow(from, to, Protocol.TCP, 1, 65535));
                policies.add(PolicyLab.allow(from, to, Protocol.UDP, 1, 65535));
                policies.add(PolicyLab.allow(from, to, Protocol.ICMP, 0, 0));
            }
        }
        for (int i = random.nextInt(200); i > 0; i--) {
            int port = random.nextInt(1, 60_000);
            policies.add(new Policy(
                    random.nextInt(1, 60_000),
                    IpAddress.parse("10.255.108." + random.nextInt(1, 255)),
                    Protocol.TCP,
                    port,
                    port));
        }
        return policies;
    }

    private void changeLeases(SplittableRandom random) {
        List<Lease> leases = lab.cells().leases();
        for (int i = random.nextInt(50); i > 0; i--) {
            leases.add(new Lease("10.0.99." + (i + 1), "10.255." + (201 + i) + ".0/24"));
        }
        lab.cells().write(leases);
    }

    private static void attachAndDetach(CellHost host, SplittableRandom random) {
        String prefix = host.lease().base().replaceAll("\\d+$", "");
        Container container = host.attach(prefix + random.nextInt(20, 60));
        host.detach(container);
    }

    private static void capture(CellHost host) throws Exception {
        Path file = host.daemon().directory().resolve("soak.pcapng");
        Process client = host.daemon().startClient("capture", "-c", "20", "-w", file.toString());
        if (!client.waitFor(60, TimeUnit.SECONDS)) {
            client.destroy();
        }
    }

    private static void scrape(CellHost host) {
        ControlClient.Answer answer = host.daemon().control().attempt("GET", "/metrics", "");
        if (answer.status() != 200) {
            throw new AssertionError(answer.toString());
        }
    }

    private void repeat(String what, long pauseMillis, Turn turn) {
        SplittableRandom random = new SplittableRandom(what.hashCode());
        Thread thread = new Thread(() -> {
            while (!ended) {
                try {
                    turn.run(random);
                    count(what, null);
                    TimeUnit.MILLISECONDS.sleep(pauseMillis);
                } catch (InterruptedException e) {
                    return;
                } catch (Exception | AssertionError e) {
                    count(what, e);
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
    }

    private synchronized void count(String what, Throwable failure) {
        if (ended) {
            return;
        }
        turns.merge(what, 1, Integer::sum);
        if (failure != null) {
            failures.merge(
                    what,
                    "1 failed: " + failure,
                    (before, now) ->
                            (Integer.parseInt(before.split(" ")[0]) + 1) + before.substring(before.indexOf(' ')));
        }
    }

    /** What was done so far, and what failed. */
    synchronized String summary() {
        return turns + (failures.isEmpty() ? "" : ", failures " + failures);
    }

    @Override
    public void close() {
        ended = true;
        threads.forEach(Thread::interrupt);
    }
}
