package org.weft.control.http;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Reads JSON by the letter (RFC 8259): none of the liberties that gson takes by default. */
public final class StrictJson {
    private static final String ADVICE = "Use JsonReader.setStrictness(Strictness.LENIENT) to accept ";

    private StrictJson() {}

    /**
     * Reads one object and nothing behind it.
     *
     * @param text without white space around it
     * @param what is read, for the sentence if it is no object
     */
    public static JsonObject object(String text, String what) {
        try (JsonReader reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            JsonElement element = JsonParser.parseReader(reader);
            if (element.isJsonObject() && text.charAt(text.length() - 1) == '}') {
                reader.peek();
                return element.getAsJsonObject();
            }
            throw notAnObject(what, "");
        } catch (JsonParseException | IOException | StackOverflowError e) {
            throw notAnObject(what, reason(e));
        }
    }

    /** Gson's words without its own line number, which is always 1 in a line, without its advice and its link. */
    private static String reason(Throwable e) {
        String message = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
        return message == null
                ? ""
                : " ("
                        + message.lines()
                                .findFirst()
                                .orElse("")
                                .replace(" at line 1 ", " at ")
                                .replace(ADVICE, "")
                        + ")";
    }

    private static OperatorException notAnObject(String what, String reason) {
        return new OperatorException(Kind.BAD_DATA, what + " is not one JSON object" + reason);
    }
}
