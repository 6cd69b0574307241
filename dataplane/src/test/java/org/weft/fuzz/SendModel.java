package org.weft.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.encap.IpAddress;
import org.weft.fuzz.FuzzSender.Sent;
import org.weft.fuzz.FuzzSender.Way;
import org.weft.fuzz.FuzzTap.Written;

/** Says what must become of each frame that the host sends, and compares. */
final class SendModel {
    private static final int NEEDS_CHECKSUM = 1;
    private static final int MARK_PREFIX = 0x06_57_46;
    private static final int UDP_L4 = 5;

    private final FuzzVtep vtep;
    private final boolean captured;
    private final List<Sent> sent;
    private final List<Written> answers;
    private int nextSent;
    private int nextAnswer;

    /**
     * @param captured whether a capture is open, so that nothing may leave uncut
     * @param sent all that was given to the sender
     * @param answers all that was written to the TAP meanwhile
     */
    SendModel(FuzzVtep vtep, boolean captured, List<Sent> sent, List<Written> answers) {
        this.vtep = vtep;
        this.captured = captured;
        this.sent = sent;
        this.answers = answers;
    }

    /** Compares, and notes what must have been counted. */
    void check(List<Outgoing> frames) {
        for (Outgoing frame : frames) {
            vtep.ledger.due(Counter.TX_FRAMES, 1);
            vtep.ledger.due(Counter.TX_BYTES, frame.frame().length);
            Counter verdict = send(frame);
            if (verdict != null) {
                vtep.ledger.due(verdict, 1);
            }
        }
        if (nextSent < sent.size()) {
            throw new Finding(vtep.vtep.name() + ": too many datagrams were sent, from " + sent.get(nextSent));
        }
        if (nextAnswer < answers.size()) {
            throw new Finding(vtep.vtep.name() + ": an answer to nothing: " + answers.get(nextAnswer));
        }
    }

    /** The counter that a frame ends in alone; null if its datagrams are counted. */
    private Counter send(Outgoing outgoing) {
        byte[] frame = outgoing.frame().clone();
        if (frame.length < 14 || outgoing.gsoType() == 0 && !completeChecksum(frame, outgoing)) {
            return Counter.TX_HDR_TRUNC;
        }
        Parsed parsed = new Parsed(frame);
        if (!parsed.complete) {
            return Counter.TX_HDR_TRUNC;
        }
        if (vtep.loops.loops(parsed)) {
            return Counter.CIRCULAR_ROUTE;
        }
        if (vtep.config().forwarding().proxy()) {
            Counter verdict = answer(parsed);
            if (verdict != null) {
                return verdict;
            }
        }
        List<Remote> remotes = vtep.tables.remotes(Octets.get48(frame, 0));
        remotes = remotes == null ? vtep.tables.defaultRemotes() : remotes;
        if (remotes == null) {
            return Counter.VXLAN_NO_REMOTE;
        }
        int mark = mark(parsed);
        if (outgoing.gsoType() != 0 && !Cut.isPossible(parsed, outgoing.gsoType(), outgoing.gsoSize())) {
            return Counter.SKB_GSO_SEG;
        }
        for (Remote remote : remotes) {
            sendTo(remote, mark, parsed, outgoing);
        }
        vtep.ledger.due(Counter.TX_REPLICATED, remotes.size() - 1);
        return null;
    }

    /** Fills in the checksum that the host left to the device; false if it does not lie in the frame. */
    private static boolean completeChecksum(byte[] frame, Outgoing outgoing) {
        if ((outgoing.flags() & NEEDS_CHECKSUM) == 0) {
            return true;
        }
        int start = outgoing.checksumStart();
        int field = start + outgoing.checksumOffset();
        if (field + 2 > frame.length || outgoing.checksumOffset() > 255) {
            return false;
        }
        int checksum = Octets.checksum(frame, start, frame.length, 0);
        Octets.put16(frame, field, checksum == 0 ? 0xffff : checksum);
        return true;
    }

    /** What the frame ends in if it asks for a neighbour; else null. */
    private Counter answer(Parsed parsed) {
        byte[] frame = parsed.frame;
        int type = Octets.get16(frame, 12);
        byte[] reply;
        if (type == Parsed.ARP) {
            if (!NeighbourModel.isArp(frame)) {
                return Counter.TX_HDR_TRUNC;
            }
            reply = NeighbourModel.arpReply(frame, vtep.tables);
        } else if (type == Parsed.IPV6 && NeighbourModel.isSolicitation(frame)) {
            reply = NeighbourModel.advertisement(frame, vtep.tables);
        } else {
            return null;
        }
        if (reply == null) {
            return Counter.NEIGH_UNKNOWN;
        }
        if (nextAnswer == answers.size()
                || !Arrays.equals(reply, answers.get(nextAnswer).frame())) {
            String got = nextAnswer == answers.size()
                    ? "nothing"
                    : answers.get(nextAnswer).toString();
            throw new Finding(
                    vtep.vtep.name() + ": the answer is not " + HexFormat.of().formatHex(reply) + " but " + got);
        }
        return answers.get(nextAnswer++).errno() == 0 ? Counter.NEIGHBOUR_ANSWERED : Counter.NEIGH_UNANSWERED;
    }

    private int mark(Parsed parsed) {
        if (!vtep.config().encapsulation().gbp()) {
            return 0;
        }
        int carried = 0;
        byte[] frame = parsed.frame;
        if (vtep.vtep.marksInMac() && Octets.get48(frame, 6) >>> 24 == MARK_PREFIX) {
            carried = 0x0100_0000 | (int) Octets.get48(frame, 6) & 0xff_ffff;
            Octets.put48(frame, 6, vtep.vtep.mac());
        }
        return vtep.enforcement().mode() == Mode.NETFILTER ? carried : vtep.tables.tag(parsed.source());
    }

    private byte[] header(Remote remote, int mark) {
        byte[] header = new byte[8];
        int vni = remote.vni() == Remote.SAME_VNI ? vtep.config().vni() : remote.vni();
        Octets.put32(header, 0, mark == 0 ? 0x0800_0000 : 0x8800_0000 | mark & 0x0048_ffff);
        Octets.put32(header, 4, vni << 8);
        return header;
    }

    private Way way(Remote remote, Parsed parsed) {
        VtepConfig config = vtep.config();
        int inner = parsed.tos();
        int tos = (config.encapsulation().tos() == VtepConfig.TOS_INHERIT
                                ? inner
                                : config.encapsulation().tos())
                        & 0xfc
                | ((inner & 3) == 3 ? 2 : inner & 3);
        int ttl = config.encapsulation().ttl() == VtepConfig.TTL_INHERIT
                ? parsed.ttl()
                : config.encapsulation().ttl();
        boolean dontFragment = config.encapsulation().df() == Df.SET
                || config.encapsulation().df() == Df.INHERIT && (parsed.ipv6 || parsed.dontFragment());
        IpAddress address = remote.address();
        return new Way(address, remote.port() == 0 ? config.underlay().port() : remote.port(), tos, ttl, dontFragment);
    }

    private void sendTo(Remote remote, int mark, Parsed parsed, Outgoing outgoing) {
        byte[] header = header(remote, mark);
        Way way = way(remote, parsed);
        if (outgoing.gsoType() == 0) {
            match(header, parsed.frame, way);
            return;
        }
        if (nextSent < sent.size() && sent.get(nextSent).uncut()) {
            if (captured || outgoing.gsoType() == UDP_L4 || parsed.network != 14) {
                throw wrong("left uncut that must be cut", parsed.frame);
            }
            match(header, parsed.frame, way);
            vtep.ledger.due(Counter.TX_UNCUT, 1);
            return;
        }
        List<byte[]> segments = new ArrayList<>(Cut.segments(parsed, outgoing.gsoSize()));
        segments.forEach(segment -> match(header, segment, way));
        vtep.ledger.due(Counter.TX_SEGMENTED, segments.size() - 1);
    }

    private void match(byte[] header, byte[] frame, Way way) {
        if (nextSent == sent.size()) {
            throw wrong("was not sent", frame);
        }
        Sent next = sent.get(nextSent++);
        if (!next.way().equals(way) || !Arrays.equals(next.payload(), Octets.join(header, frame))) {
            throw wrong(
                    "was to be sent with " + HexFormat.of().formatHex(header) + " to " + way + ", but there is " + next,
                    frame);
        }
        vtep.ledger.due(outcome(next.errno()), 1);
    }

    /** What a datagram ends in, by errno of asm-generic. */
    static Counter outcome(int errno) {
        return switch (errno) {
            case 0 -> Counter.TX_SENT;
            case 11, 12, 105 -> Counter.SOCKET_SNDBUFF;
            case 90 -> Counter.PKT_TOO_BIG;
            case 6, 19, 22, 97, 99, 100, 101, 113 -> Counter.IP_OUTNOROUTES;
            default -> Counter.UNDERLAY_REFUSED;
        };
    }

    private Finding wrong(String what, byte[] frame) {
        return new Finding(vtep.vtep.name() + ": the frame " + HexFormat.of().formatHex(frame) + " " + what);
    }
}
