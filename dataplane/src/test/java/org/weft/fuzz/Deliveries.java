package org.weft.fuzz;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.weft.dataplane.counters.Counter;
import org.weft.fuzz.FuzzTap.Written;
import org.weft.fuzz.ReceiveModel.Expected;

/**
 * Compares what was written to a TAP with the frames that may reach it: in their order, each byte by byte, those of a
 * super-frame when it is cut again.
 */
final class Deliveries {
    private static final int NEEDS_CHECKSUM = 1;
    private static final int DATA_VALID = 2;
    private static final int UDP_L4 = 5;

    private final FuzzVtep vtep;
    private final List<Expected> expected;
    private final boolean lossy;
    private int next;
    private long missing;
    private long bytes;

    /** @param lossy whether frames may be missing, as devices throw */
    Deliveries(FuzzVtep vtep, List<Expected> expected, boolean lossy) {
        this.vtep = vtep;
        this.expected = expected;
        this.lossy = lossy;
    }

    /** Compares, and notes what must have been counted. */
    void check(List<Written> all) {
        for (Written written : all) {
            int frames = written.gsoType() == 0 ? plain(written) : superFrame(written);
            vtep.ledger.due(Counter.RX_COALESCED, frames - 1);
            Counter verdict = written.errno() == 0
                    ? Counter.RX_DELIVERED
                    : written.errno() == 5 ? Counter.DEV_READY : Counter.TAP_REFUSED;
            vtep.ledger.due(verdict, 1);
        }
        skipTo(expected.size());
        long noSlot = vtep.ledger.counted(Counter.NOMEM);
        if (missing > noSlot && !lossy) {
            throw new Finding(vtep.vtep.name() + ": " + missing + " frames did not reach the TAP that must, and "
                    + noSlot + " found no slot");
        }
        if (noSlot == 0) {
            vtep.ledger.due(Counter.RX_BYTES, bytes);
        } else {
            vtep.ledger.due(Counter.RX_BYTES, vtep.ledger.counted(Counter.RX_BYTES));
        }
    }

    private void skipTo(int position) {
        while (next < position) {
            missing += expected.get(next++).certain() ? 1 : 0;
        }
    }

    /** Finds a frame among those that may come next, and continues behind it. */
    private boolean found(byte[] frame) {
        for (int i = next; i < expected.size(); i++) {
            if (isSame(frame, expected.get(i).frame())) {
                skipTo(i);
                bytes += expected.get(i).frame().length;
                next = i + 1;
                return true;
            }
        }
        return false;
    }

    /**
     * Whether it is the frame that came, but for what is lost where segments are merged, and means nothing: an IPv4 id beside
     * DF, and which of its two zeros a TCP checksum has.
     */
    private static boolean isSame(byte[] frame, byte[] came) {
        if (Arrays.equals(frame, came)) {
            return true;
        }
        if (frame.length != came.length || frame.length < 34) {
            return false;
        }
        byte[] other = frame.clone();
        Parsed parsed = new Parsed(other);
        if (parsed.dontFragment() && parsed.transport != Parsed.NONE) {
            Octets.put16(other, parsed.network + 4, Octets.get16(came, parsed.network + 4));
            Cut.completeIpv4(other, parsed.network, parsed.transport);
        }
        if (parsed.hasTcpOrUdp()
                && parsed.protocol == Parsed.TCP
                && Octets.get16(other, parsed.checksumField()) == 0
                && Octets.get16(came, parsed.checksumField()) == 0xffff) {
            Octets.put16(other, parsed.checksumField(), 0xffff);
        }
        return Arrays.equals(other, came);
    }

    private int plain(Written written) {
        byte[] frame = written.frame();
        if (!found(frame)) {
            throw wrong("came from nowhere", written);
        }
        Parsed parsed = new Parsed(frame);
        boolean partial = isPartial(parsed);
        if (written.flags() == NEEDS_CHECKSUM) {
            checkPartial(parsed, written);
        } else if (partial) {
            throw wrong("has a partial checksum, of which the host is not told", written);
        } else if (written.flags() == DATA_VALID && !(parsed.hasTcpOrUdp() && parsed.isChecksumRight())) {
            throw wrong("is said to have a right checksum, and has none", written);
        }
        return 1;
    }

    /** Whether the host would drop it if it were not told that the checksum is to be filled in. */
    private static boolean isPartial(Parsed parsed) {
        return parsed.hasTcpOrUdp() && hasPseudoSum(parsed) && !parsed.isChecksumRight();
    }

    private static boolean hasPseudoSum(Parsed parsed) {
        return Octets.get16(parsed.frame, parsed.checksumField()) == parsed.pseudoSum(parsed.transportLength);
    }

    private void checkPartial(Parsed parsed, Written written) {
        if (!parsed.hasTcpOrUdp()
                || !hasPseudoSum(parsed)
                || written.checksumStart() != parsed.transport
                || written.checksumStart() + written.checksumOffset() != parsed.checksumField()
                || written.headers() != Math.min(255, parsed.headers())) {
            throw wrong("has a virtio-net header that does not fit", written);
        }
    }

    /** How many frames it is made of: several, or one that came in one piece. */
    private int superFrame(Written written) {
        Parsed parsed = new Parsed(written.frame());
        checkPartial(parsed, written);
        if (written.flags() != NEEDS_CHECKSUM || !Cut.isPossible(parsed, written.gsoType(), written.gsoSize())) {
            return cameInOnePiece(parsed, written, "is not a super-frame");
        }
        List<byte[]> segments = Cut.segments(parsed, written.gsoSize());
        int before = next;
        long bytesBefore = bytes;
        long missingBefore = missing;
        if (segments.size() > 1 && segments.stream().allMatch(this::found)) {
            return segments.size();
        }
        next = before;
        bytes = bytesBefore;
        missing = missingBefore;
        return cameInOnePiece(parsed, written, "is cut into other frames than those that came");
    }

    private int cameInOnePiece(Parsed parsed, Written written, String otherwise) {
        int room = vtep.vtep.mtu() - (parsed.headers() - parsed.network);
        int type = parsed.protocol == Parsed.UDP ? UDP_L4 : parsed.ipv4 ? 1 : 4;
        if (!found(written.frame()) || written.gsoSize() != room || written.gsoType() != type) {
            throw wrong(otherwise, written);
        }
        return 1;
    }

    private Finding wrong(String what, Written written) {
        StringBuilder text = new StringBuilder(vtep.vtep.name())
                .append(": a frame ")
                .append(what)
                .append('\n');
        text.append("  ").append(written).append('\n');
        for (int i = Math.max(0, next - 2); i < Math.min(expected.size(), next + 4); i++) {
            text.append(i == next ? "  expected next " : "  expected " + (i - next) + " ")
                    .append(HexFormat.of().formatHex(expected.get(i).frame()))
                    .append('\n');
        }
        return new Finding(text.toString());
    }
}
