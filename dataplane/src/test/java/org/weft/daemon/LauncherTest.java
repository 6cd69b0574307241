package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** scripts/weft, with JVMs that only print how they were called. */
class LauncherTest {
    private static final Path SCRIPT = Path.of("..", "scripts", "weft");

    @TempDir
    private Path directory;

    @BeforeEach
    void copyTheScript() throws IOException {
        Files.createDirectories(directory.resolve("scripts"));
        Files.createDirectories(directory.resolve("dataplane/target"));
        Files.copy(SCRIPT, directory.resolve("scripts/weft"));
    }

    @Test
    void givesTheDaemonItsFlags() throws Exception {
        built();
        String run = weft("--control /tmp/x daemon --config weft.yml", jvm("25.0.3"));
        assertTrue(run.contains("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"), run);
        assertTrue(run.contains("--sun-misc-unsafe-memory-access=allow"), run);
        assertTrue(
                run.contains(" -Djava.library.path=" + directory + "/scripts/../dataplane/target/native/linux-"), run);
        assertTrue(run.endsWith("org.weft.daemon.Main --control /tmp/x daemon --config weft.yml\n0"), run);
    }

    /** A pipe can be read only once, and the daemon is to read it. */
    @Test
    void takesNothingFromAPipeThatIsTheConfiguration() throws Exception {
        built();
        Path jvm = jvm("17.0.15");
        Files.writeString(jvm.resolve("bin/java"), "#!/bin/sh\nfor last; do :; done\ncat \"$last\"\n");
        assertEquals("cell: {}\n0", weft("daemon --config <(echo 'cell: {}')", jvm));
    }

    @Test
    void keepsFlagsOfNewJvmsFromOldOnes() throws Exception {
        built();
        String run = weft("daemon", jvm("17.0.15"));
        assertTrue(run.contains("--add-opens") && !run.contains("sun-misc"), run);
    }

    @Test
    void startsClientsWithTheQuickCompilerOnly() throws Exception {
        built();
        String run = weft("link show daemon", jvm("17.0.15"));
        assertTrue(run.contains("-XX:TieredStopAtLevel=1") && !run.contains("--add-opens"), run);
    }

    @Test
    void startsWithoutClassDataWhereItCannotBeMade() throws Exception {
        built();
        Path jvm = jvm("17.0.15");
        assertTrue(!weft("link", jvm).contains("SharedArchiveFile"));
        assertTrue(!weft("link", jvm).contains("SharedArchiveFile"));
        try (var files = Files.list(directory.resolve("dataplane/target"))) {
            assertEquals(
                    List.of("weft-17.0.15.jsa", "weft.jar"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void refusesAJvmThatIsTooOld() throws Exception {
        built();
        Path jvm = jvm("11.0.2");
        assertEquals("weft: WEFT_JAVA=" + jvm + " is not Java 17 or later\n78", weft("link", jvm));
        assertTrue(weft("link", jvm("1.8.0_202")).endsWith("is not Java 17 or later\n78"));
    }

    @Test
    void saysWhatToDoWhenItIsNotBuilt() throws Exception {
        assertEquals(
                "weft: Weft is not built (there is no dataplane/target/weft.jar): run scripts/setup\n69",
                weft("link", jvm("17.0.15")));
    }

    @Test
    void aDaemonThatIsStartedWithoutItsFlagsSaysSo() throws Exception {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        ProcessBuilder builder = new ProcessBuilder(
                java.toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "daemon",
                "--control",
                directory.resolve("control.sock").toString());
        builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
        assertEquals(
                "weft: this JVM keeps jdk.internal.misc to itself: start Weft with scripts/weft, or add"
                        + " --add-opens java.base/jdk.internal.misc=ALL-UNNAMED to java's options\n64",
                run(builder));
    }

    private void built() throws IOException {
        Files.writeString(directory.resolve("dataplane/target/weft.jar"), "");
    }

    private Path jvm(String version) throws IOException {
        Path home = Files.createDirectories(directory.resolve("jvm-" + version));
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
        Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\necho \"$@\"\n");
        assertTrue(java.toFile().setExecutable(true));
        return home;
    }

    /** What it printed, and its exit code. */
    private String weft(String words, Path jvm) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", "scripts/weft " + words);
        builder.directory(directory.toFile());
        builder.environment().put("WEFT_JAVA", jvm.toString());
        builder.environment().remove("WEFT_JAVA_OPTS");
        return run(builder);
    }

    private static String run(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return output + process.waitFor();
    }
}
