package org.weft.silk.policy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.Node;
import org.weft.config.ConfigProblems;
import org.weft.config.Values;
import org.weft.config.YamlDocument;
import org.weft.config.YamlMapping;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;

/** The file of policies: lists {@code tags} and {@code allow}. What is wrong with one entry leaves the others. */
final class PolicyList {
    private static final List<String> KEYS = List.of("tags", "allow");
    private static final List<String> TAG_KEYS = List.of("source", "tag", "name");
    private static final List<String> RULE_KEYS = List.of("tag", "destination", "protocol", "ports", "name");

    private final String file;
    private final Map<IpPrefix, Tag> tags = new HashMap<>();
    private final List<Tag> tagOrder = new ArrayList<>();
    private final List<PolicyRule> rules = new ArrayList<>();
    private final Map<Object, String> origins = new HashMap<>();
    private final Map<Integer, String> apps = new HashMap<>();
    private final Map<IpAddress, Workload> workloads = new HashMap<>();
    private final List<String> skipped = new ArrayList<>();

    private PolicyList(String file) {
        this.file = file;
    }

    /**
     * Reads a file's contents.
     *
     * @throws OperatorException {@link OperatorException.Kind#BAD_DATA} {@code file:line: sentence}, if they cannot be used
     *     at all
     */
    static PolicySet parse(String file, String text) {
        return YamlDocument.read(file, text, new PolicyList(file)::read);
    }

    private PolicySet read(Node root) {
        if (root == null) {
            throw YamlDocument.bad(
                    file, 1, "is empty, probably half-written; a file without policies has the line allow: []");
        }
        ConfigProblems problems = new ConfigProblems(file);
        YamlMapping top = YamlMapping.of(root, "", problems);
        if (top != null) {
            top.refuseUnknown(KEYS);
            if (KEYS.stream().noneMatch(top::has)) {
                top.problem("", "has neither tags nor allow; a file without policies has the line allow: []");
            }
            each("tags", top, TAG_KEYS, problems, this::tag);
            each("allow", top, RULE_KEYS, problems, this::rule);
        }
        if (!problems.none()) {
            throw new OperatorException(
                    OperatorException.Kind.BAD_DATA, problems.sentences().get(0));
        }
        return new PolicySet(tagOrder, rules, apps, workloads, skipped);
    }

    /** One entry: where it stands, and what reads it. */
    private record Entry(YamlMapping fields, String origin, String place, ConfigProblems problems) {
        boolean usable() {
            return problems.none();
        }
    }

    private void each(String key, YamlMapping top, List<String> keys, ConfigProblems problems, Consumer<Entry> reader) {
        int index = 0;
        for (Node item : YamlDocument.items(file, top.items(key))) {
            ConfigProblems own = new ConfigProblems(file);
            String place = key + "[" + index++ + "]";
            YamlMapping fields = YamlMapping.of(item, place, own);
            if (fields != null) {
                fields.refuseUnknown(keys);
                String origin =
                        file + ":" + (item.getStartMark().map(Mark::getLine).orElse(0) + 1);
                reader.accept(new Entry(fields, origin, place, own));
            }
            own.sentences().stream().limit(1).forEach(skipped::add);
        }
    }

    private void skip(Entry entry, String sentence) {
        skipped.add(entry.origin() + ": " + entry.place() + ": " + sentence);
    }

    private void tag(Entry entry) {
        IpPrefix source = entry.fields().require("source", Values::network);
        Integer number = entry.fields().require("tag", Values::tag);
        String name = entry.fields().read("name", null, text -> text);
        if (!entry.usable()) {
            return;
        }
        Tag tag = new Tag(source, number);
        Tag other = tags.putIfAbsent(source, tag);
        if (other != null) {
            skip(
                    entry,
                    other.equals(tag)
                            ? source + " has this tag already (" + origins.get(source) + "): leave one out"
                            : source + " cannot have tag " + number + " too: it keeps tag " + other.tag() + " ("
                                    + origins.get(source) + ")");
            return;
        }
        origins.put(source, entry.origin());
        tagOrder.add(tag);
        if (name != null) {
            name(entry, tag, name);
        }
    }

    private void name(Entry entry, Tag tag, String name) {
        String other = apps.putIfAbsent(tag.tag(), name);
        if (other != null && !other.equals(name)) {
            skip(entry, "tag " + tag.tag() + " cannot be " + name + "'s too: it stays " + other + "'s");
        }
        if (tag.source().length() == tag.source().address().bits()) {
            workloads.put(tag.source().address(), Workload.ofApp(name));
        }
    }

    private void rule(Entry entry) {
        YamlMapping fields = entry.fields();
        Integer tag = fields.require("tag", Values::tag);
        IpAddress destination = fields.require("destination", Values::hostAddress);
        Protocol protocol = fields.require("protocol", Values::protocol);
        int[] ports = {0, 0};
        if (fields.has("ports") || protocol == null || protocol.hasPorts()) {
            ports = fields.require("ports", Values::ports);
        }
        String name = fields.read("name", null, text -> text);
        if (entry.usable()) {
            rule(entry, tag, destination, protocol, ports, name);
        }
    }

    private void rule(Entry entry, int tag, IpAddress destination, Protocol protocol, int[] ports, String name) {
        try {
            Policy policy = new Policy(tag, destination, protocol, ports[0], ports[1]);
            String other = origins.putIfAbsent(policy, entry.origin());
            if (other == null) {
                rules.add(new PolicyRule(policy, name, entry.origin()));
            } else {
                skip(entry, "stands in " + other + " already: leave one out");
            }
        } catch (IllegalArgumentException e) {
            skip(entry, e.getMessage());
        }
    }
}
