package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Random;
import org.weft.it.CellHost.Container;

/** Containers that talk with each other: a ping, and a transfer over TCP and back. */
final class Conversation {
    private static final int PORT = 7007;
    private static final int BYTES = 50_000;
    private static final int LIMIT_MILLIS = 10_000;

    private Conversation() {}

    /** Each with each other one, in both directions. */
    static void ofAll(List<Container> containers) throws IOException {
        for (Container server : containers) {
            try (ServerSocket listener = server.netns().call(() -> new ServerSocket(PORT))) {
                listener.setSoTimeout(LIMIT_MILLIS);
                for (Container client : containers) {
                    if (client != server) {
                        client.netns().exec("ping", "-nqc1", "-W5", server.ip());
                        transfer(client, server, listener);
                    }
                }
            }
        }
    }

    private static void transfer(Container client, Container server, ServerSocket listener) throws IOException {
        byte[] data = new byte[BYTES];
        new Random(client.ip().hashCode()).nextBytes(data);
        // A Socket has no descriptor before it connects, which would not be in the namespace.
        try (Socket near = client.netns().call(() -> SocketChannel.open().socket())) {
            near.connect(new InetSocketAddress(server.ip(), PORT), LIMIT_MILLIS);
            near.setSoTimeout(LIMIT_MILLIS);
            try (Socket far = listener.accept()) {
                assertEquals(client.ip(), far.getInetAddress().getHostAddress(), "nobody translates addresses");
                far.setSoTimeout(LIMIT_MILLIS);
                near.getOutputStream().write(data);
                byte[] there = new byte[BYTES];
                new DataInputStream(far.getInputStream()).readFully(there);
                far.getOutputStream().write(there);
                byte[] back = new byte[BYTES];
                new DataInputStream(near.getInputStream()).readFully(back);
                assertArrayEquals(data, back, client.ip() + " to " + server.ip() + " and back");
            }
        }
    }
}
