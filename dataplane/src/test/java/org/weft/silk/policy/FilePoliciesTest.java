package org.weft.silk.policy;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real file, which the operating system tells of. */
class FilePoliciesTest {
    private static final String ONE = "allow:\n- {tag: 1, destination: 10.255.126.3, protocol: tcp, ports: 80}\n";
    private static final String TWO = ONE + "- {tag: 2, destination: 10.255.126.3, protocol: icmp}\n";

    @TempDir
    Path directory;

    private final RecordedPolicies heard = new RecordedPolicies();
    private Path file;
    private FilePolicies source;

    @BeforeEach
    void makeSource() {
        file = directory.resolve("policies.yml");
        source = new FilePolicies(file);
    }

    @AfterEach
    void close() {
        source.close();
    }

    private void startWith(String text) throws IOException {
        Files.writeString(file, text);
        source.start(heard);
        heard.set();
    }

    @Test
    void followsTheFile() throws IOException {
        startWith(ONE);
        assertEquals("file " + file, source.name());
        assertEquals(file + ":2", heard.set().rules().get(0).origin());
        Files.writeString(directory.resolve("new"), TWO);
        Files.move(directory.resolve("new"), file, ATOMIC_MOVE);
        heard.awaitRules(2);
        Files.writeString(file, ONE);
        heard.awaitRules(1);
    }

    @Test
    void confirmsWhatStays() throws IOException {
        startWith(ONE);
        source.refresh();
        heard.awaitLast("confirmed");
        assertEquals(1, heard.changes());
    }

    @Test
    void halfWrittenFileChangesNothing() throws IOException {
        startWith(TWO);
        Files.writeString(file, TWO.substring(0, TWO.length() - 9));
        String failure = heard.failure();
        assertTrue(failure.startsWith(file + ":"), failure);
        assertTrue(failure.contains("is neither YAML nor JSON"), failure);
        Files.writeString(file, "");
        heard.awaitLast("failed");
        assertEquals(2, heard.set().rules().size());
        Files.writeString(file, TWO);
        heard.awaitLast("confirmed");
        assertEquals(1, heard.changes());
    }

    @Test
    void fileThatIsGoneChangesNothing() throws IOException {
        startWith(ONE);
        Files.delete(file);
        assertEquals(file + " does not exist", heard.failure());
        Files.writeString(file, TWO);
        heard.awaitRules(2);
    }

    @Test
    void waitsForFileThatIsNotThereYet() throws IOException {
        source.start(heard);
        assertEquals(file + " does not exist", heard.failure());
        Files.writeString(file, ONE);
        heard.awaitRules(1);
    }
}
