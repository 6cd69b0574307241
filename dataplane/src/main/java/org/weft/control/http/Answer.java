package org.weft.control.http;

import com.google.gson.stream.JsonWriter;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import org.weft.text.JsonOutput;
import org.weft.text.Visible;

/** The answer to a request. The event loop of its connection writes the body in its turn. */
public record Answer(HttpResponseStatus status, String contentType, Body body) {
    /** Writes the body of an answer. */
    @FunctionalInterface
    public interface Body {
        void write(ByteBufOutputStream out) throws IOException;
    }

    /** Writes the body of an answer, or a part of it, in JSON. */
    @FunctionalInterface
    public interface JsonBody {
        void write(JsonWriter json) throws IOException;
    }

    private static final String JSON = HttpHeaderValues.APPLICATION_JSON.toString();

    /** JSON and a line end. */
    public static Answer json(JsonBody body) {
        return new Answer(HttpResponseStatus.OK, JSON, out -> {
            try (OutputStreamWriter writer = new OutputStreamWriter(out, StandardCharsets.UTF_8);
                    JsonWriter json = new JsonWriter(new JsonOutput(writer))) {
                body.write(json);
                json.flush();
                writer.write('\n');
            }
        });
    }

    /** What is JSON already, or nothing; a line end is added to it. */
    public static Answer json(HttpResponseStatus status, String text) {
        return new Answer(status, JSON, bytes(Visible.json(text)));
    }

    /** A sentence, and a line end. */
    public static Answer text(HttpResponseStatus status, String sentence) {
        return new Answer(status, "text/plain; charset=utf-8", bytes(Visible.line(sentence)));
    }

    private static Body bytes(String text) {
        return out -> out.write((text.isEmpty() ? "" : text + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
