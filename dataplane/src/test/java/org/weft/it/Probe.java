package org.weft.it;

import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.weft.it.CellHost.Container;

/** Opens flows from one container to another, and says how each ended. */
final class Probe {
    /** How a flow ended. */
    enum End {
        ANSWERED,
        REFUSED,
        SILENCE
    }

    private static final int LIMIT_MILLIS = 3000;

    private Probe() {}

    /** Answers everything on these ports of a container until it is closed. */
    static final class Server implements AutoCloseable {
        private final List<Closeable> sockets = new ArrayList<>();

        Server(Container container, int... ports) {
            container.netns().call(() -> {
                for (int port : ports) {
                    ServerSocketChannel tcp = ServerSocketChannel.open().bind(new InetSocketAddress(port));
                    sockets.add(tcp);
                    DatagramChannel udp = DatagramChannel.open().bind(new InetSocketAddress(port));
                    sockets.add(udp);
                    serve(tcp);
                    serve(udp);
                }
                return null;
            });
        }

        private static void serve(ServerSocketChannel tcp) {
            daemon(() -> {
                while (true) {
                    tcp.accept().close();
                }
            });
        }

        private static void serve(DatagramChannel udp) {
            daemon(() -> {
                ByteBuffer buffer = ByteBuffer.allocate(65_535);
                while (true) {
                    var from = udp.receive(buffer.clear());
                    udp.send(buffer.flip(), from);
                }
            });
        }

        private interface Loop {
            void run() throws IOException;
        }

        private static void daemon(Loop loop) {
            Thread thread = new Thread(() -> {
                try {
                    loop.run();
                } catch (IOException e) {
                    // Closed: the test is over.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void close() throws IOException {
            for (Closeable socket : sockets) {
                socket.close();
            }
        }
    }

    static End tcp(Container from, Container to, int port) {
        return tcp(from, 0, to, port);
    }

    /** @param source port; 0: any, which may be one that was used before */
    static End tcp(Container from, int source, Container to, int port) {
        return from.netns().call(() -> {
            try (SocketChannel channel = SocketChannel.open()) {
                channel.bind(new InetSocketAddress(source));
                channel.socket().connect(new InetSocketAddress(to.ip(), port), LIMIT_MILLIS);
                return isServed(channel.socket()) ? End.ANSWERED : End.REFUSED;
            } catch (ConnectException e) {
                return End.REFUSED;
            } catch (SocketTimeoutException e) {
                return End.SILENCE;
            }
        });
    }

    /** A refusal can come in between so that the socket seems connected, and says so only when it is used. */
    private static boolean isServed(Socket socket) throws SocketTimeoutException {
        try {
            socket.setSoTimeout(LIMIT_MILLIS);
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            return false;
        }
    }

    /** @param length bytes of payload; more than the MTU has room for makes fragments */
    static End udp(Container from, Container to, int port, int length) {
        return from.netns().call(() -> {
            try (DatagramChannel channel = DatagramChannel.open()) {
                channel.connect(new InetSocketAddress(to.ip(), port));
                channel.socket().setSoTimeout(LIMIT_MILLIS);
                byte[] payload = new byte[length];
                channel.socket().send(new DatagramPacket(payload, length));
                channel.socket().receive(new DatagramPacket(new byte[65_535], 65_535));
                return End.ANSWERED;
            } catch (PortUnreachableException e) {
                return End.REFUSED;
            } catch (SocketTimeoutException e) {
                return End.SILENCE;
            }
        });
    }

    static End ping(Container from, Container to) {
        Command ping = from.netns().attempt("ping", "-nc1", "-W3", to.ip());
        if (ping.exitCode() == 0) {
            return End.ANSWERED;
        }
        return ping.output().contains("Port Unreachable") ? End.REFUSED : End.SILENCE;
    }
}
