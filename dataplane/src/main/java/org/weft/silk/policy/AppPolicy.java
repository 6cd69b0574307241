package org.weft.silk.policy;

/**
 * A policy as the policy server has it: from app to app, wherever their containers are.
 *
 * @param source GUID
 * @param sourceTag hexadecimal
 * @param destination GUID
 * @param destinationTag hexadecimal
 */
record AppPolicy(
        String source,
        String sourceTag,
        String destination,
        String destinationTag,
        String protocol,
        int firstPort,
        int lastPort) {}
