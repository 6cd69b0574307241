package org.weft.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** HTTP/1.1 over the daemon's Unix socket, one connection per request; no more of HTTP than the control API uses. */
public final class ControlClient {
    private final Path socket;
    private final Patience patience;
    private final DaemonErrors errors;

    /**
     * A client that has not asked anything yet.
     *
     * @param patience after which a daemon that says nothing is given up, in a sentence
     * @param warnings hears the warnings of the daemon's answers to changes, one line each
     */
    public ControlClient(Path socket, Patience patience, Consumer<String> warnings) {
        this.socket = socket;
        this.patience = patience;
        this.errors = new DaemonErrors(socket, warnings);
    }

    /** Whether a process listens on the socket, even one that does not answer. */
    public boolean answers() {
        try (ControlChannel channel = ControlChannel.open(socket, patience.prompt())) {
            return channel.isOpen();
        } catch (SocketTimeoutException e) {
            return true;
        } catch (UnsupportedAddressTypeException | IOException e) {
            return false;
        }
    }

    /** An answer that is good; its body is the caller's to read and close. */
    HttpAnswer get(String target) {
        return ask("GET", target, "", patience.prompt());
    }

    /** As {@link #get}, of an answer that the daemon has to work for. */
    HttpAnswer getWorked(String target) {
        return ask("GET", target, "", patience.work());
    }

    /** The answer, in full, to a request that does something. */
    JsonElement post(String target, JsonObject body) {
        return read(ask("POST", target, body.toString(), patience.work()), target);
    }

    /** A whole answer. */
    JsonElement read(HttpAnswer answer, String target) {
        try (answer) {
            return JsonParser.parseString(new String(answer.body().readAllBytes(), StandardCharsets.UTF_8));
        } catch (JsonParseException | IOException e) {
            throw garbled(target, e);
        }
    }

    static OperatorException garbled(String target, Exception cause) {
        for (Throwable reason = cause; reason != null; reason = reason.getCause()) {
            if (reason instanceof SocketTimeoutException) {
                return DaemonErrors.silent(reason);
            }
        }
        return new OperatorException(
                Kind.UNAVAILABLE, "the daemon's answer to " + target + " is cut short or garbled", cause);
    }

    private HttpAnswer ask(String method, String target, String body, Duration limit) {
        try {
            HttpAnswer answer = request(method, target, body, limit);
            if (answer.status() != 200) {
                try (answer) {
                    throw errors.failures(answer).get(0).exception();
                }
            }
            return answer;
        } catch (IOException e) {
            throw errors.brokenOff(e);
        }
    }

    /**
     * Begins to send changes.
     *
     * @param force whether the daemon continues after a change that fails
     */
    ChangeStream changes(boolean force) {
        return new ChangeStream(errors, connect(patience.prompt()), patience.work(), force);
    }

    /** A path with a query of the parameters that are not null. */
    static String target(String path, String... namesAndValues) {
        StringBuilder target = new StringBuilder(path);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            if (namesAndValues[i + 1] != null) {
                target.append(target.indexOf("?") < 0 ? '?' : '&')
                        .append(namesAndValues[i])
                        .append('=')
                        .append(URLEncoder.encode(namesAndValues[i + 1], StandardCharsets.UTF_8));
            }
        }
        return target.toString();
    }

    private HttpAnswer request(String method, String target, String body, Duration limit) throws IOException {
        ControlChannel channel = connect(patience.prompt());
        channel.limit(limit);
        try {
            int length = body.getBytes(StandardCharsets.UTF_8).length;
            String request = method + " " + target + " HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n"
                    + (length == 0 ? "" : "Content-Length: " + length + "\r\n") + "\r\n" + body;
            ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
            channel.write(bytes);
            return HttpAnswer.read(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private ControlChannel connect(Duration limit) {
        try {
            return ControlChannel.open(socket, limit);
        } catch (SocketTimeoutException e) {
            throw DaemonErrors.silent(e);
        } catch (IOException | UnsupportedAddressTypeException e) {
            throw unreachable(String.valueOf(e.getMessage()), e);
        }
    }

    private OperatorException unreachable(String reason, Exception cause) {
        if (reason.contains("Permission denied")) {
            return new OperatorException(
                    Kind.NO_PERMISSION,
                    "no permission to talk to the weft daemon on " + socket + ": run as root, or as the daemon's user",
                    cause);
        }
        if (reason.contains("too long")) {
            return new OperatorException(
                    Kind.USAGE, "\"" + socket + "\" is too long for the name of a Unix socket (107 bytes)", cause);
        }
        return new OperatorException(
                Kind.UNAVAILABLE,
                "no weft daemon answers on " + socket
                        + ": start one with 'weft daemon', or name its socket with --control or WEFT_CONTROL",
                cause);
    }

    /** Whether the daemon is there, but did not answer in time. */
    static boolean isSilence(OperatorException e) {
        return e.getCause() instanceof SocketTimeoutException;
    }
}
