package org.weft.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.PrintStream;

/** Leases in the words of {@code ip route}, {@code ip neigh} and {@code bridge fdb}, a line each, as they are read. */
final class LeasePrinter {
    private static final long MINUTE = 60;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;

    private final PrintStream out;

    /** What is known of the cell; complete when the first list begins. */
    private final JsonObject cell = new JsonObject();

    LeasePrinter(PrintStream out) {
        this.out = out;
    }

    /**
     * Prints as far as somebody reads it.
     *
     * @param json what {@code GET /v1/lease} answers
     */
    void print(JsonReader json) throws IOException {
        json.beginObject();
        boolean headed = false;
        while (json.hasNext()) {
            String name = json.nextName();
            if (json.peek() != JsonToken.BEGIN_ARRAY) {
                cell.add(name, JsonParser.parseReader(json));
                continue;
            }
            if (!headed) {
                head();
                headed = true;
            }
            json.beginArray();
            while (json.hasNext()) {
                if (out.checkError()) {
                    return;
                }
                out.println(line(name, json));
            }
            json.endArray();
        }
        json.endObject();
    }

    private void head() {
        out.println("source " + Printer.text(cell, "source") + ": " + state());
        if (Printer.text(Printer.object(cell, "own"), "overlay_subnet") != null) {
            out.println(lease(Printer.object(cell, "own"), false) + " own");
        }
    }

    private String state() {
        String state = require(cell, "state");
        String age = Printer.text(cell, "age") == null ? "" : "tables of age " + age(Printer.number(cell, "age"));
        String trouble = Printer.text(cell, "trouble");
        String text =
                switch (state) {
                    case "stale" -> "stale, running on " + (age.isEmpty() ? "no tables" : age);
                    case "waiting" -> "waiting for a lease";
                    case "lost" -> "lost";
                    default -> state + (age.isEmpty() ? "" : ", " + age);
                };
        return text + (trouble == null ? "" : ": " + trouble);
    }

    /** {@code 3 s}, {@code 2 h 13 m}: the two largest units, as more tells nobody more. */
    static String age(long seconds) {
        if (seconds < MINUTE) {
            return seconds + " s";
        }
        if (seconds < HOUR) {
            return seconds / MINUTE + " m " + seconds % MINUTE + " s";
        }
        return seconds < DAY
                ? seconds / HOUR + " h " + seconds % HOUR / MINUTE + " m"
                : seconds / DAY + " d " + seconds % DAY / HOUR + " h";
    }

    private String line(String list, JsonReader json) throws IOException {
        return switch (list) {
            case "leases" -> lease(JsonParser.parseReader(json).getAsJsonObject(), true);
            case "skipped" ->
                "skipped " + Printer.text(JsonParser.parseReader(json).getAsJsonObject(), "reason");
            default -> "refused " + json.nextString();
        };
    }

    private static String require(JsonObject json, String field) {
        String text = Printer.text(json, field);
        if (text == null) {
            throw new JsonParseException(field + " is missing");
        }
        return text;
    }

    private String lease(JsonObject lease, boolean other) {
        String subnet = require(lease, "overlay_subnet");
        boolean routed = other && !subnet.endsWith("/32");
        return subnet + (routed ? " via " + subnet.substring(0, subnet.indexOf('/')) : "") + " dev "
                + Printer.text(cell, "vtep") + " lladdr " + Printer.text(lease, "overlay_hardware_addr") + " dst "
                + Printer.text(lease, "underlay_ip");
    }
}
