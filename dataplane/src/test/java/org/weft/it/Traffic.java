package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Connections and datagrams between containers, by sockets that live in their namespaces. */
final class Traffic {
    private static final int TIMEOUT_MS = 10_000;
    private static final int CHUNK = 1 << 16;

    private Traffic() {}

    static void ping(Netns from, String to, int size) {
        from.exec("ping", "-n", "-c", "1", "-W", "5", "-s", Integer.toString(size), to);
    }

    /** The common pool may have one thread only, where of two tasks that need each other one never begins. */
    static <T> CompletableFuture<T> onThreadOfItsOwn(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, run -> new Thread(run, "traffic").start());
    }

    /** Sends random bytes over TCP and compares their SHA-256 at both ends. */
    static void tcp(Netns from, Netns to, String address, long length) {
        tcp(from, to, address, length, () -> false);
    }

    /** As {@link #tcp(Netns, Netns, String, long)}, but goes on after {@code length} bytes as long as there is more. */
    static void tcp(Netns from, Netns to, String address, long length, BooleanSupplier more) {
        try (ServerSocket server = to.call(() -> new ServerSocket(0, 1, InetAddress.getByName(address)));
                Socket client = from.call(() -> SocketChannel.open().socket())) {
            server.setSoTimeout(TIMEOUT_MS);
            CompletableFuture<String> received = onThreadOfItsOwn(() -> receive(server));
            client.connect(server.getLocalSocketAddress(), TIMEOUT_MS);
            String sent = send(client, length, more);
            assertEquals(sent, received.join(), "SHA-256 of " + length + " or more bytes to " + address);
        } catch (IOException e) {
            throw new AssertionError("TCP to " + address, e);
        }
    }

    private static String send(Socket socket, long length, BooleanSupplier more) throws IOException {
        SplittableRandom random = new SplittableRandom(length);
        MessageDigest digest = sha256();
        byte[] chunk = new byte[CHUNK];
        for (long left = length; left > 0 || more.getAsBoolean(); left -= CHUNK) {
            random.nextBytes(chunk);
            int count = left > 0 ? (int) Math.min(left, CHUNK) : CHUNK;
            digest.update(chunk, 0, count);
            socket.getOutputStream().write(chunk, 0, count);
        }
        socket.shutdownOutput();
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String receive(ServerSocket server) {
        try (Socket socket = server.accept()) {
            socket.setSoTimeout(TIMEOUT_MS);
            MessageDigest digest = sha256();
            byte[] chunk = new byte[CHUNK];
            for (int n = socket.getInputStream().read(chunk);
                    n >= 0;
                    n = socket.getInputStream().read(chunk)) {
                digest.update(chunk, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new AssertionError("TCP receiver", e);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Sends datagrams of these sizes, one after the other, to an echo in the other container and compares the bytes. The
     * socket is not connected, because a connected one of the JDK does not send what is empty.
     */
    static void udpEcho(Netns from, Netns to, String address, IntStream sizes) {
        try (Echo echo = Echo.open(to, address);
                DatagramSocket socket = from.call(() -> new DatagramSocket())) {
            socket.setSoTimeout(TIMEOUT_MS);
            SplittableRandom random = new SplittableRandom(1);
            DatagramPacket answer = new DatagramPacket(new byte[65536], 65536);
            for (int size : sizes.toArray()) {
                byte[] data = new byte[size];
                random.nextBytes(data);
                socket.send(new DatagramPacket(data, size, echo.address()));
                answer.setLength(65536);
                socket.receive(answer);
                byte[] echoed = Arrays.copyOf(answer.getData(), answer.getLength());
                assertArrayEquals(data, echoed, "datagram of " + size + " bytes to " + address);
            }
        } catch (IOException e) {
            throw new AssertionError("UDP to " + address, e);
        }
    }

    /** How long it takes until a datagram is answered, sending one every 10 ms. */
    static Duration untilAnswered(Netns from, Echo echo, Duration patience) {
        long start = System.nanoTime();
        try (DatagramSocket socket = from.call(() -> new DatagramSocket())) {
            socket.setSoTimeout(10);
            socket.connect(echo.address());
            Await.until("an echo", patience, () -> answered(socket));
            return Duration.ofNanos(System.nanoTime() - start);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean answered(DatagramSocket socket) {
        try {
            socket.send(new DatagramPacket(new byte[100], 100));
            socket.receive(new DatagramPacket(new byte[100], 100));
            return true;
        } catch (IOException stillAway) {
            return false;
        }
    }

    /** Lets the socket keep what comes while its thread gets no processor: thousands of small datagrams. */
    static DatagramSocket patient(DatagramSocket socket) throws SocketException {
        socket.setReceiveBufferSize(4 << 20);
        return socket;
    }

    /** Sends back every datagram it gets. */
    record Echo(DatagramSocket socket) implements AutoCloseable {
        static Echo open(Netns netns, String address) {
            Echo echo = new Echo(netns.call(() -> patient(new DatagramSocket(new InetSocketAddress(address, 0)))));
            Thread thread = new Thread(echo::run, "echo " + address);
            thread.setDaemon(true);
            thread.start();
            return echo;
        }

        SocketAddress address() {
            return socket.getLocalSocketAddress();
        }

        private void run() {
            DatagramPacket packet = new DatagramPacket(new byte[65536], 65536);
            while (!socket.isClosed()) {
                try {
                    packet.setLength(65536);
                    socket.receive(packet);
                    socket.send(packet);
                } catch (SocketException closed) {
                    return;
                } catch (IOException e) {
                    throw new AssertionError("echo", e);
                }
            }
        }

        @Override
        public void close() {
            socket.close();
        }
    }
}
