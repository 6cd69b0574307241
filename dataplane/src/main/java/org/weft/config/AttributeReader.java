package org.weft.config;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.weft.operator.Suggestion;

/** Reads named attributes one by one, goes on after a bad one, and knows in the end which were never asked for. */
final class AttributeReader {
    /** Hears of what is wrong with an attribute; the sentence does not name it. */
    @FunctionalInterface
    public interface Problems {
        void report(String attribute, String sentence);
    }

    private final Map<String, String> attributes;
    private final Problems problems;
    private final Set<String> known = new LinkedHashSet<>();
    private boolean failed;

    AttributeReader(Map<String, String> attributes, Problems problems) {
        this.attributes = attributes;
        this.problems = problems;
    }

    /** The value, or {@code otherwise} if the attribute is not given or is bad. Further names are aliases. */
    <T> T read(T otherwise, Function<String, T> parse, String... names) {
        known.addAll(Arrays.asList(names));
        T value = otherwise;
        String given = null;
        for (String name : names) {
            if (!attributes.containsKey(name)) {
                continue;
            }
            if (given != null) {
                problem(name, "is the same as " + given + ", which is given too: leave one out");
            }
            given = name;
            value = parse(name, otherwise, parse);
        }
        return value;
    }

    private <T> T parse(String name, T otherwise, Function<String, T> parse) {
        try {
            return parse.apply(attributes.get(name));
        } catch (IllegalArgumentException e) {
            problem(name, e.getMessage());
            return otherwise;
        }
    }

    int integer(String name, int otherwise, int min, int max) {
        return read(otherwise, text -> Values.integer(text, min, max), name);
    }

    boolean bool(String name, boolean otherwise) {
        return read(otherwise, Values::bool, name);
    }

    boolean has(String... names) {
        return Arrays.stream(names).anyMatch(attributes::containsKey);
    }

    void problem(String attribute, String sentence) {
        failed = true;
        problems.report(attribute, sentence);
    }

    void refuseUnknown() {
        for (String name : attributes.keySet()) {
            if (!known.contains(name)) {
                problem(name, "is unknown" + Suggestion.among(name, known));
            }
        }
    }

    boolean failed() {
        return failed;
    }
}
