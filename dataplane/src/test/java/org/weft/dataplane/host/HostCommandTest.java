package org.weft.dataplane.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.host.HostCommand.Answer;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;

class HostCommandTest {
    @Test
    void namesThePackageOfACommandThatIsMissing() {
        var e = assertThrows(
                OperatorException.class, () -> HostCommand.run("", List.of("weft-no-such-command"), "nftables"));
        assertEquals(Kind.UNAVAILABLE, e.kind());
        assertTrue(
                e.getMessage().startsWith("the command weft-no-such-command does not run: install nftables"),
                e.getMessage());
    }

    @Test
    void doesNotAdviseToInstallACommandThatIsThereButMayNotBeRun(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("ip"), "#!/bin/sh");
        var e = assertThrows(OperatorException.class, () -> HostCommand.run("", List.of(file.toString()), "iproute2"));
        assertEquals("the command " + file + " does not run: permission denied: let this user run it", e.getMessage());
    }

    /** A child JVM, because this one must keep its descriptors. */
    @Test
    void saysThatDescriptorsAreUsedUpInsteadOfAdvisingToInstallACommand() {
        String java = ProcessHandle.current().info().command().orElseThrow();
        Answer answer = HostCommand.run(
                "",
                List.of(
                        "prlimit",
                        "--nofile=200",
                        java,
                        "-XX:-MaxFDLimit",
                        "-cp",
                        System.getProperty("java.class.path"),
                        WithoutDescriptors.class.getName()),
                "util-linux",
                Duration.ofSeconds(60));
        assertEquals(
                "the command true does not run: this process has no file descriptor left: raise LimitNOFILE, or close"
                        + " connections to this daemon\n",
                answer.output(),
                answer::errors);
    }

    /** Uses up its descriptors, then runs a command and prints why that fails. */
    static final class WithoutDescriptors {
        private WithoutDescriptors() {}

        public static void main(String[] arguments) throws IOException {
            List<String> command = List.of("true");
            loadClasses(command);
            List<FileInputStream> open = new ArrayList<>();
            try {
                while (true) {
                    open.add(new FileInputStream("/dev/null"));
                }
            } catch (IOException e) {
                try {
                    HostCommand.run("", command, "coreutils");
                } catch (OperatorException refused) {
                    open.remove(0).close();
                    System.out.println(refused.getMessage());
                }
            }
        }

        private static void loadClasses(List<String> command) {
            HostCommand.run("", command, "coreutils");
            try {
                HostCommand.run("", List.of("weft-no-such-command"), "coreutils");
            } catch (OperatorException e) {
                // As it must.
            }
        }
    }

    @Test
    void killsACommandAndItsDescendantsAtTheTimeLimit(@TempDir Path directory) throws IOException {
        Path pids = directory.resolve("pids");
        String script = "sleep 600 & echo $! >" + pids + "; echo $$ >>" + pids + "; echo said; sleep 601";
        long start = System.nanoTime();
        var e = assertThrows(
                OperatorException.class,
                () -> HostCommand.run("", List.of("sh", "-c", script), "dash", Duration.ofSeconds(1)));
        assertEquals(Kind.UNAVAILABLE, e.kind());
        assertTrue(
                e.getMessage().startsWith("sh -c did not end within 1 s and was killed, at \"sh -c "), e.getMessage());
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(30));
        List<String> started = Files.readAllLines(pids);
        assertEquals(2, started.size());
        Await.until("all processes are gone", () -> started.stream().noneMatch(HostCommandTest::runs));
        Await.until("no thread reads of it", () -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("weft-sh")));
    }

    private static boolean runs(String pid) {
        return ProcessHandle.of(Long.parseLong(pid))
                .filter(ProcessHandle::isAlive)
                .isPresent();
    }

    /** As {@code ip netns} does: it waits in open() for somebody to write. */
    @Test
    void killsACommandThatWaitsInOpen(@TempDir Path directory) {
        Path fifo = directory.resolve("fifo");
        assertTrue(HostCommand.run("", List.of("mkfifo", fifo.toString()), "coreutils")
                .succeeded());
        var e = assertThrows(
                OperatorException.class,
                () -> HostCommand.run("", List.of("cat", fifo.toString()), "coreutils", Duration.ofSeconds(1)));
        assertTrue(e.getMessage().startsWith("cat " + fifo + " did not end within 1 s"), e.getMessage());
    }

    @Test
    void killsACommandThatDoesNotReadItsInput() {
        String input = "line\n".repeat(100_000);
        var e = assertThrows(
                OperatorException.class,
                () -> HostCommand.run(input, List.of("sleep", "600"), "coreutils", Duration.ofSeconds(1)));
        assertTrue(e.getMessage().contains("was killed, at \"line\""), e.getMessage());
    }

    @Test
    void doesNotWaitForAProcessThatOutlivesTheCommandAndHoldsItsOutput() {
        long begin = System.nanoTime();
        try {
            HostCommand.run("", List.of("sh", "-c", "sleep 60 & sleep 0.2"), "dash", Duration.ofSeconds(1));
        } catch (OperatorException atTheLimit) {
            assertTrue(atTheLimit.getMessage().contains("did not end within 1 s"), atTheLimit.getMessage());
        }
        // Where nothing has begun to read when the command ends, the JDK takes what is there for all the output.
        assertTrue(System.nanoTime() - begin < Duration.ofSeconds(30).toNanos());
    }

    @Test
    void leavesNoDescriptorsBehind() {
        HostCommand.run("", List.of("true"), "coreutils");
        int before = OpenFiles.now().size();
        for (int i = 0; i < 20; i++) {
            HostCommand.run("", List.of("true"), "coreutils");
            assertThrows(
                    OperatorException.class,
                    () -> HostCommand.run("", List.of("sleep", "600"), "coreutils", Duration.ofMillis(20)));
        }
        Await.until("all are closed", () -> OpenFiles.now().size() <= before + 3);
    }

    @Test
    void takesInMoreThanAPipeHolds() {
        String input = "line\n".repeat(100_000);
        Answer answer = HostCommand.run(input, List.of("tee", "/dev/stderr"), "coreutils");
        assertTrue(answer.succeeded());
        assertEquals(input, answer.output());
        assertEquals(input, answer.errors());
    }

    @Test
    void tellsWhyItFailed() {
        Answer answer = HostCommand.run("echo; echo so it is >&2; exit 3", List.of("sh"), "dash");
        assertFalse(answer.succeeded());
        assertEquals("so it is", answer.reason());
    }
}
