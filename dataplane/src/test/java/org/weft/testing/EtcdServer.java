package org.weft.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A real etcd on loopback, with ports and a directory of its own; it ends with the test, or with the JVM. */
public final class EtcdServer implements AutoCloseable {
    private static final long LIMIT_NANOS = 20_000_000_000L;
    private static final Set<EtcdServer> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(EtcdServer::kill)));
    }

    private final String name;
    private final int port;
    private final int peerPort;
    private final Path directory;
    private final String scheme;
    private final List<String> options;
    private String members;
    private Process process;

    private EtcdServer(Path parent, String name, String scheme, List<String> options) {
        this.name = name;
        this.scheme = scheme;
        this.options = options;
        this.directory = parent.resolve(name);
        int[] ports = freePorts();
        this.port = ports[0];
        this.peerPort = ports[1];
        this.members = member();
    }

    /** One server that answers. */
    public static EtcdServer start(Path parent) {
        return start(parent, "http");
    }

    /** One server with further options that answers, over TLS if the scheme is https. */
    public static EtcdServer start(Path parent, String scheme, String... options) {
        EtcdServer server = new EtcdServer(parent, "etcd", scheme, List.of(options));
        server.start();
        server.awaitListening();
        return server;
    }

    /** The members of one cluster. */
    public static List<EtcdServer> startCluster(Path parent, int size) {
        List<EtcdServer> servers = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            servers.add(new EtcdServer(parent, "member" + i, "http", List.of()));
        }
        String all = String.join(",", servers.stream().map(EtcdServer::member).toList());
        for (EtcdServer server : servers) {
            server.members = all;
            server.start();
        }
        servers.forEach(EtcdServer::awaitListening);
        return servers;
    }

    private String member() {
        return name + "=" + peerUrl();
    }

    private String peerUrl() {
        return "http://127.0.0.1:" + peerPort;
    }

    /** Where clients find it. */
    public URI url() {
        return URI.create(scheme + "://127.0.0.1:" + port);
    }

    /** The process, for what the system says of it; not before it was started. */
    public long pid() {
        return process.pid();
    }

    /** Starts it, at first or again, on the data it had. */
    public void start() {
        List<String> command = new ArrayList<>(List.of("etcd", "--name", name, "--data-dir", directory.toString()));
        command.addAll(List.of("--listen-client-urls", url().toString(), "--advertise-client-urls", url().toString()));
        command.addAll(List.of("--listen-peer-urls", peerUrl(), "--initial-advertise-peer-urls", peerUrl()));
        command.addAll(List.of("--initial-cluster", members, "--heartbeat-interval", "50"));
        command.addAll(List.of("--election-timeout", "300", "--logger", "zap"));
        command.addAll(options);
        Path log = directory.resolveSibling(name + ".log");
        try {
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        RUNNING.add(this);
    }

    /** A member listens for clients when it has joined its cluster. */
    public void awaitListening() {
        long end = System.nanoTime() + LIMIT_NANOS;
        while (!isListening()) {
            if (System.nanoTime() - end > 0 || !process.isAlive()) {
                throw new AssertionError("etcd does not come up: " + log());
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    private boolean isListening() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private String log() {
        try {
            return Files.readString(directory.resolveSibling(name + ".log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Ends it without giving it time for anything, as a power failure does. */
    public void kill() {
        process.destroyForcibly().onExit().join();
        RUNNING.remove(this);
    }

    /** It no longer runs, but its connections stay. */
    public void pause() {
        Commands.run("kill -STOP " + process.pid());
    }

    public void resume() {
        Commands.run("kill -CONT " + process.pid());
    }

    /** Deletes its data; only while it does not run. */
    public void wipe() {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted((one, other) -> other.compareTo(one))
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs etcdctl with words without quotes; gives what it printed. */
    public String control(String words) {
        return Commands.run("env ETCDCTL_API=3 etcdctl --endpoints=" + url() + " " + words);
    }

    @Override
    public void close() {
        kill();
    }

    private static int[] freePorts() {
        try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new int[] {one.getLocalPort(), other.getLocalPort()};
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
