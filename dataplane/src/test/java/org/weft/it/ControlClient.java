package org.weft.it;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Speaks HTTP to a daemon's control socket, one connection per request. */
final class ControlClient {
    /** An answer: HTTP status and body. */
    record Answer(int status, String body) {
        JsonElement json() {
            return JsonParser.parseString(body);
        }
    }

    private final Path socket;

    public ControlClient(Path socket) {
        this.socket = socket;
    }

    /** A GET that must succeed. */
    JsonElement get(String path) {
        Answer answer = attempt("GET", path, "");
        if (answer.status != 200) {
            throw new AssertionError("GET " + path + ": " + answer);
        }
        return answer.json();
    }

    /** A change that must succeed. */
    void post(String object) {
        Answer answer = attempt("POST", "/v1", object);
        if (answer.status != 200) {
            throw new AssertionError(object + ": " + answer);
        }
    }

    Answer attempt(String method, String path, String body) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            byte[] content = body.getBytes(StandardCharsets.UTF_8);
            String head = method + " " + path + " HTTP/1.1\r\nHost: weft\r\nConnection: close\r\nContent-Length: "
                    + content.length + "\r\n\r\n";
            write(channel, Bytes.concat(head.getBytes(StandardCharsets.US_ASCII), content));
            return parse(readAll(channel));
        } catch (IOException e) {
            throw new UncheckedIOException(method + " " + path + " on " + socket, e);
        }
    }

    public boolean answers() {
        try {
            return attempt("GET", "/v1/version", "").status == 200;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static String readAll(SocketChannel channel) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(65536);
        while (channel.read(buffer.clear()) >= 0) {
            bytes.write(buffer.array(), 0, buffer.position());
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static Answer parse(String response) throws IOException {
        int end = response.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("no HTTP answer: \"" + response + "\"");
        }
        String head = response.substring(0, end);
        String body = response.substring(end + 4);
        int status = Integer.parseInt(head.split(" ")[1]);
        return new Answer(status, head.toLowerCase().contains("transfer-encoding: chunked") ? joinChunks(body) : body);
    }

    private static String joinChunks(String chunked) {
        StringBuilder body = new StringBuilder();
        int at = 0;
        while (true) {
            int lineEnd = chunked.indexOf("\r\n", at);
            int length = Integer.parseInt(chunked.substring(at, lineEnd), 16);
            if (length == 0) {
                return body.toString();
            }
            body.append(chunked, lineEnd + 2, lineEnd + 2 + length);
            at = lineEnd + 2 + length + 2;
        }
    }
}
