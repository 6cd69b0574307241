package org.weft.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.PrintStream;

/** Policies in the words that allow them, a line each, as they are read. */
final class PolicyPrinter {
    private final PrintStream out;

    /** All but the lists; complete when the first of these begins. */
    private final JsonObject summary = new JsonObject();

    PolicyPrinter(PrintStream out) {
        this.out = out;
    }

    /** @param json what {@code GET /v1/policy} answers */
    void print(JsonReader json) throws IOException {
        json.beginObject();
        boolean headed = false;
        while (json.hasNext()) {
            String name = json.nextName();
            if (json.peek() != JsonToken.BEGIN_ARRAY) {
                summary.add(name, JsonParser.parseReader(json));
                continue;
            }
            if (!headed) {
                head();
                headed = true;
            }
            json.beginArray();
            while (json.hasNext() && !out.checkError()) {
                out.println(line(name, JsonParser.parseReader(json)));
            }
            if (out.checkError()) {
                return;
            }
            json.endArray();
        }
        json.endObject();
    }

    private void head() {
        out.println("dev " + Printer.text(summary, "vtep") + " mode " + Printer.text(summary, "mode") + " refuse "
                + Printer.text(summary, "refuse") + " spoofing " + Printer.text(summary, "spoofing"));
        out.println("source " + source());
        JsonObject flows = Printer.object(summary, "flows");
        JsonObject counts = Printer.object(summary, "counts");
        out.println(Printer.number(counts, "policies") + " policies, " + Printer.number(counts, "denied") + " denied, "
                + Printer.number(counts, "tags") + " tags, " + Printer.number(counts, "skipped") + " skipped; "
                + Printer.number(flows, "used") + " of " + Printer.number(flows, "capacity") + " flows");
        JsonObject verdicts = Printer.object(summary, "verdicts");
        if (Printer.text(verdicts, "trouble") != null) {
            out.println("trouble: " + Printer.text(verdicts, "trouble"));
        }
    }

    private String source() {
        String source = Printer.text(summary, "source");
        String age = Printer.text(summary, "age");
        String trouble = Printer.text(summary, "trouble");
        String state = "none";
        if (source != null && Printer.flag(summary, "current")) {
            state = source + ": current, " + LeasePrinter.age(Printer.number(summary, "age"));
        } else if (source != null) {
            state = source
                    + (age == null
                            ? ": never answered"
                            : ": stale, running on policies of age "
                                    + LeasePrinter.age(Printer.number(summary, "age")));
        }
        return state + (trouble == null ? "" : ": " + trouble);
    }

    private static String line(String list, JsonElement element) {
        return switch (list) {
            case "tags" -> {
                JsonObject tag = element.getAsJsonObject();
                yield "tag " + Printer.text(tag, "source") + " " + named(tag, "tag", "app");
            }
            case "policies" -> "allow " + policy(element.getAsJsonObject());
            case "denials" -> "deny " + policy(element.getAsJsonObject()) + " by operator";
            default -> "skipped " + element.getAsString();
        };
    }

    /** {@code 1 (proxy) 10.255.126.3 (backend) protocol tcp port 7777-7779 name web by policies.yml:7}. */
    private static String policy(JsonObject policy) {
        String ports = Printer.text(policy, "ports");
        String name = Printer.text(policy, "name");
        String origin = Printer.text(policy, "origin");
        return named(policy, "tag", "app") + " " + named(policy, "destination", "destination_app") + " protocol "
                + Printer.text(policy, "protocol") + (ports == null ? "" : " port " + ports)
                + (name == null ? "" : " name " + name) + (origin == null ? "" : " by " + origin);
    }

    private static String named(JsonObject json, String field, String app) {
        String name = Printer.text(json, app);
        return Printer.text(json, field) + (name == null ? "" : " (" + name + ")");
    }

    /** @param json what {@code GET /v1/policy/explain} answers */
    void explain(JsonObject json) {
        String source = Printer.text(json, "source");
        long tag = Printer.number(json, "tag");
        if (source != null) {
            out.println(source + (tag == 0 ? " has no tag" : " has tag " + tag));
        }
        JsonObject rule = Printer.object(json, "rule");
        JsonObject denial = Printer.object(json, "denial");
        out.println("rule: " + (rule.size() == 0 ? "none" : "allow " + policy(rule)));
        if (denial.size() > 0) {
            out.println("denial: deny " + policy(denial) + " by operator");
        }
        out.println((Printer.flag(json, "passes") ? "passes: " : "refused: ") + Printer.text(json, "reason"));
    }
}
