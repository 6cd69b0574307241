package org.weft.silk.policy;

import org.weft.dataplane.policy.Policy;

/**
 * A policy, and why there is one.
 *
 * @param name what it is called, or whom it is about; null without
 * @param origin where it comes from: {@code policies.yml:7}
 */
public record PolicyRule(Policy policy, String name, String origin) {}
