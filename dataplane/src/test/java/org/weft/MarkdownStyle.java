package org.weft;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds violations of {@code docs/style.md} in Markdown. Code blocks are not checked. Used by one
 * thread.
 */
final class MarkdownStyle {
    static final int COLUMNS = 100;

    /** Words of rules 4 and 5. "there is no" and "is no longer" are plain English. */
    private static final List<Pattern> DIALECT = List.of(
            phrase("nobody"),
            phrase("whoever"),
            phrase("anew"),
            phrase("as of"),
            phrase("all the same"),
            phrase("cannot be had"),
            phrase("it is said"),
            phrase("be it"),
            phrase("goes on"),
            Pattern.compile("(?<!there\\s)\\bis\\s+no\\b(?!\\s+(?:longer|more)\\b)", Pattern.CASE_INSENSITIVE));

    private static final Pattern LIST_MARKER = Pattern.compile("^\\s*(?:[-*]|\\d+\\.|:)?\\s*");
    private static final Pattern LINK =
            Pattern.compile("(?:!?\\[[^]]*]\\([^)]*\\)|\\[[^]]*]:\\s*\\S+|<?https?://\\S+)[.,;:]?");

    private static final Pattern CODE_SPAN = Pattern.compile("`[^`]*`");

    private final String name;
    private final List<String> lines;
    private final boolean[] code;

    /**
     * A document.
     *
     * @param name precedes each violation
     */
    MarkdownStyle(String name, String text) {
        this.name = name;
        this.lines = Arrays.asList(text.split("\n", -1));
        this.code = code(lines);
    }

    private static Pattern phrase(String words) {
        return Pattern.compile("\\b" + words.replace(" ", "\\s+") + "\\b", Pattern.CASE_INSENSITIVE);
    }

    /** Marks the lines of fenced and indented code blocks. */
    private static boolean[] code(List<String> lines) {
        boolean[] code = new boolean[lines.size()];
        boolean fenced = false;
        for (int i = 0; i < code.length; i++) {
            boolean fence = lines.get(i).strip().startsWith("```");
            boolean afterCode = i == 0 || lines.get(i - 1).isBlank() || code[i - 1];
            code[i] = fenced || fence || lines.get(i).startsWith("    ") && afterCode;
            fenced ^= fence;
        }
        return code;
    }

    /**
     * Finds lines over {@link #COLUMNS} that are neither code, nor table rows, nor one link.
     *
     * @return a sentence for each
     */
    List<String> longLines() {
        List<String> found = new ArrayList<>();
        for (int i = 0; i < code.length; i++) {
            String line = lines.get(i);
            int columns = line.codePointCount(0, line.length());
            if (columns > COLUMNS && !code[i] && !mayBeLong(line)) {
                found.add(name + ":" + (i + 1) + ": has " + columns + " columns: wrap it at " + COLUMNS);
            }
        }
        return found;
    }

    private static boolean mayBeLong(String line) {
        String content = LIST_MARKER.matcher(line).replaceFirst("");
        return content.startsWith("|") || LINK.matcher(content.strip()).matches();
    }

    /**
     * Finds words of the dialect outside of code, also across the end of a line.
     *
     * @return a sentence for each
     */
    List<String> dialect() {
        StringBuilder prose = new StringBuilder();
        for (int i = 0; i < code.length; i++) {
            prose.append(code[i] ? "" : lines.get(i)).append('\n');
        }
        String text = CODE_SPAN.matcher(prose).replaceAll(span -> "`" + "\n".repeat(newlines(span.group())) + "`");
        List<String> found = new ArrayList<>();
        for (Pattern pattern : DIALECT) {
            Matcher matcher = pattern.matcher(text);
            while (matcher.find()) {
                int line = newlines(text.substring(0, matcher.start())) + 1;
                String words = matcher.group().replaceAll("\\s+", " ");
                found.add(name + ":" + line + ": \"" + words + "\": write it as docs/style.md says");
            }
        }
        return found;
    }

    private static int newlines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }
}
