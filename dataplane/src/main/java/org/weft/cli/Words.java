package org.weft.cli;

import com.google.gson.JsonObject;
import java.util.Collection;
import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;

/** The words of a command behind its verb, read from left to right; its errors name the word they are about. */
final class Words {
    private final String context;
    private final List<String> words;
    private int position;

    /**
     * @param context object and verb, which errors begin with
     * @param position of the first word to read
     */
    Words(String context, List<String> words, int position) {
        this.context = context;
        this.words = words;
        this.position = position;
    }

    /**
     * The one candidate that the word is, or abbreviates.
     *
     * @param context object and verb, which errors begin with
     * @param what the name of a candidate, for errors
     * @throws OperatorException if there is none, or several
     */
    static String complete(String context, String what, String word, List<String> candidates) {
        if (candidates.contains(word)) {
            return word;
        }
        List<String> possible =
                candidates.stream().filter(each -> each.startsWith(word)).toList();
        if (possible.size() == 1) {
            return possible.get(0);
        }
        if (possible.size() > 1 && !word.isEmpty()) {
            throw new OperatorException(
                    Kind.USAGE, context + ": \"" + word + "\" could be " + String.join(" or ", possible));
        }
        String near = Suggestion.ofWord(word, candidates);
        throw new OperatorException(
                Kind.USAGE,
                context + ": unknown " + what + " \"" + word + "\""
                        + (near.isEmpty() ? " (there are " + String.join(", ", candidates) + ")" : near));
    }

    boolean more() {
        return position < words.size();
    }

    String next() {
        return words.get(position++);
    }

    /** The word just read. */
    String current() {
        return words.get(position - 1);
    }

    /** The value behind a keyword that was just read. */
    String value(String what) {
        if (!more()) {
            throw error("\"" + current() + "\" wants " + what + " after it");
        }
        return next();
    }

    /** A device name as the kernel takes it (dev_valid_name). */
    String device() {
        String name = value("a device name");
        if (!isDeviceName(name)) {
            throw error("\"" + name + "\" is not a device name: 1 to 15 characters without / : and blanks");
        }
        return name;
    }

    private static boolean isDeviceName(String name) {
        boolean good = !name.isEmpty() && name.length() <= 15 && !name.equals(".") && !name.equals("..");
        for (int i = 0; good && i < name.length(); i++) {
            char c = name.charAt(i);
            good = c != '/' && c != ':' && !Character.isWhitespace(c);
        }
        return good;
    }

    String mac() {
        return mac(value("a MAC address"));
    }

    String mac(String text) {
        try {
            return MacAddress.toString(MacAddress.parse(text));
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
    }

    String ip() {
        return ip(value("an IP address"));
    }

    String ip(String text) {
        try {
            return IpAddress.parse(text).toString();
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
    }

    String prefix(String text) {
        try {
            return IpPrefix.parse(text).toString();
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
    }

    int number(int min, int max) {
        String keyword = current();
        return number(keyword, value("a number"), min, max);
    }

    /** A decimal or 0x-hexadecimal number. */
    int number(String keyword, String text, int min, int max) {
        int number = -1;
        try {
            number = Integer.decode(text.matches("0\\d+") ? text.replaceFirst("^0+(?=.)", "") : text);
        } catch (NumberFormatException e) {
            throw notInRange(keyword, text, min, max);
        }
        if (number < min || number > max) {
            throw notInRange(keyword, text, min, max);
        }
        return number;
    }

    private OperatorException notInRange(String keyword, String text, int min, int max) {
        return error("\"" + keyword + "\" is a number from " + min + " to " + max + ", not \"" + text + "\"");
    }

    OperatorException error(String sentence) {
        return new OperatorException(Kind.USAGE, context + ": " + sentence);
    }

    OperatorException unknown(String word, Collection<String> keywords) {
        return error("unknown word \"" + word + "\"" + Suggestion.ofWord(word, keywords));
    }

    void put(JsonObject body, String field, String value) {
        once(body, field);
        body.addProperty(field, value);
    }

    void put(JsonObject body, String field, int value) {
        once(body, field);
        body.addProperty(field, value);
    }

    void put(JsonObject body, String field, boolean value) {
        once(body, field);
        body.addProperty(field, value);
    }

    private void once(JsonObject body, String field) {
        if (body.has(field)) {
            throw error("\"" + field + "\" is given twice");
        }
    }

    void require(JsonObject body, String field, String sentence) {
        if (!body.has(field)) {
            throw error(sentence);
        }
    }
}
