package org.weft.fuzz;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.encap.IpAddress;
import org.weft.fuzz.ReceiveModel.Expected;

/** A host set up at random and some rounds of traffic through it, all of which follow from a seed and a number. */
final class Scenario {
    private static final int ROUNDS = 24;
    private static final int SUBNET_LENGTH = 24;
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private static final Counter[] RECEIVE_COUNTERS = {
        Counter.RX_FRAMES,
        Counter.RX_BYTES,
        Counter.RX_DELIVERED,
        Counter.RX_COALESCED,
        Counter.SPOOFED_UNDERLAY_PASSED,
        Counter.SPOOFED_MAC_PASSED,
        Counter.SPOOFED_IP_PASSED,
        Counter.LEARNED,
        Counter.LEARNED_LIMIT,
        Counter.PKT_TOO_SMALL,
        Counter.VXLAN_INVALID_HDR,
        Counter.LOCAL_MAC,
        Counter.MAC_INVALID_SOURCE,
        Counter.VXLAN_ENTRY_EXISTS,
        Counter.IP_HDR_TRUNC,
        Counter.IP_TUNNEL_ECN,
        Counter.UNDERLAY_UNKNOWN,
        Counter.SPOOFED_UNDERLAY,
        Counter.SPOOFED_MAC,
        Counter.SPOOFED_IP,
        Counter.DEV_READY,
        Counter.TAP_REFUSED,
    };

    private static final Counter[] PORT_COUNTERS = {
        Counter.RX_DATAGRAMS, Counter.PKT_TOO_SMALL, Counter.VXLAN_INVALID_HDR, Counter.VXLAN_VNI_NOT_FOUND,
    };

    /** Where devices throw, packets are lost. */
    private static final Counter[] NOT_COMPARED = {};

    private static final Counter[] SEND_COUNTERS = {
        Counter.TX_FRAMES,
        Counter.TX_BYTES,
        Counter.TX_REPLICATED,
        Counter.TX_SEGMENTED,
        Counter.TX_SENT,
        Counter.TX_UNCUT,
        Counter.NEIGHBOUR_ANSWERED,
        Counter.VXLAN_NO_REMOTE,
        Counter.NEIGH_UNKNOWN,
        Counter.NEIGH_UNANSWERED,
        Counter.TX_HDR_TRUNC,
        Counter.CIRCULAR_ROUTE,
        Counter.SKB_GSO_SEG,
        Counter.PKT_TOO_BIG,
        Counter.IP_OUTNOROUTES,
        Counter.SOCKET_SNDBUFF,
        Counter.UNDERLAY_REFUSED,
    };

    private final SplittableRandom random;
    private final FuzzHost host;
    private final ReceiveModel model;
    private final Bursts bursts;

    /** Nothing ever leaves and nothing is allowed: then no IP packet for a container may pass. */
    private final boolean closed;

    private List<?> inputs = List.of();
    private long packets;

    Scenario(long seed, long number) {
        random = new SplittableRandom(seed * GOLDEN ^ number);
        host = new FuzzHost(random);
        model = new ReceiveModel(host.port, host.vteps);
        bursts = new Bursts(random);
        closed = random.nextInt(6) == 0;
        host.vteps.forEach(this::enforce);
    }

    /** The counters that models predict; all scenarios together must reach each. */
    static Stream<Counter> compared() {
        return Stream.concat(Stream.of(RECEIVE_COUNTERS), Stream.of(SEND_COUNTERS));
    }

    /** Runs it; how many datagrams and frames passed. */
    long run() {
        try {
            for (int round = 0; round < ROUNDS; round++) {
                if (random.nextInt(12) == 0) {
                    host.capture(random.nextBoolean());
                }
                for (FuzzVtep vtep : host.vteps) {
                    if (random.nextInt(4) == 0) {
                        enforce(vtep);
                    }
                }
                if (closed || random.nextInt(3) != 0) {
                    receive();
                } else {
                    send(host.vteps.get(random.nextInt(host.vteps.size())));
                }
                host.checkBooks();
            }
            host.capture(false);
            host.close();
        } catch (RuntimeException e) {
            throw new Finding(e + "\nAfter " + packets + " packets came\n" + shown(), e);
        }
        return packets;
    }

    private String shown() {
        return inputs.stream().map(input -> "  " + input + "\n").collect(Collectors.joining());
    }

    /** Judges the packets of a VTEP by something else. */
    private void enforce(FuzzVtep vtep) {
        Mode mode = closed ? Mode.ENFORCE : Mode.values()[random.nextInt(Mode.values().length)];
        Spoofing spoofing = Spoofing.values()[random.nextInt(Spoofing.values().length)];
        Refusal refusal = Refusal.values()[random.nextInt(Refusal.values().length)];
        if (mode == Mode.NETFILTER) {
            vtep.vtep.expectMarksInMac();
        }
        vtep.vtep.enforcement(
                new Enforcement(mode, refusal, spoofing, SUBNET_LENGTH, policies(), vtep.flows, VerdictSink.NONE));
    }

    private PolicyTable policies() {
        List<Policy> policies = new ArrayList<>();
        for (int i = closed ? 0 : random.nextInt(6); i > 0; i--) {
            Protocol protocol = Protocol.values()[random.nextInt(Protocol.values().length)];
            int container = random.nextInt(4);
            boolean ipv4 = random.nextInt(3) != 0;
            IpAddress destination = IpAddress.parse(ipv4 ? "10.255.1." + container : "fd00::aff:10" + container);
            int port = protocol.hasPorts() ? random.nextInt(1, 0x10000) : 0;
            policies.add(new Policy(random.nextInt(1, 4), destination, protocol, Math.min(port, 7777), port));
        }
        return new PolicyTable(policies);
    }

    private void receive() {
        List<Message> messages = new ArrayList<>();
        for (int i = random.nextInt(1, 24); i > 0; i--) {
            messages.addAll(bursts.arriving());
        }
        inputs = messages;
        for (Message message : messages) {
            host.underlay.send(message);
            model.receive(message);
            packets += message.datagrams().size();
        }
        host.receive();
        for (FuzzVtep vtep : host.vteps) {
            List<Expected> expected = model.take(vtep);
            Deliveries deliveries = new Deliveries(vtep, expected, host.crashes());
            List<FuzzTap.Written> written = vtep.tap.written();
            deliveries.check(written);
            new Refusals(vtep, expected).check(vtep.refusalSender.sent());
            if (closed) {
                written.forEach(frame -> checkClosed(vtep, frame));
            }
            vtep.ledger.settle(host.crashes() ? NOT_COMPARED : RECEIVE_COUNTERS);
        }
        host.port.settle(PORT_COUNTERS);
    }

    /** A frame that passed though nothing is allowed: it is for the host or the link, or not IP. */
    private static void checkClosed(FuzzVtep vtep, FuzzTap.Written written) {
        Parsed parsed = new Parsed(written.frame());
        int type = Parsed.innermostType(written.frame());
        boolean ip = parsed.ipv4 || parsed.ipv6;
        boolean forHost = ip
                && (parsed.destination().isLinkScope()
                        || vtep.config().device().addresses().stream()
                                .map(prefix -> prefix.address())
                                .anyMatch(own -> own.high()
                                                == parsed.destination().high()
                                        && own.low() == parsed.destination().low()));
        boolean other = !ip && type != Parsed.IPV4 && type != Parsed.IPV6 && type != Parsed.NONE;
        if (!forHost && !other) {
            throw new Finding(vtep.vtep.name() + ": a packet passed that no policy allows: " + written);
        }
    }

    private void send(FuzzVtep vtep) {
        List<Outgoing> frames = new ArrayList<>();
        for (int i = random.nextInt(1, 60); i > 0; i--) {
            frames.addAll(bursts.leaving());
        }
        inputs = frames;
        packets += frames.size();
        frames.forEach(vtep.tap::hostSends);
        vtep.send();
        SendModel sent = new SendModel(vtep, host.captures(), vtep.sender.sent(), vtep.tap.written());
        if (host.crashes()) {
            vtep.ledger.settle(NOT_COMPARED);
        } else {
            sent.check(frames);
            vtep.ledger.settle(SEND_COUNTERS);
        }
    }

    /** How often each outcome was reached, for a test to see that the scenarios reach all. */
    Map<Counter, Long> outcomes() {
        Map<Counter, Long> sums = new HashMap<>();
        for (Counter counter : Counter.values()) {
            long sum = host.port.total(counter);
            for (FuzzVtep vtep : host.vteps) {
                sum += vtep.vtep.counters().get(counter);
            }
            sums.put(counter, sum);
        }
        return sums;
    }
}
