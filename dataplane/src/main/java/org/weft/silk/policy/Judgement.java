package org.weft.silk.policy;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.PolicyConfig;

/**
 * What a VTEP judges by: its table of policies, its flows and its tags.
 *
 * <p>The thread of the policies enforces and sweeps. Any thread may ask what is in force, count flows
 * and forget them.
 */
final class Judgement {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);

    private final PolicyConfig config;
    private final VtepRegistry registry;
    private final VerdictSink verdicts;
    private final FlowTable flows;
    private final TagKeeper tags = new TagKeeper();

    private volatile InForce inForce = InForce.NOTHING;
    private long changes;

    /** @throws OperatorException if memory has no room for the configured number of flows */
    Judgement(PolicyConfig config, VtepRegistry registry, VerdictSink verdicts) {
        this.config = config;
        this.registry = registry;
        this.verdicts = verdicts;
        this.flows = flows(config);
    }

    private static FlowTable flows(PolicyConfig config) {
        try {
            return new FlowTable(config.flows(), config.timeouts());
        } catch (OutOfMemoryError e) {
            throw new OperatorException(
                    Kind.BAD_CONFIG,
                    "there is no room for " + config.flows() + " flows: they take 65 bytes each off the heap; lower"
                            + " policy.flows or give Java more (-XX:MaxDirectMemorySize)",
                    e);
        }
    }

    InForce inForce() {
        return inForce;
    }

    /** How often other policies came into force, since the start. */
    long changes() {
        return changes;
    }

    /**
     * Makes the VTEP judge by a source's policies with an operator's changes.
     *
     * @return what is wrong with the tags, in a sentence; null if nothing is
     * @throws OperatorException if memory has no room for the table, or the VTEP cannot judge in this mode
     */
    String enforce(PolicySet set, LiveChanges live, Mode mode) {
        List<PolicyRule> rules = live.over(set.rules());
        boolean same = rules.equals(inForce.rules());
        PolicyTable table = same ? inForce.table() : table(rules);
        Enforcement enforcement = new Enforcement(
                mode, config.refusal(), config.spoofing(), config.subnetLength(), table, flows, verdicts);
        registry.guard(config.vtep(), enforcement, set.tags());
        Vtep vtep = registry.vtep(config.vtep());
        String trouble = tags.keep(vtep == null ? null : vtep.tags(), set.tags());
        if (mode != inForce.mode()) {
            LOG.info("policy of {}: mode {}", config.vtep(), mode.name().toLowerCase(Locale.ROOT));
        }
        inForce = new InForce(set, rules, live.allowed(), live.denied(), table, mode);
        changes += same ? 0 : 1;
        return trouble;
    }

    private static PolicyTable table(List<PolicyRule> rules) {
        try {
            return new PolicyTable(rules.stream().map(PolicyRule::policy).toList());
        } catch (OutOfMemoryError e) {
            throw new OperatorException(
                    Kind.OS_ERROR,
                    "there is no room off the heap for " + rules.size()
                            + " policies, and those before stay in force: give Java more (-XX:MaxDirectMemorySize)",
                    e);
        }
    }

    /** How many flows are known now; looks at each. */
    int flows() {
        return flows.size((int) registry.nowSeconds());
    }

    int flowCapacity() {
        return flows.capacity();
    }

    /** Forgets flows that ended in silence; looks at each. */
    void sweep() {
        flows.sweep((int) registry.nowSeconds());
    }

    /** Forgets the flows of addresses. */
    void forget(Collection<IpAddress> addresses) {
        forgetFlows(addresses.stream()
                .map(address -> new IpPrefix(address, address.bits()))
                .filter(flows::mayHold)
                .toList());
    }

    /** Forgets the flows of prefixes. */
    void forgetFlows(Collection<IpPrefix> ends) {
        int forgotten = ends.isEmpty() ? 0 : flows.forget(ends);
        if (forgotten > 0) {
            LOG.info(
                    "policy of {}: forgot {} flows of {}, which belong to other containers or apps now or to none",
                    config.vtep(),
                    forgotten,
                    ends.size() == 1 ? ends.iterator().next() : ends.size() + " addresses");
        }
    }
}
