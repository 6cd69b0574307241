package org.weft.silk.policy;

import java.util.List;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;

/**
 * Policies as they are at a moment.
 *
 * @param vtep name of the VTEP that judges by them
 * @param source where they come from; null: only live changes
 * @param current whether the source answers, or there is none; else what it said last is in force
 * @param ageMillis time since the source last said that things are as they are; -1 if it never did
 * @param failures how often the source could not be used, since the start
 * @param trouble what is wrong, in a sentence; null if nothing is
 * @param tags in force
 * @param policies in force
 * @param allowed live, by an operator
 * @param denied live, by an operator
 * @param skipped what of the source cannot be used, in sentences
 * @param changes how often another set of policies came into force, since the start
 */
public record PolicyStatus(
        String vtep,
        Mode mode,
        Refusal refusal,
        Spoofing spoofing,
        String source,
        boolean current,
        long ageMillis,
        long failures,
        String trouble,
        int tags,
        int policies,
        int allowed,
        int denied,
        List<String> skipped,
        long changes) {}
