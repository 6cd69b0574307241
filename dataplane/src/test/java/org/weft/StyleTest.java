package org.weft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The rules of {@code docs/style.md} that a machine can check, in the project's documents. */
class StyleTest {
    private static final String RULES = "docs/style.md";

    @Test
    void documentsFitHundredColumns() throws IOException {
        assertEquals("", violations(documents(), MarkdownStyle::longLines));
    }

    /** The rules quote the words that they replace. */
    @Test
    void documentsAreInPlainWords() throws IOException {
        List<Path> documents = documents();
        assertTrue(documents.remove(root().resolve(RULES)), RULES + " is not among the documents");
        assertEquals("", violations(documents, MarkdownStyle::dialect));
    }

    @Test
    void findsLineThatIsTooLong() {
        assertEquals(
                List.of("page.md:2: has 101 columns: wrap it at 100"),
                page("x".repeat(100) + "\n" + "µ".repeat(101)).longLines());
    }

    @Test
    void leavesCodeTablesAndLinksLong() {
        String text = "word ".repeat(30);
        String page = String.join(
                "\n",
                "```",
                text,
                "```",
                "",
                "    " + text,
                "",
                "| " + text + " |",
                "- [" + text + "](page.md)",
                "https://example.org/" + "x".repeat(100));
        assertEquals(List.of(), page(page).longLines());
    }

    @Test
    void checksTextAfterCode() {
        assertEquals(
                1, page("```\ncode\n```\n" + "word ".repeat(30)).longLines().size());
        assertEquals(1, page("- item\n    " + "word ".repeat(30)).longLines().size());
    }

    @Test
    void findsDialect() {
        for (String words : List.of(
                "nobody is told",
                "Whoever writes",
                "asked anew",
                "as of 6.17",
                "passes all the same",
                "cannot be had",
                "It is said how",
                "be it a cell",
                "the search goes on",
                "it is no device")) {
            assertEquals(1, page("First.\n" + words).dialect().size(), words);
        }
        assertEquals(
                List.of("page.md:2: \"is no\": write it as docs/style.md says"),
                page("First.\nA TAP device is\nno port.").dialect());
    }

    @Test
    void leavesPlainWordsAndCode() {
        String page = "It is no longer there.\nThere is no Java.\n`as of`\n```\nnobody\n```\n";
        assertEquals(List.of(), page(page).dialect());
    }

    private static MarkdownStyle page(String text) {
        return new MarkdownStyle("page.md", text);
    }

    private static String violations(List<Path> documents, Function<MarkdownStyle, List<String>> check)
            throws IOException {
        List<String> found = new ArrayList<>();
        for (Path document : documents) {
            String name = root().relativize(document).toString();
            found.addAll(check.apply(new MarkdownStyle(name, Files.readString(document))));
        }
        return String.join("\n", found);
    }

    private static List<Path> documents() throws IOException {
        Path root = root();
        List<Path> documents = new ArrayList<>();
        for (String name : List.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md")) {
            documents.add(root.resolve(name));
        }
        try (Stream<Path> files = Files.walk(root.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(documents::add);
        }
        return documents;
    }

    /** The root of the repository, from whatever module the test runs in. */
    private static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve(RULES))) {
            directory = directory.getParent();
            assertTrue(directory != null, "no " + RULES + " above the working directory");
        }
        return directory;
    }
}
