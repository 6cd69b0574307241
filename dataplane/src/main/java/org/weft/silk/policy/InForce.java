package org.weft.silk.policy;

import java.util.List;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.PolicyTable;

/**
 * What a VTEP judges by at a moment.
 *
 * @param set what the source says
 * @param rules that together with live changes
 */
record InForce(
        PolicySet set,
        List<PolicyRule> rules,
        List<Policy> allowed,
        List<Policy> denied,
        PolicyTable table,
        Mode mode) {
    static final InForce NOTHING =
            new InForce(PolicySet.EMPTY, List.of(), List.of(), List.of(), PolicyTable.EMPTY, Mode.OFF);

    /** Whose packets carry a tag. */
    Workload workload(int tag) {
        String app = set.apps().get(tag);
        return app == null ? Workload.UNKNOWN : Workload.ofApp(app);
    }
}
