package org.weft.it;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.weft.silk.cni.Cni;

/** The route {@code POST /v1/cni} of a control socket, on a thread in a host's namespace, and nothing else of a daemon. */
final class CniServer implements AutoCloseable {
    private final ServerSocketChannel server;
    private final Path socket;

    /** @param handler takes the variables and the configuration */
    CniServer(Netns host, Path socket, BiFunction<Map<String, String>, String, Cni.Answer> handler) {
        this.socket = socket;
        try {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        new Thread(() -> host.call(() -> serve(handler)), "cni-server").start();
    }

    private Void serve(BiFunction<Map<String, String>, String, Cni.Answer> handler) throws IOException {
        while (true) {
            try (SocketChannel client = server.accept()) {
                answer(client, handler);
            } catch (AsynchronousCloseException e) {
                return null;
            }
        }
    }

    private static void answer(SocketChannel client, BiFunction<Map<String, String>, String, Cni.Answer> handler)
            throws IOException {
        InputStream in = new BufferedInputStream(Channels.newInputStream(client));
        boolean known = line(in).startsWith("POST /v1/cni ");
        Map<String, String> headers = new HashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            headers.put(
                    line.substring(0, line.indexOf(':')),
                    line.substring(line.indexOf(':') + 1).strip());
        }
        String body =
                new String(in.readNBytes(Integer.parseInt(headers.get("Content-Length"))), StandardCharsets.UTF_8);
        Cni.Answer answer = handler.apply(Cni.environment(headers.entrySet()), body);
        byte[] json = answer.json().getBytes(StandardCharsets.UTF_8);
        String head = "HTTP/1.1 " + (!known ? 404 : answer.ok() ? 200 : 500)
                + " x\r\nConnection: close\r\nContent-Length: " + json.length + "\r\n\r\n";
        client.write(ByteBuffer.wrap(Bytes.concat(head.getBytes(StandardCharsets.US_ASCII), json)));
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet >= 0 && octet != '\n'; octet = in.read()) {
            line.append((char) octet);
        }
        return line.toString().strip();
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
