package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Podman on a host's namespace, with a directory, a CNI network {@code silk} and a root file system of its own. */
final class Podman implements AutoCloseable {
    private static final Path BUSYBOX = Path.of("/usr/bin/busybox");

    private final Netns host;
    private final Path directory;
    private final Thread hook = new Thread(this::removeAll);

    /** @param control the socket that the network's plugin is to use */
    Podman(Netns host, Path control) {
        this.host = host;
        try {
            directory = Files.createTempDirectory("weft-it-podman");
            Path networks = Files.createDirectory(directory.resolve("net.d"));
            Files.writeString(networks.resolve("silk.conflist"), network(control));
            Files.writeString(directory.resolve("containers.conf"), containersConf(networks));
            for (String mountPoint : List.of("bin", "dev", "etc", "proc", "run", "sys", "tmp")) {
                Files.createDirectories(directory.resolve("rootfs").resolve(mountPoint));
            }
            Files.copy(BUSYBOX, directory.resolve("rootfs/bin/busybox"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static String network(Path control) {
        return """
                {"cniVersion": "1.0.0", "name": "silk", "plugins": [
                  {"type": "weft-cni", "control": "%s"},
                  {"type": "bandwidth", "capabilities": {"bandwidth": true}},
                  {"type": "portmap", "capabilities": {"portMappings": true}}]}
                """
                .formatted(control);
    }

    private static String containersConf(Path networks) {
        return """
                [network]
                network_backend = "cni"
                cni_plugin_dirs = ["%s", "/usr/lib/cni"]
                network_config_dir = "%s"
                default_network = "silk"
                [engine]
                events_logger = "none"
                """
                .formatted(Path.of(WeftDaemon.script()).getParent(), networks);
    }

    /** Runs a command of busybox in a container; it is ended after a minute at the latest. */
    String run(List<String> options, String... command) {
        List<String> words = new ArrayList<>(List.of("run", "--network", "silk"));
        words.addAll(options);
        // Those of the runtime's defaults may be more than this process may have.
        words.addAll(List.of("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"));
        words.addAll(
                List.of("--rootfs", directory.resolve("rootfs").toString(), "busybox", "timeout", "60", "busybox"));
        words.addAll(List.of(command));
        return Command.run(podman(words));
    }

    /** In the host's network namespace and no other: {@code ip netns exec} would hide the control groups. */
    private List<String> podman(List<String> arguments) {
        List<String> words = new ArrayList<>(List.of("nsenter", "--net=/run/netns/" + host.name(), "env"));
        words.add("CONTAINERS_CONF=" + directory.resolve("containers.conf"));
        words.addAll(List.of("podman", "--storage-driver", "vfs", "--cgroup-manager=cgroupfs", "--runtime", "runc"));
        for (String place : List.of("root", "runroot", "tmpdir")) {
            words.addAll(List.of("--" + place, directory.resolve(place).toString()));
        }
        words.addAll(arguments);
        return words;
    }

    void removeAll() {
        Command.attempt("", podman(List.of("rm", "--all", "--force", "--time", "0")));
    }

    @Override
    public void close() {
        removeAll();
        Runtime.getRuntime().removeShutdownHook(hook);
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
