package org.weft.it;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace with a name of its own, deleted with the processes started in it at the latest when the JVM ends. */
final class Netns implements AutoCloseable {
    private static final int CLONE_NEWNET = 0x40000000;
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Set<Netns> OPEN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(Netns::close)));
    }

    private final String name;
    private final List<Process> processes = new ArrayList<>();

    private Netns(String name) {
        this.name = name;
    }

    /** Makes a namespace with loopback up and no IPv6 on devices that do not ask for it. */
    static Netns create(String role) {
        Netns netns =
                new Netns("weft-it-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet() + "-" + role);
        Command.run(List.of("ip", "netns", "add", netns.name));
        OPEN.add(netns);
        netns.ip("link set lo up");
        netns.sysctl("net.ipv6.conf.default.disable_ipv6", "1");
        return netns;
    }

    String name() {
        return name;
    }

    /** Runs lines of {@code ip}, as {@code ip -batch} takes them. */
    void ip(String lines) {
        Command.run(lines, List.of("ip", "-n", name, "-batch", "-"));
    }

    String ipJson(String arguments) {
        return Command.run(words("ip -n " + name + " -j " + arguments));
    }

    void bridge(String lines) {
        Command.run(lines, List.of("bridge", "-n", name, "-batch", "-"));
    }

    void sysctl(String key, String value) {
        exec("sysctl", "-qw", key + "=" + value);
    }

    /** Runs a command that must succeed in the namespace; gives its output. */
    String exec(String... command) {
        return Command.run(inside(command));
    }

    Command attempt(String... command) {
        return Command.attempt("", inside(command));
    }

    /** Starts a process whose output goes to a file. */
    Process start(Path log, String... command) {
        try {
            Process process = new ProcessBuilder(inside(command))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            process.getOutputStream().close();
            process.getErrorStream().close();
            processes.add(process);
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> inside(String... command) {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", name));
        words.addAll(List.of(command));
        return words;
    }

    private static List<String> words(String line) {
        return List.of(line.trim().split("\\s+"));
    }

    boolean hasDevice(String device) {
        return Command.attempt("", words("ip -n " + name + " link show " + device))
                        .exitCode()
                == 0;
    }

    /**
     * Calls on a thread that is in this namespace; the sockets it opens stay there, whoever uses them. The thread is not
     * used for anything else.
     */
    <T> T call(Callable<T> callable) {
        FutureTask<T> task = new FutureTask<>(() -> {
            enter();
            return callable.call();
        });
        new Thread(task, name).start();
        try {
            return task.get();
        } catch (Exception e) {
            throw new AssertionError("in namespace " + name, e);
        }
    }

    private void enter() {
        NativeLibrary libc = NativeLibrary.getInstance("c");
        Function open = libc.getFunction("open");
        int fd = open.invokeInt(new Object[] {"/run/netns/" + name, 0});
        int result = libc.getFunction("setns").invokeInt(new Object[] {fd, CLONE_NEWNET});
        libc.getFunction("close").invokeInt(new Object[] {fd});
        if (result != 0) {
            throw new AssertionError("setns " + name + " failed");
        }
    }

    @Override
    public void close() {
        if (!OPEN.remove(this)) {
            return;
        }
        processes.forEach(Process::destroyForcibly);
        Command.attempt("", List.of("ip", "netns", "del", name));
    }
}
