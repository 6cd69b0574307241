package org.weft.silk.policy;

import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;

/**
 * What becomes of a packet that opens a flow.
 *
 * @param source null where only its tag was given
 * @param port destination port; 0 for a protocol without ports
 * @param tag group policy id of its packets; 0 without
 * @param from whose packets they are
 * @param to whose address it is
 * @param rule what lets it in; null without
 * @param denial an operator's that keeps it out; null without
 * @param here whether this host judges it, as the destination is one of its own
 * @param mode of this host
 * @param passes whether this host lets it in
 * @param reason a sentence that says all of this
 */
public record Explanation(
        IpAddress source,
        IpAddress destination,
        Protocol protocol,
        int port,
        int tag,
        Workload from,
        Workload to,
        PolicyRule rule,
        Policy denial,
        boolean here,
        Mode mode,
        boolean passes,
        String reason) {}
