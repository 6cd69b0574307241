package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.cli.CommandLineRun;
import org.weft.cli.LinkGrammar;
import org.weft.cli.StubDaemon;

class MainTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
fbd              | 64 | weft: unknown object "fbd" (did you mean fdb?); try 'weft --help'
d                | 64 | weft: 'd' is not unique: it matches 'drops', 'drain', 'daemon'; try 'weft --help'
-x               | 64 | weft: unknown option "-x"; try 'weft --help'
link -x          | 64 | weft: Unknown option: '-x'; try 'weft link --help'
fdb add ee:ee    | 64 | weft: fdb add: "ee:ee" is not a MAC address such as ee:ee:0a:ff:63:00
-batch /nowhere  | 66 | weft: cannot read batch file "/nowhere": no such file
capture -c 0     | 64 | weft: capture: "-c" is a number from 1 to 2147483647, not "0"
capture --point x| 64 | weft: capture: unknown point "x" (there are tap, wire)
capture eth0     | 64 | weft: capture: unknown word "eth0"
""")
    void exitsWithOneSentence(String line, int exitCode, String sentence) {
        CommandLineRun run = CommandLineRun.of(line);
        assertEquals(sentence, run.err().strip());
        assertEquals(exitCode, run.exitCode());
        assertEquals("", run.out());
    }

    @Test
    void saysWhichDropReasonsThereAre() {
        CommandLineRun run = CommandLineRun.of("capture --reason VXLAN_NO_REMOT");
        assertTrue(
                run.err().startsWith("weft: capture: \"VXLAN_NO_REMOT\" is not a drop reason (did you mean VXLAN_NO_"),
                run.err());
        assertEquals(64, run.exitCode());
    }

    @Test
    void saysHowToStartADaemonWhenNoneAnswers() {
        Path socket = directory.resolve("control.sock");
        CommandLineRun run = CommandLineRun.of("link show --control " + socket);
        assertEquals(
                "weft: no weft daemon answers on " + socket + ": start one with 'weft daemon', or name its socket with"
                        + " --control or WEFT_CONTROL",
                run.err().strip());
        assertEquals(69, run.exitCode());
    }

    @Test
    void saysSoWhenTheSocketIsStale() throws IOException {
        StubDaemon daemon = new StubDaemon(directory, request -> new byte[0]);
        daemon.close();
        assertTrue(Files.exists(daemon.socket()));
        assertEquals(69, CommandLineRun.against(daemon, "link").exitCode());
    }

    @Test
    void showsUsageWithoutWords() {
        CommandLineRun run = CommandLineRun.of("");
        assertTrue(run.err().startsWith("Usage: weft "), run.err());
        assertEquals(64, run.exitCode());
    }

    @ParameterizedTest
    @ValueSource(strings = {"link", "fdb", "neigh", "tag", "policy", "drops", "capture", "daemon"})
    void helpsWithExamplesForEachObject(String object) {
        CommandLineRun run = CommandLineRun.of(object + " --help");
        assertTrue(run.out().startsWith("Usage: weft "), run.out());
        assertTrue(run.out().contains("Examples:\n  "), run.out());
        assertEquals(0, run.exitCode());
    }

    @Test
    void helpDescribesEveryObject() {
        String help = CommandLineRun.of("--help").out();
        String objects = help.substring(help.indexOf("Objects:\n") + 9, help.indexOf("Objects and commands"));
        String[] entries = objects.split("\\n(?=  \\S)");
        assertTrue(entries.length > 12, objects);
        for (String entry : entries) {
            assertTrue(entry.matches("(?s)  \\S[\\S, ]*\\s{2,}[A-Z].*"), entry);
        }
    }

    @Test
    void helpNamesEveryWordThatALinkTakes() {
        String help = CommandLineRun.of("link --help").out();
        List<String> missing = LinkGrammar.KEYWORDS.stream()
                .filter(word -> !help.contains(word) && !help.contains(word.replaceFirst("^no", "[no]")))
                .toList();
        assertEquals(List.of(), missing);
    }

    @Test
    void helpsInTheWaysOfIp() {
        assertEquals(
                CommandLineRun.of("fdb --help").out(),
                CommandLineRun.of("fdb help").out());
        assertEquals(
                CommandLineRun.of("help").out(), CommandLineRun.of("--help").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-V", "-Version", "--version"})
    void tellsItsVersion(String option) {
        CommandLineRun run = CommandLineRun.of(option);
        assertTrue(run.out().matches("weft \\S.*, Java \\S+\n"), run.out());
        assertEquals(0, run.exitCode());
    }

    @Test
    void generatesACompletionScriptThatBashTakes() throws IOException, InterruptedException {
        CommandLineRun run = CommandLineRun.of("generate-completion");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("lladdr") && run.out().contains("VXLAN_NO_REMOTE"));
        Path script = Files.writeString(directory.resolve("completion"), run.out());
        Process bash = new ProcessBuilder(List.of("bash", "-n", script.toString()))
                .inheritIO()
                .start();
        assertEquals(0, bash.waitFor());
    }

    @Test
    void aDaemonThatCannotStartSaysWhy() {
        Path missing = directory.resolve("weft.yml");
        CommandLineRun run = CommandLineRun.of("daemon --config " + missing + " --control " + directory + "/c.sock");
        assertEquals(
                "weft: configuration file " + missing + " does not exist",
                run.err().strip());
        assertEquals(66, run.exitCode());
    }
}
