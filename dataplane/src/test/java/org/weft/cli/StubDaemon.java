package org.weft.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** Stands in for the daemon: remembers what it was asked, and answers what the test says. */
public final class StubDaemon implements AutoCloseable {
    /** @param line such as {@code GET /v1/link} */
    public record Request(String line, String body) {}

    private final ServerSocketChannel server;
    private final Path socket;
    private final Function<Request, byte[]> answers;
    private final List<Request> requests = new CopyOnWriteArrayList<>();

    /** @param answers whole HTTP messages */
    public StubDaemon(Path directory, Function<Request, byte[]> answers) throws IOException {
        this.socket = directory.resolve("control.sock");
        this.answers = answers;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread thread = new Thread(this::serve, "stub-daemon");
        thread.setDaemon(true);
        thread.start();
    }

    static byte[] answer(int status, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return message("HTTP/1.1 " + status + " Whatever\r\nContent-Length: " + bytes.length + "\r\n\r\n", bytes);
    }

    static byte[] message(String head, byte[] body) {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        message.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
        message.writeBytes(body);
        return message.toByteArray();
    }

    public Path socket() {
        return socket;
    }

    List<Request> requests() {
        return requests;
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                Request request = request(client);
                requests.add(request);
                client.write(ByteBuffer.wrap(answers.apply(request)));
            } catch (IOException e) {
                // a client that only looked whether somebody listens, or the end of the test
                Thread.onSpinWait();
            }
        }
    }

    private static Request request(SocketChannel client) throws IOException {
        InputStream in = new BufferedInputStream(Channels.newInputStream(client));
        String line = HttpLine.read(in).replace(" HTTP/1.1", "");
        boolean chunked = false;
        int length = 0;
        for (String header = HttpLine.read(in); !header.isEmpty(); header = HttpLine.read(in)) {
            chunked |= header.equals("Transfer-Encoding: chunked");
            if (header.startsWith("Content-Length: ")) {
                length = Integer.parseInt(header.substring("Content-Length: ".length()));
            }
        }
        byte[] body = chunked ? BodyStream.chunked(in).readAllBytes() : in.readNBytes(length);
        return new Request(line, new String(body, StandardCharsets.UTF_8));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
