package org.weft.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;

/** Prints entries of the control API's lists, one after the other, as iproute2 prints them. */
interface Printer {
    void print(JsonObject entry, PrintStream out);

    /** Prints what could not be printed before the last entry was known. */
    default void finish(PrintStream out) {}

    /** A field as text; null if it is absent or null. */
    static String text(JsonObject json, String field) {
        JsonElement value = json.get(field);
        return value == null || value.isJsonNull() ? null : value.getAsString();
    }

    static long number(JsonObject json, String field) {
        JsonElement value = json.get(field);
        return value == null || value.isJsonNull() ? 0 : value.getAsLong();
    }

    static boolean flag(JsonObject json, String field) {
        JsonElement value = json.get(field);
        return value != null && value.isJsonPrimitive() && value.getAsBoolean();
    }

    /** An object within; empty if it is absent. */
    static JsonObject object(JsonObject json, String field) {
        JsonElement value = json.get(field);
        return value != null && value.isJsonObject() ? value.getAsJsonObject() : new JsonObject();
    }

    /** Elements of an array joined; empty if it is absent. */
    static String joined(JsonObject json, String field, String separator) {
        JsonElement value = json.get(field);
        StringBuilder text = new StringBuilder();
        if (value != null && value.isJsonArray()) {
            for (JsonElement element : value.getAsJsonArray()) {
                text.append(text.isEmpty() ? "" : separator).append(element.getAsString());
            }
        }
        return text.toString();
    }
}
