package org.weft.silk.policy;

import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicyConfig.PolicyFile;
import org.weft.silk.config.PolicyConfig.PolicyServer;

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
