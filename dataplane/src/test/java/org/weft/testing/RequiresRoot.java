package org.weft.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The test needs root and /dev/net/tun. Without them it is skipped with a reason; where the environment says
 * {@code CI=true} it fails instead.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresRoot.Condition.class)
public @interface RequiresRoot {
    /** Decides for the annotation. */
    class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            String lacking = lacking();
            if (lacking == null) {
                return ConditionEvaluationResult.enabled("root and /dev/net/tun are there");
            }
            if (Boolean.parseBoolean(System.getenv("CI"))) {
                throw new IllegalStateException("in CI nothing is skipped: " + lacking);
            }
            return ConditionEvaluationResult.disabled(lacking);
        }

        private static String lacking() {
            if (!System.getProperty("user.name").equals("root")) {
                return "needs root (run scripts/test with sudo)";
            }
            return Files.exists(Path.of("/dev/net/tun")) ? null : "needs /dev/net/tun";
        }
    }
}
