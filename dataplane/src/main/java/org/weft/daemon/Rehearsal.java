package org.weft.daemon;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.weft.cli.HttpLine;
import org.weft.dataplane.io.linux.NativeCode;

/**
 * Goes through the client's commands once, against a stand-in for the daemon, and through the start of a daemon
 * without VTEPs, so that the JVM sees the classes they need. scripts/weft runs it to make the class-data archive that
 * takes a third off the time to start. Needs no privileges.
 */
final class Rehearsal {
    private static final String LINK =
            """
            [{"ifindex":5,"ifname":"silk-vtep","flags":["UP"],"mtu":1410,"operstate":"UNKNOWN",
            "address":"ee:ee:0a:ff:7e:00","addr_info":[{"local":"10.255.126.0","prefixlen":16}],
            "linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"10.0.32.12","port_range":{"low":0,"high":0},
            "port":4789,"ttl":0,"tos":0,"df":"unset","gbp":true}},"stats64":{"rx":{"bytes":1},"tx":{"bytes":1}},
            "weft":{"offloads":{"checksum":"on"},"persist":false,"trouble":null,"counters":{"TX_FRAMES":1}}}]
            """;
    private static final String FDB =
            """
            [{"mac":"ee:ee:0a:ff:2b:00","ifname":"silk-vtep","dst":"10.0.16.14","flags":["self"],"state":"permanent"}]
            """;
    private static final String DROPS =
            """
            [{"dev":"silk-vtep","direction":"tx","reason":"VXLAN_NO_REMOTE","count":3,"meaning":"none",
            "last":"2026-11-20T10:00:00.123Z","length":98,"header":"eeee0aff2b00"}]
            """;

    private static final List<String> COMMANDS = List.of(
            "-d -s link show",
            "fdb show",
            "neigh show",
            "tag show",
            "drops show",
            "-j link show",
            "fdb replace ee:ee:0a:ff:2b:00 dev silk-vtep dst 10.0.16.14 self permanent",
            "neigh replace 10.255.43.0 lladdr ee:ee:0a:ff:2b:00 dev silk-vtep",
            "tag replace 10.255.99.0/24 1",
            "link add silk-vtep type vxlan id 1 local 10.0.32.12 gbp address 10.255.126.0/16 srcport 0 0 ttl 64",
            "fdb add ee:ee",
            "fdb add dts",
            "-batch -",
            "--help",
            "link --help",
            "--version",
            "nothing");

    private Rehearsal() {}

    /** @param arguments one, the path of the control socket to use meanwhile */
    public static void main(String[] arguments) throws IOException {
        Path socket = Path.of(arguments[0]);
        try {
            client(socket);
            daemon(socket);
        } finally {
            Files.deleteIfExists(socket);
        }
    }

    private static void client(Path socket) throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread daemon = new Thread(() -> serve(server), "stand-in");
            daemon.setDaemon(true);
            daemon.start();
            COMMANDS.forEach(command -> run(socket, command));
        }
    }

    private static void daemon(Path socket) {
        NativeCode.load();
        Daemon daemon = new Daemon(null, socket);
        daemon.start();
        try {
            run(socket, "link show");
            run(socket, "fdb add ee:ee:0a:ff:2b:00 dst 10.0.16.14");
        } finally {
            daemon.stop();
        }
    }

    private static void run(Path socket, String command) {
        String[] words = ("--control " + socket + " " + command).split(" ");
        InputStream batch = new ByteArrayInputStream(
                "fdb add ee:ee:0a:ff:2b:00 dst 10.0.16.14\nfdb show\n".getBytes(StandardCharsets.UTF_8));
        PrintStream nowhere = new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        Main.execute(List.of(words), batch, nowhere, nowhere);
    }

    private static void serve(ServerSocketChannel server) {
        while (true) {
            try (SocketChannel client = server.accept()) {
                String request = HttpLine.read(Channels.newInputStream(client));
                String body = answer(request);
                String answer = "HTTP/1.1 200 OK\r\ncontent-length: " + body.length() + "\r\n\r\n" + body;
                client.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.US_ASCII)));
            } catch (IOException e) {
                return; // the rehearsal is over
            }
        }
    }

    private static String answer(String request) {
        if (request.startsWith("POST")) {
            return "{\"applied\":1}";
        }
        return request.contains("link") ? LINK : request.contains("drops") ? DROPS : FDB;
    }
}
