package org.weft.control.policy;

import java.nio.file.Path;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.PolicySource;

/** A source that says what the test says. */
public final class SaidPolicies implements PolicySource {
    /** Null until somebody listens. */
    public PolicySource.Listener listener;

    /** What judges the VTEP of most tests by what this says, and has begun. */
    public Policies start(VtepRegistry registry, Path directory) {
        PolicyConfig config = new PolicyConfig(
                "silk-vtep",
                Mode.ENFORCE,
                Refusal.REJECT,
                Spoofing.OFF,
                24,
                1024,
                Timeouts.DEFAULT,
                null,
                PolicyConfig.NO_ROUTER,
                directory,
                null,
                HostAccess.DEFAULT);
        Policies policies = new Policies(config, registry, this, VerdictSink.NONE);
        policies.start();
        return policies;
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public void start(Listener to) {
        listener = to;
    }

    @Override
    public void refresh() {}

    @Override
    public void close() {}
}
