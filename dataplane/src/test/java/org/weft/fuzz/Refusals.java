package org.weft.fuzz;

import java.util.Arrays;
import java.util.List;
import org.weft.dataplane.counters.Counter;
import org.weft.fuzz.FuzzSender.Sent;
import org.weft.fuzz.ReceiveModel.Expected;

/** Checks the ICMP messages that tell senders of refused packets: whole, right, and each about a packet that came. */
final class Refusals {
    private static final int VXLAN = 8;
    private static final int ICMP = 8;

    private final FuzzVtep vtep;
    private final List<Expected> arrived;

    /** @param arrived all frames that policies may have refused */
    Refusals(FuzzVtep vtep, List<Expected> arrived) {
        this.vtep = vtep;
        this.arrived = arrived;
    }

    /** Compares, and notes what must have been counted; how many there are depends on time. */
    void check(List<Sent> messages) {
        messages.forEach(this::check);
        vtep.ledger.due(Counter.TX_REFUSALS, vtep.ledger.counted(Counter.TX_REFUSALS));
        long messagesSent = vtep.ledger.counted(Counter.TX_REFUSALS);
        boolean failed = vtep.ledger.counted(Counter.TX_AGENT_FAILED) > 0;
        if (messages.size() < messagesSent && !failed) {
            throw new Finding(vtep.vtep.name() + " counted " + messagesSent + " refusals and sent " + messages.size());
        }
        vtep.ledger.due(Counter.TX_REPLICATED, messages.size() - messagesSent);
    }

    private void check(Sent message) {
        vtep.ledger.due(SendModel.outcome(message.errno()), 1);
        byte[] frame = Arrays.copyOfRange(message.payload(), VXLAN, message.payload().length);
        Parsed parsed = new Parsed(frame);
        int icmp = parsed.transport;
        boolean right = Octets.get32(message.payload(), 0) == 0x0800_0000
                && Octets.get48(frame, 6) == vtep.vtep.mac()
                && icmp == parsed.network + (parsed.ipv4 ? 20 : 40)
                && parsed.transportLength == frame.length - icmp
                && parsed.protocol == (parsed.ipv4 ? Parsed.ICMP : Parsed.ICMPV6)
                && Octets.get16(frame, icmp) == (parsed.ipv4 ? 0x0303 : 0x0104)
                && isRight(parsed)
                && frame.length - parsed.network <= (parsed.ipv4 ? 576 : 1280)
                && quotes(parsed);
        if (!right) {
            throw new Finding(vtep.vtep.name() + ": a refusal is wrong: " + message);
        }
    }

    private static boolean isRight(Parsed parsed) {
        byte[] frame = parsed.frame;
        int pseudo = parsed.ipv4 ? 0 : parsed.pseudoSum(parsed.transportLength);
        boolean headerRight = !parsed.ipv4 || Octets.checksum(frame, parsed.network, parsed.network + 20, 0) == 0;
        return headerRight && Octets.checksum(frame, parsed.transport, frame.length, pseudo) == 0;
    }

    /** Whether a frame came whose packet begins as the one quoted, from whom the message goes to. */
    private boolean quotes(Parsed message) {
        byte[] quoted = Arrays.copyOfRange(message.frame, message.transport + ICMP, message.frame.length);
        for (Expected expected : arrived) {
            Parsed refused = new Parsed(expected.inner());
            int end = refused.network + quoted.length;
            if (Octets.get48(refused.frame, 6) == Octets.get48(message.frame, 0)
                    && end <= refused.frame.length
                    && refused.source().equals(message.destination())
                    && Arrays.equals(quoted, Arrays.copyOfRange(refused.frame, refused.network, end))) {
                return true;
            }
        }
        return false;
    }
}
