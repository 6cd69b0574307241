package org.weft.dataplane.agent;

import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.FlowTable.Arrival;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.FlowKey;
import org.weft.encap.FlowKey.Kind;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.VxlanHeader;

/**
 * Lets a received frame in or not, by silk's verdicts: answers and what belongs to accepted flows, then policies, else
 * refused (vxlan-policy-agent's chain and {@code overlay--HANDLE}). It judges IP traffic to containers; traffic for the host
 * itself, and frames of other protocols, pass. A frame whose headers cannot be read to their end is refused, because the
 * host may find an IP packet in it.
 */
final class PolicyGate {
    private final Counters counters;
    private final RefusalSender refusals;
    private final OriginCheck origin;
    private final FlowKey key = new FlowKey();
    private VtepConfig config;
    private Enforcement enforcement;
    private boolean counted;

    /** @param refusals null if no sender is told */
    PolicyGate(Vtep vtep, Counters counters, RefusalSender refusals) {
        this.counters = counters;
        this.refusals = refusals;
        this.origin = new OriginCheck(vtep);
    }

    /** Judges by these rules from now on. */
    void begin(VtepConfig currentConfig, Enforcement currentEnforcement) {
        config = currentConfig;
        enforcement = currentEnforcement;
    }

    /**
     * Judges a frame by the rules that {@link #begin} took.
     *
     * @param frame a datagram from the VXLAN header on
     * @param layout of the inner frame
     * @param word its VXLAN header
     * @param clock of this turn
     * @return why it is dropped, or null if it passes
     */
    Counter judge(Frame frame, FrameLayout layout, long word, TurnClock clock) {
        Counter spoofed = origin.check(config, enforcement, frame, layout, counters);
        counted = origin.counted();
        if (spoofed != null || !enforcement.mode().judges()) {
            return spoofed;
        }
        if (layout.endsInTag()) {
            return refuse(Counter.POLICY_UNPARSED);
        }
        Kind kind = key.read(frame.buffer(), layout);
        if (kind == Kind.NOT_IP || isForHost(layout)) {
            return null;
        }
        int now = (int) clock.seconds();
        int tag = VxlanHeader.hasGroupPolicy(word) ? VxlanHeader.groupPolicyId(word) : TagTable.UNTAGGED;
        Counter reason =
                switch (kind) {
                    case PACKET -> judgePacket(tag, now);
                    case LATER_FRAGMENT -> judgeFragment(enforcement.flows(), now);
                    case ICMP_ERROR -> judgeError(layout, tag, now);
                    default -> Counter.POLICY_UNPARSED;
                };
        return reason == null ? null : refuse(reason, kind, frame, layout, tag, clock);
    }

    /** Whether the frame judged last passed and was counted here: each one like it must be counted, too. */
    boolean counted() {
        return counted;
    }

    private void count(Counter counter) {
        counters.increment(counter);
        counted = true;
    }

    /** To an address of the device, which is the host's own, or to all on the link: it is not forwarded to a container. */
    private boolean isForHost(FrameLayout layout) {
        long high = layout.destinationHigh();
        long low = layout.destinationLow();
        if (isLinkScope(high, low)) {
            return true;
        }
        var addresses = config.device().addresses();
        for (int i = 0; i < addresses.size(); i++) {
            IpPrefix own = addresses.get(i);
            if (own.address().low() == low && own.address().high() == high) {
                return true;
            }
        }
        return false;
    }

    private static boolean isLinkScope(long high, long low) {
        if (IpAddress.isIpv4(high, low)) {
            int address = (int) low;
            return address >>> 28 == 0xe || address == -1;
        }
        return high >>> 56 == 0xff || high >>> 54 == 0xfe80 >>> 6;
    }

    private Counter judgePacket(int tag, int now) {
        FlowTable flows = enforcement.flows();
        Arrival arrival = flows.arrive(key, now);
        boolean allowed = arrival == Arrival.ESTABLISHED
                || enforcement
                        .policies()
                        .allows(
                                tag,
                                key.destinationHigh(),
                                key.destinationLow(),
                                key.protocol(),
                                key.destinationPort());
        if (allowed && arrival == Arrival.NEW && !flows.admit(key, now)) {
            count(Counter.RX_UNTRACKED);
        }
        if (allowed && (arrival == Arrival.NEW || arrival == Arrival.INVALID)) {
            enforcement.verdicts().verdict(key, tag, true);
        }
        if (key.isFragment() && !flows.fragment(key, allowed, now)) {
            count(Counter.RX_UNTRACKED);
        }
        return allowed ? null : Counter.POLICY_DENIED;
    }

    /** The first fragment has decided. The kernel puts packets together before it judges; here they must come in order. */
    private Counter judgeFragment(FlowTable flows, int now) {
        int first = flows.fragment(key, now);
        if (first == FlowTable.UNKNOWN) {
            return Counter.POLICY_FRAGMENT;
        }
        return first == 1 ? null : Counter.POLICY_DENIED;
    }

    /** About a packet that a container sent in a flow that is known; else it is a message like any other. */
    private Counter judgeError(FrameLayout layout, int tag, int now) {
        long high = layout.destinationHigh();
        long low = layout.destinationLow();
        boolean quotesItsTarget = key.sourceLow() == low && key.sourceHigh() == high;
        boolean allowed = quotesItsTarget && enforcement.flows().knows(key, now)
                || enforcement.policies().allows(tag, high, low, layout.protocol(), 0);
        return allowed ? null : Counter.POLICY_DENIED;
    }

    private Counter refuse(Counter reason, Kind kind, Frame frame, FrameLayout layout, int tag, TurnClock clock) {
        enforcement.verdicts().verdict(key, tag, false);
        boolean told = kind == Kind.PACKET
                && enforcement.mode() != Mode.LOG
                && enforcement.refusal() == Refusal.REJECT
                && refusals != null;
        if (told) {
            refusals.send(config, frame, layout, clock);
        }
        return refuse(reason);
    }

    /** The reason; in mode log null, because the packet passes. */
    private Counter refuse(Counter reason) {
        if (enforcement.mode() == Mode.LOG) {
            count(Counter.POLICY_WOULD_DENY);
            return null;
        }
        return reason;
    }
}
