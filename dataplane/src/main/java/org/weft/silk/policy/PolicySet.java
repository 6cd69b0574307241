package org.weft.silk.policy;

import java.util.List;
import java.util.Map;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;

/**
 * What a source says at a moment.
 *
 * @param tags of this host's containers, or of all
 * @param rules whom packets are let in from
 * @param apps by their tags
 * @param workloads by their addresses
 * @param skipped what else it says that cannot be used, each in a sentence with its place
 */
public record PolicySet(
        List<Tag> tags,
        List<PolicyRule> rules,
        Map<Integer, String> apps,
        Map<IpAddress, Workload> workloads,
        List<String> skipped) {
    public static final PolicySet EMPTY = new PolicySet(List.of(), List.of(), Map.of(), Map.of(), List.of());

    public PolicySet {
        tags = List.copyOf(tags);
        rules = List.copyOf(rules);
        apps = Map.copyOf(apps);
        workloads = Map.copyOf(workloads);
        skipped = List.copyOf(skipped);
    }
}
