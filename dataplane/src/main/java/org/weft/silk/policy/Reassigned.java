package org.weft.silk.policy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/** Tells which addresses belong to another container or app than before, so that flows known of them mean nothing now. */
final class Reassigned {
    private Reassigned() {}

    /**
     * The addresses and networks whose tag is another one, or whose container or app is another one or gone. A container that
     * gets its first tag, or loses its last one because its app has no policies left, keeps its flows.
     */
    static List<IpPrefix> between(PolicySet before, PolicySet after) {
        Map<IpPrefix, Integer> tags = new HashMap<>();
        after.tags().forEach(tag -> tags.put(tag.source(), tag.tag()));
        Set<IpPrefix> reassigned = new LinkedHashSet<>();
        for (Tag tag : before.tags()) {
            Integer now = tags.get(tag.source());
            boolean other = now == null ? !isOfSameContainer(tag.source(), before, after) : now != tag.tag();
            if (other) {
                reassigned.add(tag.source());
            }
        }
        before.workloads().forEach((address, workload) -> {
            if (!isSame(workload, after.workloads().get(address))) {
                reassigned.add(new IpPrefix(address, address.bits()));
            }
        });
        return new ArrayList<>(reassigned);
    }

    private static boolean isOfSameContainer(IpPrefix source, PolicySet before, PolicySet after) {
        IpAddress address = source.address();
        Workload workload = before.workloads().get(address);
        return source.length() == address.bits()
                && workload != null
                && workload.container() != null
                && isSame(workload, after.workloads().get(address));
    }

    /** An app that becomes known is no other one. */
    private static boolean isSame(Workload before, Workload after) {
        return after != null
                && Objects.equals(before.container(), after.container())
                && (before.app() == null || before.app().equals(after.app()));
    }
}
