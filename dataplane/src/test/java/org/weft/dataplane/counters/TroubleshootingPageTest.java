package org.weft.dataplane.counters;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Keeps {@code docs/troubleshooting.md} complete: operators look up there each name that
 * {@code weft drops} and the metrics show.
 */
class TroubleshootingPageTest {
    private static final Path PAGE = Path.of("..", "docs", "troubleshooting.md");

    /** The heading of an entry, and its text up to the next heading of any level. */
    private static final Pattern ENTRY =
            Pattern.compile("^#### (\\S+)\\n(.*?)(?=^#|\\z)", Pattern.MULTILINE | Pattern.DOTALL);

    private static final Pattern ACTION = Pattern.compile("^\\*\\*Do:\\*\\*", Pattern.MULTILINE);

    /** Names in the style of counters. Those of environment variables and of capabilities look alike. */
    private static final Pattern NAME = Pattern.compile("`(?!WEFT_|CAP_)([A-Z]+(?:_[A-Z]+)+)`");

    private final String page;
    private final List<Entry> entries;

    private record Entry(String reason, String meaning, String action) {}

    TroubleshootingPageTest() throws IOException {
        page = Files.readString(PAGE);
        entries = ENTRY.matcher(page)
                .results()
                .map(TroubleshootingPageTest::entry)
                .toList();
    }

    private static Entry entry(MatchResult match) {
        String[] parts = ACTION.split(match.group(2), 2);
        return new Entry(match.group(1), parts[0].strip(), parts.length < 2 ? "" : parts[1].strip());
    }

    @Test
    void explainsEachDropReasonInTheOrderOfWeftDrops() {
        assertEquals(
                Counter.drops().stream().map(Counter::name).toList(),
                entries.stream().map(Entry::reason).toList());
    }

    @Test
    void saysWhatEachDropReasonMeansAndWhatToDo() {
        List<String> incomplete = new ArrayList<>();
        for (Entry entry : entries) {
            if (entry.meaning().isEmpty() || entry.action().isEmpty()) {
                incomplete.add(entry.reason());
            }
        }
        assertEquals(List.of(), incomplete);
    }

    @Test
    void namesOnlyCountersThatExist() {
        TreeSet<String> named = new TreeSet<>();
        NAME.matcher(page).results().forEach(name -> named.add(name.group(1)));
        assertFalse(named.isEmpty());
        Stream.of(Counter.values()).map(Counter::name).forEach(named::remove);
        assertTrue(named.isEmpty(), () -> "no counters: " + named);
    }
}
