package org.weft.control.http;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;

/** The fields of one JSON object as text; knows which were asked for, and refuses the others. */
public final class Fields {
    private final JsonObject object;
    private final Set<String> known = new LinkedHashSet<>();

    public Fields(JsonObject object) {
        this.object = object;
    }

    /** The field's value, or null if it is missing. */
    public String text(String name) {
        known.add(name);
        JsonElement value = object.get(name);
        return value == null || value.isJsonNull() ? null : text(name, value);
    }

    public String require(String name) {
        String text = text(name);
        if (text == null) {
            throw new OperatorException(Kind.USAGE, "field \"" + name + "\" is missing");
        }
        return text;
    }

    /** The field read by {@code parse}, or {@code otherwise} if it is missing. */
    public <T> T read(String name, T otherwise, Function<String, T> parse) {
        String text = text(name);
        return text == null ? otherwise : parse(name, text, parse);
    }

    public <T> T require(String name, Function<String, T> parse) {
        return parse(name, require(name), parse);
    }

    private static <T> T parse(String name, String text, Function<String, T> parse) {
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            throw new OperatorException(Kind.BAD_DATA, name + ": " + e.getMessage(), e);
        }
    }

    /** Returns the text of a field that has one of these values; refuses any other. */
    public static String oneOf(String field, String text, List<String> choices) {
        if (!choices.contains(text)) {
            throw new OperatorException(
                    Kind.USAGE,
                    field + ": \"" + text + "\" is not one of " + String.join(", ", choices)
                            + Suggestion.among(text, choices));
        }
        return text;
    }

    /** A field that is an object of single values or lists of them, these joined by spaces. */
    public Map<String, String> attributes(String name) {
        known.add(name);
        Map<String, String> attributes = new LinkedHashMap<>();
        JsonElement value = object.get(name);
        if (value == null) {
            return attributes;
        }
        if (!value.isJsonObject()) {
            throw new OperatorException(Kind.BAD_DATA, name + ": must be an object");
        }
        for (Map.Entry<String, JsonElement> entry : value.getAsJsonObject().entrySet()) {
            attributes.put(entry.getKey(), text(entry.getKey(), entry.getValue()));
        }
        return attributes;
    }

    private static String text(String name, JsonElement value) {
        if (value instanceof JsonPrimitive primitive) {
            return primitive.getAsString();
        }
        if (value.isJsonArray()) {
            List<String> items = new ArrayList<>();
            for (JsonElement item : value.getAsJsonArray()) {
                items.add(item instanceof JsonPrimitive primitive ? primitive.getAsString() : text(name, item));
            }
            return String.join(" ", items);
        }
        throw new OperatorException(Kind.BAD_DATA, name + ": must be a string, a number, true or false");
    }

    /** To be called when all known fields were asked for, before anything is changed. */
    public void refuseOthers() {
        for (String name : object.keySet()) {
            if (!known.contains(name)) {
                throw new OperatorException(
                        Kind.USAGE, "field \"" + name + "\" is unknown" + Suggestion.among(name, known));
            }
        }
    }
}
