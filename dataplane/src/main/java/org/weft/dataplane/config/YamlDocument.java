package org.weft.dataplane.config;

import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

/** Data that others write while the daemon runs, in YAML or JSON; nodes know their lines. */
public final class YamlDocument {
    private YamlDocument() {}

    /**
     * The node that all others are in; null if there is nothing.
     *
     * @param name of the file
     * @throws OperatorException {@link Kind#BAD_DATA} {@code file:line: sentence}, if it is neither YAML nor JSON
     */
    public static Node compose(String name, String text) {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(name)
                .setCodePointLimit(Integer.MAX_VALUE)
                .build();
        try {
            return new Compose(settings).composeString(withoutJsonTabs(text)).orElse(null);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            throw bad(name, line, "is neither YAML nor JSON: " + e.getProblem());
        } catch (YamlEngineException e) {
            throw bad(
                    name,
                    1,
                    "is neither YAML nor JSON: "
                            + e.getMessage().lines().findFirst().orElse(""));
        } catch (StackOverflowError e) {
            throw bad(name, 1, "is nested too deeply to be a list");
        }
    }

    /** JSON may be indented by tabs, YAML may not; within a text JSON has no tabs. */
    private static String withoutJsonTabs(String text) {
        String start = text.stripLeading();
        return start.startsWith("{") || start.startsWith("[") ? text.replace('\t', ' ') : text;
    }

    /** That something is not what it should be. */
    public static OperatorException bad(String name, int line, String sentence) {
        return new OperatorException(Kind.BAD_DATA, name + ":" + line + ": " + sentence);
    }
}
