package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** What hangs in one container's namespace keeps neither other containers back nor what else a daemon does. */
@RequiresRoot
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class HangingCommandIT {
    private static final String LEASES = "- {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}\n";

    /** Of the daemon's own time limit, and of a machine that is busy. */
    private static final long LIMIT_SECONDS = 10;

    @TempDir
    private Path directory;

    private final List<Netns> apps = new ArrayList<>();
    private Netns host;
    private WeftDaemon daemon;

    @BeforeEach
    void open() throws IOException {
        Path leases = Files.writeString(directory.resolve("leases.yml"), LEASES);
        host = Netns.create("host");
        host.ip("link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\n"
                + "link set eth0 up");
        daemon = new WeftDaemon(
                host,
                "underlay: {local: 10.0.16.16}\ncell:\n  state: %s\n  leases: {file: %s}\n"
                        .formatted(directory.resolve("state"), leases),
                "env",
                "PATH=" + slowNsenter() + ":" + System.getenv("PATH"));
        daemon.start();
        Await.until("the cell is ready", () -> get("/readyz").status() == 200);
    }

    /** A directory with a command {@code nsenter} that hangs, with a child, in namespaces of this name. */
    private Path slowNsenter() throws IOException {
        Path commands = Files.createDirectory(directory.resolve("commands"));
        Path nsenter = Files.writeString(
                commands.resolve("nsenter"),
                """
                #!/bin/sh
                case "$1" in
                *-hangs)
                  sleep 600 &
                  echo $$ $! >>%s
                  wait
                  ;;
                *)
                  PATH=${PATH#*:} exec nsenter "$@"
                  ;;
                esac
                """
                        .formatted(pids()));
        assertTrue(nsenter.toFile().setExecutable(true));
        return commands;
    }

    private Path pids() {
        return directory.resolve("pids");
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        apps.forEach(Netns::close);
        host.close();
    }

    private String app(String role) {
        Netns app = Netns.create(role);
        apps.add(app);
        return app.name();
    }

    private ControlClient.Answer get(String path) {
        return daemon.control().attempt("GET", path, "");
    }

    private ControlClient.Answer cell(String action, String netns) {
        return daemon.control()
                .attempt("POST", "/v1/cell", "{\"action\":\"" + action + "\",\"netns\":\"" + netns + "\"}");
    }

    private void assertAllElseWorks() {
        String other = app("app");
        long start = System.nanoTime();
        assertEquals(200, cell("attach", other).status());
        assertEquals(200, cell("detach", other).status());
        for (String path : List.of("/healthz", "/readyz", "/v1/link", "/v1/lease", "/v1/cell")) {
            assertEquals(200, get(path).status(), path);
        }
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        assertTrue(seconds < LIMIT_SECONDS, "all else took " + seconds + " s");
    }

    @Test
    void refusesAFifoAsNamespaceAtOnce() {
        Path fifo = directory.resolve("fifo");
        Command.run(List.of("mkfifo", fifo.toString()));
        ControlClient.Answer refused = cell("attach", fifo.toString());
        assertEquals(404, refused.status());
        assertTrue(
                refused.body().contains("\"network namespace " + fifo + " is not a network namespace\""),
                refused.body());
        assertAllElseWorks();
        assertEquals(List.of(), veths());
    }

    @Test
    void killsACommandThatHangsAndLetsOthersPassMeanwhile() throws IOException {
        String hanging = app("hangs");
        CompletableFuture<ControlClient.Answer> attach = CompletableFuture.supplyAsync(() -> cell("attach", hanging));
        Await.until("the command hangs", () -> Files.exists(pids()));
        assertAllElseWorks();
        assertTrue(!attach.isDone(), "it did not hang");

        ControlClient.Answer refused = attach.join();
        assertEquals(409, refused.status(), refused::toString);
        assertTrue(
                refused.body()
                        .contains("nsenter --net=/run/netns/" + hanging + " did not end within 10 s and was killed"),
                refused.body());
        for (String pid : Files.readString(pids()).strip().split("\\s+")) {
            Await.until("process " + pid + " is gone", () -> !runs(pid));
        }
        assertEquals(List.of(), veths(), "its veth pair is gone, and its address free");
        assertEquals(
                0,
                daemon.control()
                        .get("/v1/cell")
                        .getAsJsonObject()
                        .getAsJsonArray("containers")
                        .size());
    }

    /** A zombie has ended, even if its parent has not waited for it yet. */
    private static boolean runs(String pid) {
        try {
            return !Files.readString(Path.of("/proc", pid, "stat")).matches("(?s).*\\) Z .*");
        } catch (IOException e) {
            return false;
        }
    }

    private List<String> veths() {
        return host.exec("ip", "-o", "link", "show")
                .lines()
                .map(line -> line.split("[ @:]+")[1])
                .filter(name -> name.startsWith("s-"))
                .toList();
    }
}
