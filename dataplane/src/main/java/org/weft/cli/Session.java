package org.weft.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.weft.cli.DaemonErrors.Failure;
import org.weft.cli.Statement.Change;
import org.weft.cli.Statement.PolicyQuestion;
import org.weft.cli.Statement.Show;
import org.weft.operator.OperatorException;

/** Carries statements to a daemon and prints what it answers. */
final class Session {
    /** How to print. */
    record Style(boolean details, boolean statistics, boolean json) {}

    /** Entries after which we look whether anybody still reads what we print, as after {@code | head} nobody does. */
    private static final int CHECK_EVERY = 256;

    private final ControlClient client;
    private final Style style;
    private final PrintStream out;

    Session(ControlClient client, Style style, PrintStream out) {
        this.client = client;
        this.style = style;
        this.out = out;
    }

    ControlClient client() {
        return client;
    }

    PrintStream out() {
        return out;
    }

    /** Whether what is shown is shown as JSON. */
    boolean json() {
        return style.json();
    }

    /** @throws OperatorException if the daemon refuses, or is not there */
    void run(Statement statement) {
        if (statement instanceof Show show) {
            show(show);
        } else if (statement instanceof Change change) {
            ChangeStream changes = client.changes(false);
            changes.add(change.body());
            List<Failure> failures = changes.finish();
            if (!failures.isEmpty()) {
                throw failures.get(0).exception();
            }
        } else if (statement instanceof PolicyQuestion question) {
            ask(question);
        }
    }

    private void show(Show show) {
        String target = ControlClient.target("/v1/" + show.listing().object(), "dev", show.dev());
        try (HttpAnswer answer = client.get(target)) {
            if (style.json() && show.address() == null) {
                copy(answer.body());
                out.println();
            } else {
                entries(show, answer);
            }
        } catch (JsonParseException | IllegalStateException | IOException e) {
            throw ControlClient.garbled(target, e);
        }
        out.flush();
    }

    private void ask(PolicyQuestion question) {
        String target = question.target();
        try (HttpAnswer answer = client.get(target)) {
            PolicyPrinter printer = new PolicyPrinter(out);
            if (style.json()) {
                copy(answer.body());
            } else {
                switch (question.form()) {
                    case ALL -> printer.print(reader(answer));
                    case ONE_PACKET ->
                        printer.explain(client.read(answer, target).getAsJsonObject());
                    case LOCAL_RULES ->
                        LocalRules.print(client.read(answer, target).getAsJsonObject(), out);
                }
            }
        } catch (JsonParseException | IllegalStateException | IOException e) {
            throw ControlClient.garbled(target, e);
        }
        out.flush();
    }

    private static JsonReader reader(HttpAnswer answer) {
        return new JsonReader(new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8)));
    }

    /** Prints an answer as it is. */
    void copy(InputStream body) throws IOException {
        byte[] bytes = new byte[1 << 16];
        for (int length = body.read(bytes); length >= 0 && !out.checkError(); length = body.read(bytes)) {
            out.write(bytes, 0, length);
        }
    }

    private void entries(Show show, HttpAnswer answer) throws IOException {
        Printer printer = style.json() ? new JsonPrinter() : printer(show);
        JsonReader reader = reader(answer);
        reader.beginArray();
        for (int read = 1; reader.hasNext(); read++) {
            if (read % CHECK_EVERY == 0 && out.checkError()) {
                return;
            }
            JsonObject entry = JsonParser.parseReader(reader).getAsJsonObject();
            if (show.address() == null
                    || show.address().equals(Printer.text(entry, show.listing().key()))) {
                printer.print(entry, out);
            }
        }
        reader.endArray();
        printer.finish(out);
    }

    private Printer printer(Show show) {
        return switch (show.listing()) {
            case LINK -> new LinkPrinter(style.details(), style.statistics());
            case DROPS -> new DropsPrinter();
            default -> new EntryPrinter(show, style.statistics());
        };
    }

    /** The entries themselves, in an array on one line. */
    private static final class JsonPrinter implements Printer {
        private boolean begun;

        @Override
        public void print(JsonObject entry, PrintStream out) {
            out.print(begun ? "," : "[");
            out.print(entry);
            begun = true;
        }

        @Override
        public void finish(PrintStream out) {
            out.println(begun ? "]" : "[]");
        }
    }
}
