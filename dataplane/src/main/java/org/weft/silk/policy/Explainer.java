package org.weft.silk.policy;

import java.util.Locale;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.PolicyConfig;

/** Tells what becomes of a packet that opens a flow, and why; as {@code agent.PolicyGate} judges it. */
final class Explainer {
    private final InForce inForce;
    private final Vtep vtep;
    private final PolicyConfig config;

    /** @param vtep null if there is none at present */
    Explainer(InForce inForce, Vtep vtep, PolicyConfig config) {
        this.inForce = inForce;
        this.vtep = vtep;
        this.config = config;
    }

    Explanation explain(IpAddress from, IpAddress to, Protocol protocol, int port) {
        int tag = vtep == null ? TagTable.UNTAGGED : vtep.tags().lookup(from.high(), from.low());
        Workload workload = inForce.set().workloads().get(from);
        return explain(from, tag, workload == null ? inForce.workload(tag) : workload, to, protocol, port);
    }

    Explanation explain(int tag, IpAddress to, Protocol protocol, int port) {
        return explain(null, tag, inForce.workload(tag), to, protocol, port);
    }

    private Explanation explain(IpAddress from, int tag, Workload whose, IpAddress to, Protocol protocol, int port) {
        PolicyRule rule = inForce.rules().stream()
                .filter(each -> each.policy().allows(tag, to, protocol, port))
                .findFirst()
                .orElse(null);
        Policy denial = inForce.denied().stream()
                .filter(each -> each.allows(tag, to, protocol, port))
                .findFirst()
                .orElse(null);
        Workload target = inForce.set().workloads().getOrDefault(to, Workload.UNKNOWN);
        boolean here = isHere(to);
        boolean passes = !inForce.mode().judges() || inForce.mode() == Mode.LOG || isOwn(to) || rule != null;
        String what = protocol.name().toLowerCase(Locale.ROOT) + (protocol.hasPorts() ? " " + port : "") + " of "
                + named(to.toString(), target);
        String who = tag == TagTable.UNTAGGED ? "packets without a tag" : named("tag " + tag, whose);
        String reason = reason(rule, denial, who, what, to) + addition(from, to, here, rule);
        return new Explanation(
                from, to, protocol, port, tag, whose, target, rule, denial, here, inForce.mode(), passes, reason);
    }

    private static String named(String what, Workload whose) {
        return whose.app() == null ? what : what + " (" + whose.app() + ")";
    }

    private String reason(PolicyRule rule, Policy denial, String who, String what, IpAddress to) {
        if (vtep == null) {
            return "there is no VTEP " + config.vtep() + " at present";
        }
        if (isOwn(to)) {
            return to + " is the host's own address, and only what is for containers is judged";
        }
        if (inForce.mode() == Mode.OFF) {
            return "mode is off: nothing is judged";
        }
        if (inForce.mode() == Mode.NETFILTER) {
            return "mode is netfilter: the host's own rules judge " + who + " by their mark";
        }
        if (rule != null) {
            return rule.origin() + " lets " + who + " open " + what;
        }
        String verdict =
                denial != null ? "an operator denied " + who + " " + what : "no policy lets " + who + " open " + what;
        return inForce.mode() == Mode.LOG ? verdict + ", but mode is log: it passes, and is counted" : verdict;
    }

    private String addition(IpAddress from, IpAddress to, boolean here, PolicyRule rule) {
        if (vtep == null || inForce.mode() == Mode.OFF) {
            return "";
        }
        if (!here) {
            return "; but " + to + " is not on this host, and its own host judges";
        }
        return from != null && isHere(from)
                ? "; but both are on this host, and what stays on it does not pass the VTEP"
                : "";
    }

    private boolean isOwn(IpAddress address) {
        return vtep != null
                && vtep.config().device().addresses().stream()
                        .anyMatch(own -> own.address().equals(address));
    }

    /** In this host's part of the overlay; where the VTEP has no such address, all may be. */
    private boolean isHere(IpAddress address) {
        if (vtep == null) {
            return false;
        }
        var own = vtep.config().device().addresses().stream()
                .filter(each -> each.address().isIpv4() == address.isIpv4())
                .toList();
        return own.isEmpty() || own.stream().anyMatch(each -> isIn(each, address));
    }

    private boolean isIn(IpPrefix own, IpAddress address) {
        int length = own.address().isIpv4() ? config.subnetLength() + 128 - 32 : own.length();
        long high = own.address().high() ^ address.high();
        long low = own.address().low() ^ address.low();
        return length <= Long.SIZE
                ? length == 0 || high >>> Long.SIZE - length == 0
                : high == 0 && low >>> 128 - length == 0;
    }
}
