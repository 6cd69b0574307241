package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** TCP addresses that any process of the host can take, or connect to, do not keep the daemon from its work. */
@RequiresRoot
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class ListenersIT {
    private static final int METRICS = 9477;
    private static final int NETWORK_INFO = 23954;

    @TempDir
    private Path directory;

    private HostLab lab;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private WeftDaemon daemon(String... prefix) throws IOException {
        Path leases = Files.writeString(
                directory.resolve("leases.yml"), "- {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.126.0/24}\n");
        return new WeftDaemon(
                lab.host,
                """
                underlay: {local: 10.0.16.14}
                metrics: 127.0.0.1:%d
                cell:
                  state: %s
                  leases: {file: %s}
                """
                        .formatted(METRICS, directory.resolve("state"), leases),
                prefix);
    }

    private static ControlClient.Answer readiness(WeftDaemon daemon) {
        return daemon.control().attempt("GET", "/readyz", "");
    }

    @Test
    void packetsPassWhileAnotherProcessHasThePorts() throws IOException {
        try (WeftDaemon daemon = daemon()) {
            List<ServerSocket> others = List.of(take(NETWORK_INFO), take(METRICS));
            try {
                daemon.start();
                Await.until("packets pass", () -> readiness(daemon).status() == 200);
                String body = readiness(daemon).body();
                assertTrue(body.contains("; silk-cni cannot be answered on 127.0.0.1:23954 ("), body);
                assertTrue(body.contains("; metrics cannot be served on 127.0.0.1:9477 ("), body);
                assertTrue(daemon.log().contains("stop silk-daemon if it still runs"), daemon::log);
            } finally {
                for (ServerSocket other : others) {
                    other.close();
                }
            }
            Await.until("both are served", () -> readiness(daemon).body().equals("ok\n"));
            assertEquals(
                    "{\"overlay_subnet\":\"10.255.126.0/24\",\"mtu\":1450}",
                    lab.host
                            .exec("curl", "-sS", "http://127.0.0.1:" + NETWORK_INFO)
                            .strip());
        }
    }

    private ServerSocket take(int port) {
        return lab.host.call(() -> new ServerSocket(port, 50, InetAddress.getLoopbackAddress()));
    }

    @Test
    void connectionsOfStrangersLeaveDescriptorsForControlAndContainers() throws IOException {
        List<SocketChannel> strangers = new ArrayList<>();
        try (WeftDaemon daemon = daemon("prlimit", "--nofile=420:420");
                Netns app = Netns.create("app")) {
            daemon.start();
            Await.until("packets pass", () -> readiness(daemon).status() == 200);
            for (int i = 0; i < 600; i++) {
                strangers.add(connect(i % 2 == 0 ? METRICS : NETWORK_INFO));
            }

            Command attach = daemon.client("cell", "attach", app.name());

            assertEquals(0, attach.exitCode(), attach::toString);
            ControlClient.Answer ready = readiness(daemon);
            assertEquals(200, ready.status(), ready::body);
            String scrape = lab.host.exec("curl", "-sS", "http://127.0.0.1:" + METRICS + "/metrics");
            assertTrue(scrape.contains("weft_containers 1"), scrape);
            assertEquals(0, daemon.client("cell", "detach", app.name()).exitCode());
        } finally {
            for (SocketChannel stranger : strangers) {
                stranger.close();
            }
        }
    }

    @Test
    void vtepsLeaveDescriptorsForControlAndContainers() throws IOException {
        try (WeftDaemon daemon = daemon("prlimit", "--nofile=1024:1024");
                Netns app = Netns.create("app")) {
            daemon.start();
            Await.until("packets pass", () -> readiness(daemon).status() == 200);
            Command added;
            int id = 100;
            do {
                id++;
                // Each with sending sockets of its own.
                String local = "127.0.0." + (id - 100);
                added = daemon.client(("link add v" + id + " type vxlan id " + id + " local " + local).split(" "));
            } while (added.exitCode() == 0 && id < 110);

            LifecycleIT.assertOneSentence(added.output(), "v" + id, "raise LimitNOFILE");
            Command attach = daemon.client("cell", "attach", app.name());
            assertEquals(0, attach.exitCode(), attach::toString);
            assertEquals("ok\n", readiness(daemon).body());
        }
    }

    private SocketChannel connect(int port) {
        return lab.host.call(() -> SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)));
    }
}
