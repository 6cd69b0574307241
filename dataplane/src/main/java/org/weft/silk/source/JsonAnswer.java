package org.weft.silk.source;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** What servers answer, read strictly, and no more of it than the heap bears. */
public final class JsonAnswer {
    private JsonAnswer() {}

    /** @throws IllegalArgumentException in half a sentence, if it is no JSON, not all of it, or too much */
    public static JsonElement element(byte[] answer) {
        BoundedJson bounded =
                new BoundedJson(new InputStreamReader(new ByteArrayInputStream(answer), StandardCharsets.UTF_8));
        try (JsonReader reader = bounded) {
            reader.setStrictness(Strictness.STRICT);
            JsonElement element = JsonParser.parseReader(reader);
            if (!element.isJsonNull() && reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalArgumentException("it is more than one JSON value");
            }
            return element;
        } catch (JsonParseException | IOException e) {
            if (bounded.isExceeded()) {
                throw new IllegalArgumentException(
                        "it has more than " + BoundedJson.MAX_TOKENS + " names and values, the most that Weft reads",
                        e);
            }
            throw new IllegalArgumentException("it is not JSON, or only the beginning of it", e);
        }
    }

    /** @throws IllegalArgumentException in half a sentence, if it is none */
    public static JsonObject object(byte[] answer) {
        JsonElement element = element(answer);
        if (!element.isJsonObject()) {
            throw new IllegalArgumentException("it is not a JSON object");
        }
        return element.getAsJsonObject();
    }

    /** A field's value as text, whatever it is; null if there is none. */
    public static String text(JsonObject object, String field) {
        JsonElement value = object.get(field);
        if (value == null || value.isJsonNull()) {
            return null;
        }
        return value.isJsonPrimitive() ? value.getAsString() : value.toString();
    }

    /** The reason that is given beside a status other than 200; null if there is none. */
    public static String error(byte[] answer) {
        try {
            return text(object(answer), "error");
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
