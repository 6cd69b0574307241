package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;
import org.weft.encap.TcpHeader;
import org.weft.encap.VxlanHeader;
import org.weft.testing.IpPackets;
import org.weft.testing.RequiresRoot;

/**
 * Gives a host of the kernel's, with the iptables rules of vxlan-policy-agent, and one of Weft's the same packets, coming
 * and going in turn: the containers of both must get the same.
 */
@RequiresRoot
class PolicyDifferentialIT {
    private static final int ROUNDS = 200;
    private static final int PACKETS = 50;
    private static final long SEED = 11;
    private static final List<Integer> TAGS = List.of(5, 9);
    private static final int VXLAN_PORT = 4789;
    private static final int MARKER_PORT = 9;
    private static final int MARKER_TAG = 3;
    private static final int[] SENT_TAGS = {0, 1, 2, 3};
    private static final int[] PORTS = {80, 81, 90, 1000};
    /** New ones now and then, so that none of a flow's timeouts is at hand. */
    private static final int FIRST_CLIENT_PORT = 40000;

    private static final int ROUNDS_OF_A_PORT = 5;
    private static final int UNREACHABLE = 3;
    private static final int PORT_UNREACHABLE = 3;
    private static final int[] TCP_FLAGS = {
        TcpHeader.SYN,
        TcpHeader.SYN,
        TcpHeader.SYN | TcpHeader.ACK,
        TcpHeader.ACK,
        TcpHeader.ACK | TcpHeader.PSH,
        TcpHeader.ACK | TcpHeader.FIN,
        TcpHeader.RST,
        TcpHeader.RST | TcpHeader.ACK,
        TcpHeader.SYN | TcpHeader.FIN
    };

    /** What {@link #told} says of a packet that a container got. */
    private static final Pattern FLOW = Pattern.compile("container (.):.* ([0-9a-f]{4})([0-9a-f]{4})");

    /** One packet, the same for both hosts but for their own addresses. */
    private record Step(boolean leaving, int container, int tag, int peer, byte[][] frames) {
        @Override
        public String toString() {
            return (leaving ? "leaving " : "arriving ") + container + " peer " + peer + " tag " + tag + " "
                    + told(frames[0]);
        }
    }

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final IpPackets[] arriving = new IpPackets[2];

    private CellLab lab;
    private int markers = 10_000;
    private final List<Step> history = new ArrayList<>();

    /** A host, and where its packets can be seen. */
    private record Side(CellHost host, PacketSocket underlay, List<PacketSocket> containers) implements AutoCloseable {
        @Override
        public void close() {
            underlay.close();
            containers.forEach(PacketSocket::close);
        }
    }

    @Test
    void containersGetWhatIptablesLetsIn() throws IOException {
        try (CellLab opened = CellLab.plumb(Subject.KERNEL, Subject.WEFT)) {
            lab = opened;
            start();
            DatagramSocket wire = wire();
            Side kernel = side(0);
            Side weft = side(1);
            try (wire;
                    kernel;
                    weft) {
                compare(wire, kernel, weft);
            }
        }
    }

    /** The host that packets come from has a lease, and its underlay address is the router's. */
    private DatagramSocket wire() {
        String underlay = CellLab.spare().underlay();
        lab.router().ip("address add " + underlay + "/32 dev port0");
        return lab.router().call(() -> new DatagramSocket(new InetSocketAddress(underlay, 0)));
    }

    private Side side(int number) {
        CellHost host = lab.hosts.get(number);
        return new Side(
                host,
                PacketSocket.open(lab.router(), "port" + number),
                host.containers().stream()
                        .map(container -> PacketSocket.open(container.netns(), "eth0"))
                        .toList());
    }

    private void start() throws IOException {
        StringBuilder yaml = new StringBuilder("allow:\n");
        List<List<Policy>> policies = List.of(policies(0), policies(1));
        for (Policy policy : policies.get(1)) {
            yaml.append("- {tag: %d, destination: %s, protocol: %s%s}\n"
                    .formatted(
                            policy.tag(),
                            policy.destination(),
                            policy.protocol().name().toLowerCase(Locale.ROOT),
                            policy.protocol().hasPorts()
                                    ? ", ports: " + policy.firstPort() + "-" + policy.lastPort()
                                    : ""));
        }
        var file = Files.writeString(lab.directory().resolve("policies.yml"), yaml);
        lab.hosts.forEach(host -> host.sections("policy: {state: "
                + lab.directory().resolve("policy") + ", refuse: drop, source: {file: " + file + "}}"));
        lab.add(CellLab.spare());
        lab.populate();
        // All that leaves is the test's; containers say nothing by themselves.
        lab.containers().forEach(container -> container.netns().exec("iptables", "-P", "OUTPUT", "DROP"));
        CellHost kernel = lab.hosts.get(0);
        KernelPolicy.apply(kernel.netns, kernel.containers(), TAGS, policies.get(0));
        // Windows are not followed here.
        kernel.netns.sysctl("net.netfilter.nf_conntrack_tcp_be_liberal", "1");
        long sender = MacAddress.parse(CellLab.spare().mac());
        for (int i = 0; i < 2; i++) {
            long own = MacAddress.parse(lab.hosts.get(i).lease().mac());
            arriving[i] = new IpPackets(own, sender);
        }
    }

    /** The same for the containers of each host. */
    private List<Policy> policies(int host) {
        List<String> addresses = CellLab.containerAddresses(2).subList(2 * host, 2 * host + 2);
        IpAddress first = IpAddress.parse(addresses.get(0));
        IpAddress second = IpAddress.parse(addresses.get(1));
        return List.of(
                new Policy(1, first, Protocol.TCP, 80, 89),
                new Policy(1, second, Protocol.UDP, 81, 1000),
                new Policy(2, first, Protocol.UDP, 1, 65535),
                new Policy(2, second, Protocol.TCP, 90, 90),
                new Policy(3, first, Protocol.ICMP, 0, 0),
                new Policy(3, first, Protocol.UDP, MARKER_PORT, MARKER_PORT),
                new Policy(3, second, Protocol.TCP, 1000, 1000));
    }

    private void compare(DatagramSocket wire, Side kernel, Side weft) throws IOException {
        int delivered = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int port = FIRST_CLIENT_PORT + round / ROUNDS_OF_A_PORT;
            List<Step> steps = Stream.generate(() -> step(port)).limit(PACKETS).toList();
            List<String> expected = play(steps, 0, wire, kernel);
            List<String> got = play(steps, 1, wire, weft);
            delivered += expected.size();
            history.addAll(steps);
            assertEquals(String.join("\n", expected), String.join("\n", got), () -> story(expected, got));
        }
        int all = ROUNDS * PACKETS;
        assertTrue(delivered > all / 20 && delivered < all / 2, delivered + " of " + all + " were let in");
    }

    /** All that happened to the flow that the first difference is about. */
    private String story(List<String> expected, List<String> got) {
        int same = 0;
        while (same < Math.min(expected.size(), got.size())
                && expected.get(same).equals(got.get(same))) {
            same++;
        }
        String told = same < expected.size() ? expected.get(same) : got.get(same);
        Matcher flow = FLOW.matcher(told);
        assertTrue(flow.find(), told);
        String container = "ing " + flow.group(1);
        String back = flow.group(3) + flow.group(2);
        return told + "; of that flow:\n"
                + history.stream()
                        .map(Step::toString)
                        .filter(step -> step.contains(container))
                        .filter(step -> step.contains(flow.group(2) + flow.group(3)) || step.contains(back))
                        .collect(Collectors.joining("\n"))
                + "\n";
    }

    private int any(int... of) {
        return of[random.nextInt(of.length)];
    }

    private Step step(int far) {
        boolean leaves = random.nextInt(4) == 0;
        int container = random.nextInt(2);
        int kind = random.nextInt(leaves ? 5 : 6);
        int near = any(PORTS);
        int flags = any(TCP_FLAGS);
        int type = any(0, 8, 8);
        int tag = any(SENT_TAGS);
        int last = 1 + random.nextInt(2);
        String peer = CellLab.spare().base().replaceAll("0$", Integer.toString(last));
        byte[][] frames = new byte[2][];
        for (int host = 0; host < 2; host++) {
            String own = lab.hosts.get(host).container(container).ip();
            IpPackets packets = leaves ? leavingOf(host, container) : arriving[host];
            String from = leaves ? own : peer;
            String to = leaves ? peer : own;
            int fromPort = leaves ? near : far;
            int toPort = leaves ? far : near;
            frames[host] = switch (kind) {
                case 0, 1 -> packets.tcp(from, fromPort, to, toPort, flags);
                case 2, 3 -> packets.udp(from, fromPort, to, toPort);
                case 4 -> packets.icmp(from, to, type, far);
                default -> packets.error(from, to, UNREACHABLE, PORT_UNREACHABLE, about(to, near, from, far, type));
            };
        }
        return new Step(leaves, container, tag, last, frames);
    }

    /** What a container may have sent, or not. */
    private byte[] about(String container, int near, String peer, int far, int type) {
        IpPackets packets = arriving[0];
        return switch (type) {
            case 0 -> packets.tcp(container, near, peer, far, TcpHeader.ACK);
            default -> packets.udp(container, near, peer, far);
        };
    }

    /** From a container's MAC address to its veth's other end. */
    private IpPackets leavingOf(int host, int container) {
        String hex = CellHost.hex(lab.hosts.get(host).container(container).ip());
        return new IpPackets(MacAddress.parse("aa:aa:" + hex), MacAddress.parse("ee:ee:" + hex));
    }

    /** What the containers of a host get, step by step. */
    private List<String> play(List<Step> steps, int number, DatagramSocket wire, Side side) throws IOException {
        InetAddress underlay = InetAddress.getByName(side.host().lease().underlay());
        List<String> got = new ArrayList<>();
        for (Step step : steps) {
            byte[] frame = step.frames()[number];
            if (step.leaving()) {
                await(wire, underlay, number, side, got);
                side.underlay().clear();
                side.containers().get(step.container()).send(frame);
                side.underlay().await("what " + step + " becomes", PolicyDifferentialIT::isVxlan);
            } else {
                send(wire, underlay, step.tag(), frame);
            }
        }
        await(wire, underlay, number, side, got);
        return got;
    }

    private static void send(DatagramSocket wire, InetAddress underlay, int tag, byte[] frame) throws IOException {
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, 1, tag);
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        wire.send(new DatagramPacket(datagram, datagram.length, underlay, VXLAN_PORT));
    }

    private static boolean isVxlan(byte[] frame) {
        return frame.length > 37 && frame[23] == 17 && Bytes.u16(frame, 36) == VXLAN_PORT;
    }

    /** All that was sent to the host has been judged when what was sent last arrives. */
    private void await(DatagramSocket wire, InetAddress underlay, int number, Side side, List<String> got)
            throws IOException {
        byte[] marker = arriving[number].udp(
                CellLab.spare().base(), ++markers, side.host().container(0).ip(), MARKER_PORT);
        send(wire, underlay, MARKER_TAG, marker);
        int port = markers;
        side.containers().get(0).await("the marker", frame -> isMarker(frame) && Bytes.u16(frame, 34) == port);
        for (int container = 0; container < side.containers().size(); container++) {
            for (byte[] frame : side.containers().get(container).take()) {
                if (!isMarker(frame)) {
                    got.add("container " + container + ": " + told(frame));
                }
            }
        }
    }

    private static boolean isMarker(byte[] frame) {
        return frame.length > 37 && frame[23] == 17 && Bytes.u16(frame, 36) == MARKER_PORT;
    }

    /** Protocol, what is in the place of ports, and TCP's flags; of an error, of the packet that it is about. */
    private static String told(byte[] frame) {
        int protocol = frame[23];
        if (protocol == FlowKey.ICMP) {
            int place = frame[34] == UNREACHABLE ? 62 : 38;
            return "icmp type " + frame[34] + " " + HexFormat.of().formatHex(frame, place, place + 4);
        }
        String ports = HexFormat.of().formatHex(frame, 34, 38);
        return protocol == TcpHeader.PROTOCOL ? "tcp " + ports + " flags " + frame[47] : "udp " + ports;
    }
}
