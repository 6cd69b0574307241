package org.weft.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.weft.it.CellHost.Container;

/**
 * A TCP connection between two containers over which a byte goes there and back all the time. Where packets are lost,
 * silence ends with TCP's next attempt, which may be as long after the network is back as the network was away.
 */
final class OpenConnection implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long PAUSE_NANOS = 1_000_000;

    private final Socket near;
    private final Socket far;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean closed;
    private volatile long rounds;
    private volatile long longestNanos;

    private OpenConnection(Socket near, Socket far) {
        this.near = near;
        this.far = far;
    }

    static OpenConnection between(Container client, Container server) {
        return between(client, server, 0);
    }

    /** @param port of the server; 0: any */
    static OpenConnection between(Container client, Container server, int port) {
        try (ServerSocket listener = server.netns().call(() -> new ServerSocket(port))) {
            // A Socket has no descriptor before it connects, which would not be in the namespace.
            Socket near = client.netns().call(() -> SocketChannel.open().socket());
            near.connect(new InetSocketAddress(server.ip(), listener.getLocalPort()), (int) PATIENCE.toMillis());
            near.setTcpNoDelay(true);
            listener.setSoTimeout((int) PATIENCE.toMillis());
            OpenConnection connection = new OpenConnection(near, listener.accept());
            connection.far.setTcpNoDelay(true);
            connection.start(connection::talk);
            connection.start(connection::echo);
            connection.awaitAnswer();
            return connection;
        } catch (IOException e) {
            throw new AssertionError(client.ip() + " does not reach " + server.ip(), e);
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    private void start(Task task) {
        Thread thread = new Thread(
                () -> {
                    try {
                        task.run();
                    } catch (IOException e) {
                        failure.compareAndSet(null, e);
                    }
                },
                "connection");
        thread.setDaemon(true);
        thread.start();
    }

    private void talk() throws IOException {
        InputStream in = near.getInputStream();
        OutputStream out = near.getOutputStream();
        while (!closed) {
            long start = System.nanoTime();
            out.write(1);
            if (in.read() != 1) {
                throw new IOException("the other end has closed the connection");
            }
            longestNanos = Math.max(longestNanos, System.nanoTime() - start);
            rounds = rounds + 1;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void echo() throws IOException {
        InputStream in = far.getInputStream();
        OutputStream out = far.getOutputStream();
        for (int octet = in.read(); octet >= 0; octet = in.read()) {
            out.write(octet);
        }
    }

    /** Waits for the answer to a byte that is sent from now on. */
    void awaitAnswer() {
        long before = rounds;
        Await.until("an answer", PATIENCE, () -> rounds > before + 1 || failure.get() != null);
        if (failure.get() != null) {
            throw new AssertionError("the connection broke", failure.get());
        }
    }

    /** The longest that a byte took there and back meanwhile; the connection has gone on since. */
    Duration silenceDuring(Runnable events) {
        awaitAnswer();
        longestNanos = 0;
        events.run();
        awaitAnswer();
        return Duration.ofNanos(longestNanos);
    }

    @Override
    public void close() {
        closed = true;
        try {
            near.close();
            far.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
