package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class ReassignedTest {
    private static final String A = "10.255.132.2";
    private static final Workload WEB = new Workload("web-0", "web", null, null);

    private static PolicySet set(Map<String, Integer> tags, Map<String, Workload> workloads) {
        return new PolicySet(
                tags.entrySet().stream()
                        .map(tag -> new Tag(IpPrefix.parse(tag.getKey()), tag.getValue()))
                        .toList(),
                List.of(),
                Map.of(),
                workloads.entrySet().stream()
                        .collect(Collectors.toMap(each -> IpAddress.parse(each.getKey()), Map.Entry::getValue)),
                List.of());
    }

    private static void assertReassigned(PolicySet before, PolicySet after, String... expected) {
        assertEquals(
                List.of(expected),
                Reassigned.between(before, after).stream()
                        .map(IpPrefix::toString)
                        .toList());
    }

    @Test
    void anotherTagIsOfAnotherApp() {
        PolicySet before = set(Map.of(A, 1, "10.255.133.0/24", 5), Map.of());
        assertReassigned(before, before);
        assertReassigned(before, set(Map.of(A, 2, "10.255.133.0/24", 5), Map.of()), A);
        assertReassigned(before, set(Map.of(A, 1, "10.255.133.0/24", 6), Map.of()), "10.255.133.0/24");
        assertReassigned(before, set(Map.of(A, 1), Map.of()), "10.255.133.0/24");
        assertReassigned(PolicySet.EMPTY, before);
    }

    @Test
    void anotherContainerOrAppHasNoneOfTheFlows() {
        PolicySet before = set(Map.of(), Map.of(A, WEB));
        assertReassigned(before, set(Map.of(), Map.of()), A);
        assertReassigned(before, set(Map.of(), Map.of(A, new Workload("web-1", "web", null, null))), A);
        assertReassigned(before, set(Map.of(), Map.of(A, new Workload("web-0", "db", null, null))), A);
        assertReassigned(before, set(Map.of(), Map.of(A, new Workload("web-0", "web", "space", null))));
        assertReassigned(set(Map.of(), Map.of(A, new Workload("web-0", null, null, null))), before);
        assertReassigned(PolicySet.EMPTY, before);
    }

    @Test
    void aContainerKeepsItsFlowsWhenItsAppGetsOrLosesPolicies() {
        PolicySet untagged = set(Map.of(), Map.of(A, WEB));
        PolicySet tagged = set(Map.of(A, 1), Map.of(A, WEB));
        assertReassigned(untagged, tagged);
        assertReassigned(tagged, untagged);
        assertReassigned(tagged, set(Map.of(A, 2), Map.of(A, WEB)), A);
        assertReassigned(tagged, set(Map.of(), Map.of()), A);
    }
}
