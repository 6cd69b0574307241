package org.weft.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.weft.operator.Suggestion;

/** One mapping of a YAML file that knows where it stands; what is wrong with it goes to {@link ConfigProblems}. */
public final class YamlMapping {
    private final Node node;
    private final String path;
    private final ConfigProblems problems;
    private final Map<String, Node> values = new LinkedHashMap<>();

    private YamlMapping(MappingNode node, String path, ConfigProblems problems) {
        this.node = node;
        this.path = path;
        this.problems = problems;
        for (NodeTuple tuple : node.getValue()) {
            Node key = tuple.getKeyNode();
            if (!(key instanceof ScalarNode name)) {
                problems.at(key, path, "a key must be a plain word");
            } else if (values.putIfAbsent(name.getValue(), tuple.getValueNode()) != null) {
                problems.at(key, field(name.getValue()), "is given twice: leave one out");
            }
        }
    }

    /** The mapping at a node; null, and a problem, if something else stands there. */
    public static YamlMapping of(Node node, String path, ConfigProblems problems) {
        if (node instanceof MappingNode mapping) {
            return new YamlMapping(mapping, path, problems);
        }
        problems.at(node, path, "must be a mapping, one \"key: value\" to a line");
        return null;
    }

    public Set<String> keys() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    public void refuseUnknown(Collection<String> known) {
        for (String key : keys()) {
            if (!known.contains(key)) {
                problem(key, "is unknown" + Suggestion.among(key, known));
            }
        }
    }

    /** Reports at the value of a key, or at the mapping if it has no such key. */
    public void problem(String key, String sentence) {
        problems.at(values.getOrDefault(key, node), field(key), sentence);
    }

    private String field(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** The value as text, that of a list of scalars joined by spaces; null if it is missing, or wrong (reported). */
    public String text(String key) {
        Node value = values.get(key);
        if (value instanceof SequenceNode sequence && !sequence.getValue().isEmpty()) {
            List<String> items = new ArrayList<>();
            for (Node item : sequence.getValue()) {
                items.add(scalar(item, key));
            }
            return items.contains(null) ? null : String.join(" ", items);
        }
        return value == null ? null : scalar(value, key);
    }

    private String scalar(Node value, String key) {
        if (!(value instanceof ScalarNode scalar)) {
            problems.at(value, field(key), "must be a single value");
            return null;
        }
        if (scalar.getTag().equals(Tag.NULL)) {
            problems.at(value, field(key), "has no value: give one or leave it out");
            return null;
        }
        return scalar.getValue();
    }

    /** A value read by {@code parse}; {@code otherwise} if it is missing, or wrong (reported). */
    public <T> T read(String key, T otherwise, Function<String, T> parse) {
        String text = text(key);
        try {
            return text == null ? otherwise : parse.apply(text);
        } catch (IllegalArgumentException e) {
            problem(key, e.getMessage());
            return otherwise;
        }
    }

    /** As {@link #read}, but the value must be there; null if it is not. */
    public <T> T require(String key, Function<String, T> parse) {
        if (!has(key)) {
            problem(key, "is missing");
        }
        return read(key, null, parse);
    }

    /** The mapping under a key, or null. */
    public YamlMapping mapping(String key) {
        return has(key) ? of(values.get(key), field(key), problems) : null;
    }

    /** The mappings in the list under a key. */
    public List<YamlMapping> mappings(String key) {
        List<YamlMapping> found = new ArrayList<>();
        for (Node item : items(key)) {
            YamlMapping mapping = of(item, field(key) + "[" + found.size() + "]", problems);
            if (mapping != null) {
                found.add(mapping);
            }
        }
        return found;
    }

    /** What is in the list under a key. */
    public List<Node> items(String key) {
        Node value = values.get(key);
        if (value instanceof SequenceNode sequence) {
            return sequence.getValue();
        }
        if (value != null) {
            problem(key, "must be a list, each item after a \"-\"");
        }
        return List.of();
    }
}
