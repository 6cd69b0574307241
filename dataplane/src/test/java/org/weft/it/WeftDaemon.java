package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** A {@code weft daemon} in a namespace; it can be stopped, killed and started again with the same command. */
final class WeftDaemon implements AutoCloseable {
    /** Long enough for a JVM to start beside other work; {@link LifecycleIT} measures the usual time. */
    private static final Duration START = Duration.ofSeconds(20);

    private static final Duration STOP = Duration.ofSeconds(10);

    static {
        // The first start behind a build makes the class-data archive, which takes long beside other work.
        Command.run(List.of(script(), "--version"));
    }

    private final Netns host;
    private final Path directory;
    private final String[] command;
    private Process process;

    /**
     * @param config YAML, or null for a daemon that begins with nothing
     * @param prefix command that starts the daemon in its place, such as setpriv with options
     */
    WeftDaemon(Netns host, String config, String... prefix) {
        this(Path.of(System.getProperty("java.io.tmpdir")), host, config, prefix);
    }

    /**
     * @param parent where the control socket, the configuration and the log get a directory of
     *     their own
     */
    WeftDaemon(Path parent, Netns host, String config, String... prefix) {
        this.host = host;
        try {
            directory = Files.createTempDirectory(parent, "weft-it");
            List<String> words = new ArrayList<>(List.of(prefix));
            words.addAll(List.of(script(), "daemon", "--control", socket().toString()));
            if (config != null) {
                Path file = Files.writeString(directory.resolve("weft.yml"), config);
                words.addAll(List.of("--config", file.toString()));
            }
            command = words.toArray(String[]::new);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The launcher in this source tree. */
    static String script() {
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            Path script = up.resolve("scripts").resolve("weft");
            if (Files.isExecutable(script)) {
                return script.toString();
            }
        }
        throw new AssertionError("scripts/weft is not there");
    }

    Path directory() {
        return directory;
    }

    Path socket() {
        return directory.resolve("control.sock");
    }

    ControlClient control() {
        return new ControlClient(socket());
    }

    /** Starts it and waits until it answers. */
    WeftDaemon start() {
        launch();
        Await.until("weft daemon answers", START, () -> {
            if (!process.isAlive()) {
                throw new AssertionError("weft daemon ended with " + process.exitValue() + ":\n" + log());
            }
            return control().answers();
        });
        return this;
    }

    /** Starts it without waiting for anything. */
    void launch() {
        process = host.start(directory.resolve("log"), command);
    }

    /** Waits for it to end by itself; gives its exit code. */
    int exitCode() {
        try {
            if (!process.waitFor(START.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("weft daemon does not end:\n" + log());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** SIGTERM; gives the exit code. */
    int terminate() {
        return terminate(STOP);
    }

    /** SIGTERM, which may take so long. */
    int terminate(Duration limit) {
        process.destroy();
        if (!Await.holds(limit, () -> !process.isAlive())) {
            throw new AssertionError("weft daemon does not end after SIGTERM:\n" + logWithThreads());
        }
        return process.exitValue();
    }

    /** The log, at its end what each thread does: the JVM prints that when it is sent SIGQUIT. */
    private String logWithThreads() {
        Command.run(List.of("kill", "-QUIT", Long.toString(pid())));
        Await.holds(Duration.ofSeconds(5), () -> log().contains("VM Thread"));
        return log();
    }

    long pid() {
        return process.pid();
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        Await.until("weft daemon ends after SIGKILL", STOP, () -> !process.isAlive());
    }

    /** Sends a signal that ends it, and waits for that. */
    void crash(String signal) {
        Command.run(List.of("kill", "-" + signal, Long.toString(pid())));
        Await.until("weft daemon ends after SIG" + signal, STOP, () -> !process.isAlive());
    }

    /** What it counts of a VTEP, drops by reason among it. */
    Map<String, Long> counters(String vtep) {
        Map<String, Long> counters = new TreeMap<>();
        control()
                .get("/v1/link?dev=" + vtep)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("weft")
                .getAsJsonObject("counters")
                .entrySet()
                .forEach(entry -> counters.put(entry.getKey(), entry.getValue().getAsLong()));
        counters.putAll(drops(vtep));
        return counters;
    }

    /** Drops of a VTEP by reason, in both directions. */
    Map<String, Long> drops(String vtep) {
        Map<String, Long> drops = new TreeMap<>();
        List.of("rx", "tx")
                .forEach(direction -> drops.putAll(WeftEndpoint.drops(this, "/v1/drops?dev=" + vtep, direction)));
        return drops;
    }

    /** Runs a client command against it. */
    Command client(String... arguments) {
        return host.attempt(clientCommand(arguments));
    }

    /** Starts a client command that goes on by itself; what it says is in client.log. */
    Process startClient(String... arguments) {
        return host.start(directory.resolve("client.log"), clientCommand(arguments));
    }

    private String[] clientCommand(String... arguments) {
        List<String> words = new ArrayList<>(List.of("env", "WEFT_CONTROL=" + socket(), script()));
        words.addAll(List.of(arguments));
        return words.toArray(String[]::new);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    String log() {
        try {
            return Files.readString(directory.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (process != null && process.isAlive()) {
            terminate();
        }
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
