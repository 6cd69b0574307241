import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;

/**
 * Makes UDP flows that go both ways, for scripts/compare: {@code answer ADDRESS PORT...} echoes until it is ended, {@code
 * ask ADDRESS COUNT PORT...} sends from as many pairs of ports as it is told and waits for each echo.
 */
final class Flows {
    private static final int FIRST_SOURCE_PORT = 10_000;
    private static final int TIMEOUT_MS = 100;
    private static final int ATTEMPTS = 20;

    public static void main(String[] arguments) throws Exception {
        InetAddress address = InetAddress.getByName(arguments[1]);
        if (arguments[0].equals("answer")) {
            for (int i = 2; i < arguments.length; i++) {
                DatagramSocket socket = new DatagramSocket(Integer.parseInt(arguments[i]), address);
                new Thread(() -> answer(socket)).start();
            }
            return;
        }
        int ports = arguments.length - 3;
        int count = Integer.parseInt(arguments[2]);
        for (int i = 0; i * ports < count; i++) {
            try (DatagramSocket socket = new DatagramSocket(FIRST_SOURCE_PORT + i)) {
                for (int port = 0; port < ports; port++) {
                    ask(socket, new InetSocketAddress(address, Integer.parseInt(arguments[3 + port])));
                }
            }
        }
    }

    private static void answer(DatagramSocket socket) {
        DatagramPacket packet = new DatagramPacket(new byte[64], 64);
        while (true) {
            try {
                socket.receive(packet);
                socket.send(packet);
            } catch (IOException e) {
                System.err.println(e.getMessage());
            }
        }
    }

    private static void ask(DatagramSocket socket, InetSocketAddress to) throws IOException {
        socket.setSoTimeout(TIMEOUT_MS);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            socket.send(new DatagramPacket(new byte[8], 8, to));
            try {
                socket.receive(new DatagramPacket(new byte[8], 8));
                return;
            } catch (SocketTimeoutException lost) {
                // Once more.
            }
        }
        throw new IOException(to + " does not answer");
    }
}
