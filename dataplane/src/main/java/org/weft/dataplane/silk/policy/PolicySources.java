package org.weft.dataplane.silk.policy;

import org.weft.dataplane.config.PolicyConfig;
import org.weft.dataplane.config.PolicyConfig.PolicyFile;
import org.weft.dataplane.config.PolicyConfig.PolicyServer;

/** The source of policies that a configuration names. */
public final class PolicySources {
    private PolicySources() {}

    /** Null if it names none. */
    public static PolicySource of(PolicyConfig config) {
        if (config.source() instanceof PolicyFile file) {
            return new FilePolicies(file.path());
        }
        return config.source() == null
                ? null
                : new ServerPolicies((PolicyServer) config.source(), config.ingressRouterTag());
    }
}
