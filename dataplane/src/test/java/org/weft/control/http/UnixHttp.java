package org.weft.control.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** As much of an HTTP/1.1 client as the tests need, on any connected channel. */
public final class UnixHttp implements AutoCloseable {
    /** An answer; header names in lower case. */
    public record Answer(int status, Map<String, String> headers, byte[] bytes) {
        public String body() {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private final SocketChannel channel;
    private final InputStream in;

    public UnixHttp(SocketChannel channel) {
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel));
    }

    public static UnixHttp connect(Path socket) throws IOException {
        return new UnixHttp(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    }

    public Answer get(String target) throws IOException {
        return exchange("GET", target, null);
    }

    public Answer post(String target, String body) throws IOException {
        return exchange("POST", target, body);
    }

    public Answer exchange(String method, String target, String body) throws IOException {
        byte[] content = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
        String length = body == null ? "" : "Content-Length: " + content.length + "\r\n";
        send(method + " " + target + " HTTP/1.1\r\nHost: weft\r\n" + length + "\r\n");
        send(content);
        return receive(method.equals("HEAD"));
    }

    public void send(String text) throws IOException {
        send(text.getBytes(StandardCharsets.UTF_8));
    }

    private void send(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Tells the server that nothing more comes. */
    public void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    public Answer receive(boolean head) throws IOException {
        int status = Integer.parseInt(line().split(" ")[1]);
        Map<String, String> headers = headers();
        if (status == 100) {
            return receive(head);
        }
        byte[] body = new byte[0];
        if (!head && headers.containsKey("transfer-encoding")) {
            body = chunks();
        } else if (!head) {
            body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        }
        return new Answer(status, headers, body);
    }

    public Map<String, String> headers() throws IOException {
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return headers;
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
            all.writeBytes(chunk);
        }
        return all.toByteArray();
    }

    /** The next chunk; empty for the last. */
    public byte[] chunk() throws IOException {
        byte[] chunk = in.readNBytes(Integer.parseInt(line(), 16));
        line();
        return chunk;
    }

    public boolean atEnd() throws IOException {
        return in.read() < 0;
    }

    public String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new EOFException("connection closed after \"" + line + "\"");
            }
            line.append((char) octet);
        }
        return line.toString().strip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
