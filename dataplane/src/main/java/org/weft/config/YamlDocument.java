package org.weft.config;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Data that others write while the daemon runs, in YAML or JSON; nodes know their lines. */
public final class YamlDocument {
    /** Names and values of {@link #MAX_ITEMS} leases, or of 50,000 policies; the nodes take about 130 MB. */
    private static final int MAX_NODES = 500_000;

    /** Of one list; what is wrong with each of them is kept, too. */
    private static final int MAX_ITEMS = 65_536;

    /** The heap bears the nodes of one large file, and two files may change together. */
    private static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock();

    private YamlDocument() {}

    /**
     * Reads a document. Threads take turns.
     *
     * @param name of the file
     * @param reader is given the node that all others are in, null if there is nothing; keeps no nodes
     * @throws OperatorException {@link Kind#BAD_DATA} {@code file:line: sentence}, if it is neither YAML nor JSON, or too large
     */
    public static <T> T read(String name, String text, Function<Node, T> reader) {
        ONE_AT_A_TIME.lock();
        try {
            return reader.apply(compose(name, text));
        } finally {
            ONE_AT_A_TIME.unlock();
        }
    }

    private static Node compose(String name, String text) {
        try {
            return nodes(name, withoutJsonTabs(text), MAX_NODES).orElse(null);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            throw bad(name, line, "is neither YAML nor JSON: " + e.getProblem());
        } catch (YamlEngineException e) {
            throw bad(
                    name,
                    1,
                    "is neither YAML nor JSON: "
                            + e.getMessage().lines().findFirst().orElse(""));
        }
    }

    /**
     * The node that all others are in.
     *
     * @param most nodes that the heap bears
     * @throws OperatorException {@link Kind#BAD_DATA} {@code file:line: sentence}, if it has too many nodes
     * @throws YamlEngineException if it is not YAML
     */
    public static Optional<Node> nodes(String name, String text, int most) {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(name)
                .setCodePointLimit(Integer.MAX_VALUE)
                .build();
        return new Composer(settings, new BoundedParser(name, settings, text, most)).getSingleNode();
    }

    /** JSON may be indented by tabs, YAML may not; within a text JSON has no tabs. */
    private static String withoutJsonTabs(String text) {
        String start = text.stripLeading();
        return start.startsWith("{") || start.startsWith("[") ? text.replace('\t', ' ') : text;
    }

    /**
     * The items of a list.
     *
     * @param name of the file
     * @throws OperatorException {@link Kind#BAD_DATA}, if there are more than the heap bears the records of
     */
    public static List<Node> items(String name, List<Node> list) {
        if (list.size() > MAX_ITEMS) {
            int line = list.get(MAX_ITEMS).getStartMark().map(Mark::getLine).orElse(0) + 1;
            throw bad(
                    name,
                    line,
                    "this is item number " + (MAX_ITEMS + 1) + " of " + list.size()
                            + " in one list, and Weft reads at most " + MAX_ITEMS + ": leave out what is not needed");
        }
        return list;
    }

    /** That something is not what it should be. */
    public static OperatorException bad(String name, int line, String sentence) {
        return new OperatorException(Kind.BAD_DATA, name + ":" + line + ": " + sentence);
    }
}
