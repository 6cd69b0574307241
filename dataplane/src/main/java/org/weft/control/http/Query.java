package org.weft.control.http;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;

/** Path and parameters of a request. */
public final class Query {
    private final String path;
    private final Map<String, List<String>> parameters;

    public Query(String uri) {
        QueryStringDecoder decoder = new QueryStringDecoder(uri);
        path = decoder.path();
        parameters = decoder.parameters();
    }

    public String path() {
        return path;
    }

    /** The parameter's value, or null if it is missing or empty. */
    public String text(String name) {
        List<String> values = parameters.get(name);
        return values == null || values.get(0).isEmpty() ? null : values.get(0);
    }

    /** The parameter, which must be there, read by {@code parse}. */
    public <T> T require(String name, Function<String, T> parse) {
        String text = text(name);
        if (text == null) {
            throw new OperatorException(Kind.USAGE, "parameter \"" + name + "\" is missing");
        }
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            throw new OperatorException(Kind.BAD_DATA, name + ": " + e.getMessage(), e);
        }
    }

    /** Refuses every parameter but these. */
    public void allow(String... names) {
        List<String> known = List.of(names);
        for (String name : parameters.keySet()) {
            if (!known.contains(name)) {
                throw new OperatorException(
                        Kind.USAGE, "parameter \"" + name + "\" is unknown" + Suggestion.among(name, known));
            }
        }
    }
}
