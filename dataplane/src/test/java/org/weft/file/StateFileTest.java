package org.weft.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.file.StateFile.Loaded;
import org.weft.testing.Damage;
import org.weft.testing.LogLines;

class StateFileTest {
    private static final String CONTENTS = "{\"secret\": [1, 2]}\n";

    @TempDir
    Path directory;

    private Path path;
    private StateFile file;

    @BeforeEach
    void open() {
        path = directory.resolve("state.json");
        file = new StateFile(path);
    }

    private Loaded<JsonElement> load() {
        return file.load(
                reader -> JsonParser.parseReader(reader)
                        .getAsJsonObject()
                        .get("secret")
                        .getAsJsonArray(),
                "so");
    }

    private List<Path> aside() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(each -> each.getFileName().toString().startsWith("state.json.damaged-"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void findsNothingBeforeItIsWrittenAndThenWhatWasWritten() throws IOException {
        assertEquals(new Loaded<>(null, false), load());
        file.write(CONTENTS);
        assertEquals("[1,2]", load().value().toString());
        assertEquals(List.of(), aside());
    }

    @ParameterizedTest
    @EnumSource
    void putsDamageAsideAndSaysSoInOneSentenceWithoutItsContents(Damage damage) throws IOException {
        file.write(CONTENTS);
        damage.to(path);
        try (LogLines log = LogLines.of(StateFile.class)) {
            assertEquals(new Loaded<>(null, true), load());
            assertEquals(1, log.lines().size(), log.lines()::toString);
            String sentence = log.lines().get(0);
            assertTrue(
                    sentence.matches("\\Q" + path + "\\E is damaged \\(it [A-Za-z0-9 :-]+\\) and was put aside as "
                            + aside().get(0).getFileName() + ": so"),
                    sentence);
            assertFalse(sentence.contains("secret"), sentence);
        }
        assertFalse(Files.exists(path));
        file.write(CONTENTS);
        assertFalse(load().damaged());
    }

    @Test
    void refusesAFileThatIsTooLargeBeforeItReadsIt() throws IOException {
        try (RandomAccessFile large = new RandomAccessFile(path.toFile(), "rw")) {
            large.setLength(1L << 40);
        }
        assertTrue(load().damaged());
        assertEquals(1, aside().size());
    }

    @Test
    void keepsTheNewestFiveDamagedFiles() throws IOException {
        Path other = Files.createFile(directory.resolve("state.json.damaged"));
        for (int i = 0; i < 8; i++) {
            Files.writeString(path, "damage " + i);
            load();
        }
        List<Path> aside = aside();
        assertEquals(5, aside.size());
        assertEquals("damage 7", Files.readString(aside.get(4)));
        assertTrue(Files.exists(other));
    }
}
