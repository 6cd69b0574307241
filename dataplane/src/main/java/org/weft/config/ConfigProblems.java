package org.weft.config;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.snakeyaml.engine.v2.nodes.Node;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** What is wrong with a configuration file: {@code file:line: field: sentence}, in the order found, each once. */
public final class ConfigProblems {
    private final String file;
    private final Set<String> sentences = new LinkedHashSet<>();

    public ConfigProblems(String file) {
        this.file = file;
    }

    public void at(Node node, String field, String sentence) {
        at(node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1), field, sentence);
    }

    public void at(int line, String field, String sentence) {
        sentences.add(file + ":" + line + ": " + (field.isEmpty() ? "" : field + ": ") + sentence);
    }

    public boolean none() {
        return sentences.isEmpty();
    }

    public List<String> sentences() {
        return List.copyOf(sentences);
    }

    public void throwIfAny() {
        if (!none()) {
            throw new OperatorException(Kind.BAD_CONFIG, String.join("\n", sentences));
        }
    }
}
