package org.weft.silk.policy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.table.Outcome;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpPrefix;

/** Brings a source's tags into a tag table that others write to as well; what others set is never removed. For one thread. */
final class TagKeeper {
    private Map<IpPrefix, Integer> kept = Map.of();

    /**
     * Makes a table hold these tags, and no longer those of before that are not among them.
     *
     * @param table null if there is none at present; the next one begins with the tags kept last
     * @return what is wrong, in a sentence; null if nothing is
     */
    String keep(TagTable table, List<Tag> tags) {
        Map<IpPrefix, Integer> next = new HashMap<>();
        tags.forEach(tag -> next.put(tag.source(), tag.tag()));
        Map<IpPrefix, Integer> before = kept;
        kept = next;
        if (table == null) {
            return null;
        }
        before.forEach((source, tag) -> {
            if (!next.containsKey(source) && table.get(source) == tag) {
                table.remove(source);
            }
        });
        long refused = next.entrySet().stream()
                .filter(entry -> table.get(entry.getKey()) != entry.getValue()
                        && table.replace(entry.getKey(), entry.getValue()) != Outcome.OK)
                .count();
        return refused == 0 ? null : refused + " tags find no room in the tag table";
    }
}
