package org.weft.text;

import java.util.Locale;
import java.util.function.IntPredicate;

/**
 * Text of others, such as leases, names and answers of servers, without characters that a terminal or a log would act
 * upon: controls of ASCII and of ISO 8859-1, separators of lines, and formats such as those that reverse the direction of
 * text. Each is shown as an escape instead.
 */
public final class Visible {
    private static final int LAST_OF_ASCII = 0x7f;

    private Visible() {}

    /** A text that stays on one line: {@code ESC [31m} becomes {@code \x1b[31m}, a line feed {@code \x0a}. */
    public static String line(String text) {
        return escape(text, Visible::isHidden, Visible::mark);
    }

    /** A text of several lines and columns: as {@link #line}, but line feeds and tabs stay. */
    public static String lines(String text) {
        return escape(text, point -> isHidden(point) && point != '\n' && point != '\t', Visible::mark);
    }

    /**
     * JSON with the same value, in which strings have such characters as {@code \\u009b}.
     *
     * @param json whole or in pieces; its strings have no unescaped controls of ASCII, as the standard demands
     */
    public static String json(String json) {
        return escape(json, point -> point >= LAST_OF_ASCII && isHidden(point), Visible::jsonMark);
    }

    private interface Mark {
        String of(int point);
    }

    private static String escape(String text, IntPredicate hidden, Mark mark) {
        int first = 0;
        while (first < text.length() && !hidden.test(text.codePointAt(first))) {
            first += Character.charCount(text.codePointAt(first));
        }
        if (first == text.length()) {
            return text;
        }
        StringBuilder visible = new StringBuilder(text.length() + 16).append(text, 0, first);
        text.substring(first).codePoints().forEach(point -> {
            if (hidden.test(point)) {
                visible.append(mark.of(point));
            } else {
                visible.appendCodePoint(point);
            }
        });
        return visible.toString();
    }

    private static boolean isHidden(int point) {
        if (point >= ' ' && point < LAST_OF_ASCII) {
            return false;
        }
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> true;
            default -> false;
        };
    }

    private static String mark(int point) {
        return point <= LAST_OF_ASCII ? String.format(Locale.ROOT, "\\x%02x", point) : jsonMark(point);
    }

    private static String jsonMark(int point) {
        StringBuilder mark = new StringBuilder();
        for (char unit : Character.toChars(point)) {
            mark.append(String.format(Locale.ROOT, "\\u%04x", (int) unit));
        }
        return mark.toString();
    }
}
