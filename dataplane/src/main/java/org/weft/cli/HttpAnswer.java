package org.weft.cli;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.time.Duration;
import java.util.Locale;

/** An HTTP/1.1 answer whose body is still to be read. */
public final class HttpAnswer implements Closeable {
    private final ControlChannel channel;
    private final int status;
    private final InputStream body;

    private HttpAnswer(ControlChannel channel, int status, InputStream body) {
        this.channel = channel;
        this.status = status;
        this.body = body;
    }

    /** Reads the head of an answer; the connection is closed with it. */
    static HttpAnswer read(ControlChannel channel) throws IOException {
        InputStream in = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
        int status = status(HttpLine.read(in));
        InputStream body = null;
        for (String line = HttpLine.read(in); !line.isEmpty(); line = HttpLine.read(in)) {
            int colon = line.indexOf(':');
            String value = line.substring(colon + 1).strip();
            switch (line.substring(0, Math.max(colon, 0)).toLowerCase(Locale.ROOT)) {
                case "content-length" -> body = BodyStream.ofLength(in, length(value));
                case "transfer-encoding" -> body = BodyStream.chunked(in);
                default -> {}
            }
        }
        return new HttpAnswer(channel, status, body == null ? in : body);
    }

    int status() {
        return status;
    }

    /** Ends with the answer; an answer that is cut short is an {@link java.io.EOFException}. */
    InputStream body() {
        return body;
    }

    /** Waits for ever for what is still to come. */
    HttpAnswer patiently() {
        channel.limit(Duration.ZERO);
        return this;
    }

    /** Tells the daemon that no more is wanted, while what it still sends can be read. */
    void stop() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private static int status(String line) throws IOException {
        if (!line.matches("HTTP/1\\.[01] \\d{3}( .*)?")) {
            throw new IOException("\"" + line + "\" is not HTTP");
        }
        return Integer.parseInt(line.substring(9, 12));
    }

    private static long length(String value) throws IOException {
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IOException("content-length " + value + " is not a number", e);
        }
    }
}
