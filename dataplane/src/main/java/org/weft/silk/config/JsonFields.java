package org.weft.silk.config;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.weft.config.Values;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * The fields of a JSON object as a Go program reads them: what is null, empty or 0 is missing. All that is wrong is
 * gathered, each as {@code file: field: sentence}.
 */
final class JsonFields {
    private final String file;
    private final JsonObject object;
    private final List<String> problems = new ArrayList<>();

    JsonFields(String file, JsonObject object) {
        this.file = file;
        this.object = object;
    }

    void problem(String field, String sentence) {
        problems.add(file + ": " + field + ": " + sentence);
    }

    boolean none() {
        return problems.isEmpty();
    }

    void throwIfAny() {
        if (!none()) {
            throw new OperatorException(Kind.BAD_CONFIG, String.join("\n", problems));
        }
    }

    /** A text read by {@code parse}, which throws IllegalArgumentException; null if it is missing, or wrong (reported). */
    <T> T read(String field, Function<String, T> parse) {
        JsonPrimitive value = primitive(field, object.get(field), "a text in quotes");
        if (value == null) {
            return null;
        }
        if (!value.isString()) {
            problem(field, value + " is not a text in quotes");
            return null;
        }
        return value.getAsString().isEmpty() ? null : parsed(field, value.getAsString(), parse);
    }

    /** As {@link #read}, but the value must be there. */
    <T> T require(String field, Function<String, T> parse) {
        int before = problems.size();
        T value = read(field, parse);
        if (value == null && problems.size() == before) {
            problem(field, "is missing");
        }
        return value;
    }

    /** The texts of a list, or the one text that stands in its place; empty if something is wrong (reported). */
    <T> List<T> requireSome(String field, Function<String, T> parse) {
        JsonElement value = object.get(field);
        if (value == null || !value.isJsonArray()) {
            T single = require(field, parse);
            return single == null ? List.of() : List.of(single);
        }
        List<T> values = new ArrayList<>();
        for (JsonElement item : value.getAsJsonArray()) {
            T parsed = item.isJsonPrimitive() ? parsed(field, item.getAsString(), parse) : null;
            if (parsed != null) {
                values.add(parsed);
            } else if (!item.isJsonPrimitive()) {
                problem(field, "holds " + item + ", which is not a text in quotes");
            }
        }
        if (value.getAsJsonArray().isEmpty()) {
            problem(field, "is missing: the list is empty");
        }
        return values;
    }

    /** A whole number, which must be there; {@code min} if something is wrong (reported). */
    int require(String field, int min, int max) {
        int before = problems.size();
        JsonPrimitive value = primitive(field, object.get(field), "a number");
        if (value != null && !value.isNumber()) {
            problem(field, value + " is not a number");
        } else if (value != null && !value.getAsString().equals("0")) {
            Integer number = parsed(field, value.getAsString(), text -> Values.integer(text, min, max));
            return number == null ? min : number;
        } else if (problems.size() == before) {
            problem(field, "is missing");
        }
        return min;
    }

    /** Whether something is so; it is not if it is missing. */
    boolean flag(String field) {
        JsonPrimitive value = primitive(field, object.get(field), "true or false");
        if (value != null && !value.isBoolean()) {
            problem(field, value + " is not true or false");
        }
        return value != null && value.isBoolean() && value.getAsBoolean();
    }

    private JsonPrimitive primitive(String field, JsonElement value, String expected) {
        if (value == null || value.isJsonNull()) {
            return null;
        }
        if (!value.isJsonPrimitive()) {
            problem(field, "must be " + expected);
            return null;
        }
        return value.getAsJsonPrimitive();
    }

    private <T> T parsed(String field, String text, Function<String, T> parse) {
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            problem(field, e.getMessage());
            return null;
        }
    }
}
