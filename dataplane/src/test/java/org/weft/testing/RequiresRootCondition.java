package org.weft.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Decides for {@link RequiresRoot}. */
final class RequiresRootCondition implements ExecutionCondition {
    /** include/uapi/linux/capability.h */
    private static final int CAP_NET_ADMIN = 12;

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return decide(missing(), "true".equals(System.getenv("CI")));
    }

    /** @param missing what the tests lack, or null */
    static ConditionEvaluationResult decide(String missing, boolean ci) {
        if (missing == null) {
            return ConditionEvaluationResult.enabled("privileged");
        }
        if (ci) {
            throw new IllegalStateException("CI must run every test, but here is " + missing);
        }
        return ConditionEvaluationResult.disabled("skipped, here is " + missing);
    }

    private static String missing() {
        if (!Files.exists(Path.of("/dev/net/tun"))) {
            return "no /dev/net/tun";
        }
        return hasNetAdmin() ? null : "no CAP_NET_ADMIN (run as root)";
    }

    private static boolean hasNetAdmin() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("CapEff:"))
                    .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                    .anyMatch(effective -> (effective >>> CAP_NET_ADMIN & 1) == 1);
        } catch (IOException e) {
            return false;
        }
    }
}
