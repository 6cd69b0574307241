package org.weft.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.text.Visible;

/** Reads the failures that a daemon reports, and explains why it reports none. */
final class DaemonErrors {
    /** One failed change, as the daemon reports it. */
    record Failure(int index, String sentence, int exitCode) {
        OperatorException exception() {
            return new OperatorException(kind(exitCode), sentence);
        }

        private static Kind kind(int exitCode) {
            for (Kind kind : Kind.values()) {
                if (kind.exitCode() == exitCode) {
                    return kind;
                }
            }
            return Kind.OS_ERROR;
        }
    }

    private final Path socket;
    private final Consumer<String> warnings;

    /** @param warnings hears the warnings of the daemon's answers, one line each */
    DaemonErrors(Path socket, Consumer<String> warnings) {
        this.socket = socket;
        this.warnings = warnings;
    }

    /** @param timeout has the sentence */
    static OperatorException silent(Throwable timeout) {
        return new OperatorException(Kind.UNAVAILABLE, timeout.getMessage(), timeout);
    }

    OperatorException brokenOff(IOException cause) {
        if (cause instanceof SocketTimeoutException) {
            return silent(cause);
        }
        return new OperatorException(
                Kind.UNAVAILABLE,
                "the weft daemon on " + socket + " broke off (" + cause.getMessage() + "): its log may say why",
                cause);
    }

    /**
     * Reads the failures of an answer, {@code
     * {"errors":[{"index":1,"error":"...","exit":64}],"warnings":["..."]}}, and passes its warnings
     * on.
     */
    List<Failure> failures(HttpAnswer answer) throws IOException {
        String text = new String(answer.body().readAllBytes(), StandardCharsets.UTF_8);
        List<Failure> failures = new ArrayList<>();
        try {
            JsonObject json = JsonParser.parseString(text).getAsJsonObject();
            JsonArray errors = json.has("errors") ? json.getAsJsonArray("errors") : new JsonArray();
            for (JsonElement error : errors) {
                failures.add(failure(error.getAsJsonObject()));
            }
            if (json.has("warnings")) {
                json.getAsJsonArray("warnings")
                        .forEach(warning -> warnings.accept(Visible.line(warning.getAsString())));
            }
        } catch (JsonParseException | IllegalStateException | ClassCastException e) {
            throw unexpected(answer.status(), text);
        }
        if (failures.isEmpty() && answer.status() != 200) {
            throw unexpected(answer.status(), text);
        }
        return failures;
    }

    private static Failure failure(JsonObject error) {
        int index = error.has("index") ? error.get("index").getAsInt() : 1;
        int exitCode = error.has("exit") ? error.get("exit").getAsInt() : Kind.OS_ERROR.exitCode();
        return new Failure(index, Visible.line(error.get("error").getAsString()), exitCode);
    }

    private OperatorException unexpected(int status, String text) {
        String excerpt = text.strip().replaceAll("\\s+", " ");
        return new OperatorException(
                Kind.UNAVAILABLE,
                "what answers on " + socket + " does not speak Weft's control API (HTTP " + status + ": "
                        + excerpt.substring(0, Math.min(80, excerpt.length())) + ")");
    }
}
