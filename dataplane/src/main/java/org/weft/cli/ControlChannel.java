package org.weft.cli;

import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A connection to the daemon's socket that does not wait for ever: a daemon may be stopped, or hang, and still have its socket.
 * Every wait for it that takes longer than the limit ends in a {@link SocketTimeoutException} whose message is a sentence for
 * operators. For one thread at a time.
 */
final class ControlChannel implements ByteChannel {
    /** A Unix socket whose queue is full does not say when there is room in it. */
    private static final long BETWEEN_TRIES_NANOS = 20_000_000;

    private final Path socket;
    private final SocketChannel channel;
    private final Selector selector;
    private Duration limit;

    private ControlChannel(Path socket, SocketChannel channel, Duration limit) throws IOException {
        this.socket = socket;
        this.channel = channel;
        this.limit = limit;
        this.selector = Selector.open();
        channel.register(selector, 0);
    }

    /** @param limit of each wait, that for a place in the socket's queue included; zero: none */
    static ControlChannel open(Path socket, Duration limit) throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
        long start = System.nanoTime();
        while (true) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.configureBlocking(false);
                channel.connect(address);
                return new ControlChannel(socket, channel, limit);
            } catch (IOException e) {
                channel.close();
                if (!isQueueFull(e)) {
                    throw e;
                }
            }
            if (!limit.isZero() && System.nanoTime() - start >= limit.toNanos()) {
                throw silent(socket, limit);
            }
            LockSupport.parkNanos(BETWEEN_TRIES_NANOS);
        }
    }

    private static boolean isQueueFull(IOException e) {
        return e instanceof SocketException && String.valueOf(e.getMessage()).contains("temporarily unavailable");
    }

    private static SocketTimeoutException silent(Path socket, Duration limit) {
        return new SocketTimeoutException(
                "the weft daemon on " + socket + " does not answer within " + limit.toSeconds()
                        + " s: see whether it is stopped, hangs or is only slow; " + Patience.VARIABLE
                        + "=SECONDS gives it more time");
    }

    /** The limit of each wait from now on; zero: none. */
    void limit(Duration other) {
        limit = other;
    }

    @Override
    public int read(ByteBuffer bytes) throws IOException {
        int count = channel.read(bytes);
        while (count == 0 && bytes.hasRemaining()) {
            await(SelectionKey.OP_READ);
            count = channel.read(bytes);
        }
        return count;
    }

    /** Writes all of it. */
    @Override
    public int write(ByteBuffer bytes) throws IOException {
        int count = bytes.remaining();
        while (bytes.hasRemaining()) {
            if (channel.write(bytes) == 0) {
                await(SelectionKey.OP_WRITE);
            }
        }
        return count;
    }

    private void await(int operation) throws IOException {
        channel.keyFor(selector).interestOps(operation);
        selector.selectedKeys().clear();
        if (selector.select(limit.toMillis()) == 0 && !Thread.currentThread().isInterrupted()) {
            throw silent(socket, limit);
        }
    }

    /** Tells the daemon that no more comes; what it still sends can be read. */
    void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
        selector.close();
    }
}
