package org.weft.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.table.Remote;
import org.weft.encap.IpAddress;
import org.weft.fuzz.Parsed.Address;

/** Says what must become of each received datagram: a counter, or a frame for the host and whether that must reach it. */
final class ReceiveModel {
    /**
     * A frame that may reach the host.
     *
     * @param inner as it was in the datagram
     * @param frame as the host gets it
     * @param certain false where policies and flows decide
     */
    record Expected(byte[] inner, byte[] frame, boolean certain) {}

    private static final int VXLAN = 8;
    private static final int FLAG_I = 0x0800_0000;
    private static final int FLAG_G = 0x8000_0000;
    private static final int MARK_BITS = 0x0048_ffff;

    private final Ledger port;
    private final Map<Integer, FuzzVtep> vteps = new HashMap<>();
    private final Map<FuzzVtep, List<Expected>> expected = new HashMap<>();

    ReceiveModel(Ledger port, List<FuzzVtep> all) {
        this.port = port;
        for (FuzzVtep vtep : all) {
            vteps.put(vtep.config().vni(), vtep);
        }
    }

    /** What may reach a VTEP's TAP, in order, of all that was received since the last call. */
    List<Expected> take(FuzzVtep vtep) {
        List<Expected> taken = expected.remove(vtep);
        return taken == null ? List.of() : taken;
    }

    void receive(Message message) {
        for (byte[] datagram : message.datagrams()) {
            port.due(Counter.RX_DATAGRAMS, 1);
            receive(datagram, message);
        }
    }

    private void receive(byte[] datagram, Message message) {
        if (datagram.length < VXLAN) {
            port.due(Counter.PKT_TOO_SMALL, 1);
            return;
        }
        int flags = Octets.get32(datagram, 0);
        FuzzVtep vtep = vteps.get(Octets.get32(datagram, 4) >>> 8);
        if ((flags & FLAG_I) == 0 || vtep == null) {
            port.due((flags & FLAG_I) == 0 ? Counter.VXLAN_INVALID_HDR : Counter.VXLAN_VNI_NOT_FOUND, 1);
            return;
        }
        vtep.ledger.due(Counter.RX_FRAMES, 1);
        byte[] inner = Arrays.copyOfRange(datagram, VXLAN, datagram.length);
        Counter reason = refusal(vtep, flags, Octets.get8(datagram, 7), inner, message);
        if (reason != null) {
            vtep.ledger.due(reason, 1);
            return;
        }
        Parsed parsed = new Parsed(inner);
        byte[] frame = inner.clone();
        applyEcn(new Parsed(frame), message.tos());
        if (vtep.enforcement().mode() == Mode.NETFILTER) {
            putMark(frame, (flags & FLAG_G) != 0 ? flags & MARK_BITS : 0);
        }
        boolean certain = vtep.enforcement().mode() != Mode.ENFORCE || !isJudged(parsed);
        expected.computeIfAbsent(vtep, none -> new ArrayList<>()).add(new Expected(inner, frame, certain));
    }

    private static boolean isJudged(Parsed parsed) {
        return parsed.ipv4 || parsed.ipv6 || parsed.endsInTag();
    }

    private Counter refusal(FuzzVtep vtep, int flags, int reservedByte, byte[] inner, Message message) {
        if (vtep.config().forwarding().knownPeers() && !vtep.tables.knows(message.source())) {
            return Counter.UNDERLAY_UNKNOWN;
        }
        int reserved = vtep.config().encapsulation().gbp() ? 0x7700_0000 : ~FLAG_I;
        if ((flags & reserved) != 0 || reservedByte != 0) {
            return Counter.VXLAN_INVALID_HDR;
        }
        if (inner.length < 14) {
            return Counter.PKT_TOO_SMALL;
        }
        long source = Octets.get48(inner, 6);
        if (source == vtep.vtep.mac()) {
            return Counter.LOCAL_MAC;
        }
        if (vtep.config().forwarding().learning()) {
            if (source == 0 || (inner[6] & 1) != 0) {
                return Counter.MAC_INVALID_SOURCE;
            }
            switch (vtep.tables.learn(source, message.source())) {
                case STATIC_ELSEWHERE -> {
                    return Counter.VXLAN_ENTRY_EXISTS;
                }
                case LEARNED -> vtep.ledger.due(Counter.LEARNED, 1);
                case FULL -> vtep.ledger.due(Counter.LEARNED_LIMIT, 1);
                case KNOWN -> {}
            }
        }
        Parsed parsed = new Parsed(inner);
        if (!parsed.complete) {
            return Counter.IP_HDR_TRUNC;
        }
        boolean ip = parsed.ipv4 || parsed.ipv6;
        if (ip && (message.tos() & 3) == 3 && (parsed.tos() & 3) == 0) {
            return Counter.IP_TUNNEL_ECN;
        }
        return spoofed(vtep, parsed, source, message.source());
    }

    /** Null if it is not spoofed, or may pass. */
    private static Counter spoofed(FuzzVtep vtep, Parsed parsed, long mac, IpAddress from) {
        Enforcement enforcement = vtep.enforcement();
        if (enforcement.spoofing() == Spoofing.OFF) {
            return null;
        }
        List<Remote> remotes = vtep.tables.remotes(mac);
        Counter reason = null;
        if (remotes == null) {
            reason = Counter.SPOOFED_MAC;
        } else if (remotes.stream().noneMatch(remote -> remote.address().equals(from))) {
            reason = Counter.SPOOFED_UNDERLAY;
        } else if (parsed.endsInTag()) {
            reason = Counter.SPOOFED_IP;
        } else if (parsed.ipv4 || parsed.ipv6) {
            reason = holds(vtep.tables, mac, parsed.source()) ? null : Counter.SPOOFED_IP;
        }
        if (reason == null || enforcement.spoofing() == Spoofing.DROP) {
            return reason;
        }
        vtep.ledger.due(passed(reason), 1);
        return null;
    }

    private static Counter passed(Counter reason) {
        return switch (reason) {
            case SPOOFED_MAC -> Counter.SPOOFED_MAC_PASSED;
            case SPOOFED_UNDERLAY -> Counter.SPOOFED_UNDERLAY_PASSED;
            default -> Counter.SPOOFED_IP_PASSED;
        };
    }

    private static boolean holds(Tables tables, long mac, Address source) {
        long holder = tables.neighbour(source);
        if (holder < 0 && source.isV4()) {
            holder = tables.neighbour(Address.v4((int) source.low() & 0xffff_ff00));
        }
        return holder == mac || holder < 0 && !source.isV4();
    }

    /** RFC 6040, figure 4, with the checksum kept as right or wrong as it was. */
    private static void applyEcn(Parsed parsed, int outerTos) {
        int outer = outerTos & 3;
        int inner = parsed.tos() & 3;
        boolean ip = parsed.ipv4 || parsed.ipv6;
        int becomes = outer == 3 ? 3 : outer == 1 && inner == 2 ? 1 : inner;
        if (!ip || inner == 0 || inner == 3 || becomes == inner) {
            return;
        }
        byte[] frame = parsed.frame;
        int before = Octets.get16(frame, parsed.network);
        int shift = parsed.ipv4 ? 0 : 4;
        int after = before & ~(3 << shift) | becomes << shift;
        Octets.put16(frame, parsed.network, after);
        if (parsed.ipv4) {
            int field = Octets.get16(frame, parsed.network + 10);
            int sum = Octets.fold((~field & 0xffff) + (~before & 0xffff) + after);
            Octets.put16(frame, parsed.network + 10, ~sum);
        }
    }

    private static void putMark(byte[] frame, int mark) {
        Octets.put16(frame, 6, 0x0657);
        ByteBuffer.wrap(frame).order(ByteOrder.nativeOrder()).putInt(8, mark);
    }
}
