package org.weft.silk.lease;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.weft.config.YamlDocument;
import org.weft.operator.OperatorException;
import org.weft.operator.Suggestion;

/**
 * A list of leases in YAML or JSON, by itself or under {@code leases} as silk-controller answers. What is wrong with one
 * item makes that record faulty and leaves the others.
 */
final class LeaseList {
    private static final List<String> FIELDS = List.of("underlay_ip", "overlay_subnet", "overlay_hardware_addr");
    private static final String NONE = "; a list without leases is []";

    private final String name;

    private LeaseList(String name) {
        this.name = name;
    }

    /**
     * Reads a list.
     *
     * @param name of the file
     * @throws OperatorException {@link OperatorException.Kind#BAD_DATA} {@code file:line: sentence}, if it is none
     */
    static List<LeaseRecord> parse(String name, String text) {
        LeaseList list = new LeaseList(name);
        return YamlDocument.read(name, text, list::read);
    }

    private List<LeaseRecord> read(Node root) {
        if (root == null) {
            throw bad(1, "is empty, probably half-written" + NONE);
        }
        return records(sequence(root));
    }

    private SequenceNode sequence(Node root) {
        Node list = root;
        if (root instanceof MappingNode mapping) {
            list = null;
            for (NodeTuple field : mapping.getValue()) {
                String key = text(field.getKeyNode());
                if (!"leases".equals(key) || list != null) {
                    throw bad(
                            line(field.getKeyNode()),
                            list != null && "leases".equals(key)
                                    ? "leases is given twice: leave one out"
                                    : key + " is unknown: give only the list leases");
                }
                list = field.getValueNode();
            }
        }
        if (list instanceof SequenceNode sequence) {
            return sequence;
        }
        throw bad(line(list == null ? root : list), "is no list of leases, each after a \"-\"" + NONE);
    }

    private List<LeaseRecord> records(SequenceNode list) {
        // Where JSON has everything on one line, that line alone says little.
        boolean columns = list.getFlowStyle() == FlowStyle.FLOW;
        List<LeaseRecord> records = new ArrayList<>(list.getValue().size());
        for (Node item : YamlDocument.items(name, list.getValue())) {
            records.add(record(item, name + ":" + line(item) + (columns ? ":" + column(item) : "")));
        }
        return records;
    }

    private static LeaseRecord record(Node item, String origin) {
        if (!(item instanceof MappingNode mapping)) {
            return faulty(origin, "is no lease with " + FIELDS.get(0) + " and " + FIELDS.get(1));
        }
        Map<String, String> values = new LinkedHashMap<>();
        for (NodeTuple field : mapping.getValue()) {
            String key = text(field.getKeyNode());
            String value = text(field.getValueNode());
            if (!FIELDS.contains(key)) {
                return faulty(origin, key + " is unknown" + Suggestion.among(String.valueOf(key), FIELDS));
            }
            if (value == null) {
                return faulty(origin, key + " has no value, or not a single one");
            }
            if (values.put(key, value) != null) {
                return faulty(origin, key + " is given twice: leave one out");
            }
        }
        return new LeaseRecord(values.get(FIELDS.get(0)), values.get(FIELDS.get(1)), values.get(FIELDS.get(2)), origin);
    }

    private static LeaseRecord faulty(String origin, String fault) {
        return new LeaseRecord(null, null, null, origin, fault);
    }

    /** Null for a list, a mapping, or no value. */
    private static String text(Node node) {
        return node instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL) ? scalar.getValue() : null;
    }

    private static int line(Node node) {
        return node.getStartMark().map(Mark::getLine).orElse(0) + 1;
    }

    private static int column(Node node) {
        return node.getStartMark().map(Mark::getColumn).orElse(0) + 1;
    }

    private OperatorException bad(int line, String sentence) {
        return YamlDocument.bad(name, line, sentence);
    }
}
