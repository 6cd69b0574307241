package org.weft.cli;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.weft.cli.Statement.Change;
import org.weft.cli.Statement.Listing;
import org.weft.cli.Statement.Show;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;

/** From the words an operator writes, in iproute2's grammar, to a {@link Statement}; for single commands and batches alike. */
final class Grammar {
    private static final List<String> TABLE_VERBS = List.of("add", "replace", "delete", "show", "list", "flush");
    private static final List<String> FDB_VERBS =
            List.of("add", "append", "replace", "delete", "show", "list", "flush");

    /** Objects that have statements, with their verbs. */
    static final Map<String, List<String>> VERBS = Map.of(
            "link",
            List.of("add", "set", "delete", "show", "list"),
            "fdb",
            FDB_VERBS,
            "neigh",
            TABLE_VERBS,
            "tag",
            TABLE_VERBS,
            "drops",
            List.of("show", "list"),
            "policy",
            PolicyGrammar.VERBS);

    private static final List<String> OBJECTS = List.of("link", "fdb", "neigh", "tag", "drops", "policy");
    private static final List<String> FDB_WORDS =
            List.of("dev", "dst", "port", "vni", "self", "permanent", "static", "dynamic", "local");
    private static final List<String> NEIGH_WORDS = List.of("to", "lladdr", "dev", "nud");
    private static final List<String> TAG_WORDS = List.of("tag", "dev");

    private Grammar() {}

    /** The statement of a whole line, its object first. */
    static Statement parse(List<String> line) {
        String word = line.get(0);
        boolean neighbour = word.length() > 5 && ("neighbour".startsWith(word) || "neighbor".startsWith(word));
        return parse(neighbour ? "neigh" : Words.complete("batch", "object", word, OBJECTS), line, 1);
    }

    /**
     * The statement of an object's words.
     *
     * @param verbAt where the verb stands; a line that ends there means show
     */
    static Statement parse(String object, List<String> line, int verbAt) {
        String verb = verbAt < line.size() ? verb(object, line.get(verbAt)) : "show";
        Words words = new Words(object + " " + verb, line, verbAt + 1);
        if (object.equals("policy")) {
            return PolicyGrammar.parse(verb, words);
        }
        if (verb.equals("show")) {
            return show(Listing.of(object), words);
        }
        JsonObject body = new JsonObject();
        body.addProperty("object", object);
        body.addProperty("action", verb);
        switch (object) {
            case "link" -> LinkGrammar.parse(verb, words, body);
            case "fdb" -> fdb(verb, words, body);
            case "neigh" -> neigh(verb, words, body);
            case "tag" -> tag(verb, words, body);
            default -> throw new OperatorException(Kind.USAGE, object + " cannot be changed");
        }
        return new Change(body);
    }

    private static String verb(String object, String word) {
        String verb = word.equals("ls") || word.equals("lst")
                ? "show"
                : Words.complete(object, "command", word, VERBS.get(object));
        return switch (verb) {
            case "list" -> "show";
            case "delete" -> "del";
            default -> verb;
        };
    }

    private static Show show(Listing listing, Words words) {
        String dev = null;
        String address = null;
        boolean named = listing == Listing.LINK;
        while (words.more()) {
            String word = words.next();
            if (word.equals("dev") && dev == null) {
                dev = words.value("a device name");
            } else if (named && dev == null) {
                dev = word;
            } else if (listing.key() != null && address == null) {
                address = address(listing, words, word.equals("to") ? words.value("an address") : word);
            } else {
                throw words.unknown(word, List.of("dev"));
            }
        }
        return new Show(listing, dev, address);
    }

    private static String address(Listing listing, Words words, String word) {
        if (Suggestion.nearest(word, List.of("dev", "to")) != null) {
            throw words.unknown(word, List.of("dev", "to"));
        }
        return switch (listing) {
            case FDB -> words.mac(word);
            case NEIGH -> words.ip(word);
            default -> words.prefix(word);
        };
    }

    private static void fdb(String verb, Words words, JsonObject body) {
        while (words.more()) {
            String word = words.next();
            switch (word) {
                case "dev" -> words.put(body, "dev", words.device());
                case "dst" -> words.put(body, "dst", words.ip());
                case "port" -> words.put(body, "port", words.number(1, 65535));
                case "vni" -> words.put(body, "vni", words.number(0, LinkGrammar.MAX_VNI));
                case "self" -> {} // the only kind of entry there is
                case "nhid" -> throw words.error("\"nhid\": Weft has no nexthop groups: name each remote with \"dst\"");
                case "permanent", "static", "local" -> words.put(body, "state", "permanent");
                case "dynamic" -> words.put(body, "state", "reachable");
                default -> positional(words, body, "mac", word, FDB_WORDS, words::mac);
            }
        }
        if (verb.equals("flush")) {
            return;
        }
        words.require(body, "mac", "the MAC address is missing: " + verb + " ee:ee:0a:ff:2b:00 ...");
        if (!verb.equals("del")) {
            words.require(body, "dst", "the remote is missing: say \"dst\" and an IP address");
        }
    }

    private static void neigh(String verb, Words words, JsonObject body) {
        while (words.more()) {
            String word = words.next();
            switch (word) {
                case "dev" -> words.put(body, "dev", words.device());
                case "to" -> words.put(body, "dst", words.ip());
                case "lladdr" -> words.put(body, "lladdr", words.mac());
                case "nud" -> permanent(words);
                default -> positional(words, body, "dst", word, NEIGH_WORDS, words::ip);
            }
        }
        if (verb.equals("flush")) {
            return;
        }
        words.require(body, "dst", "the IP address is missing: " + verb + " 10.255.43.0 ...");
        if (!verb.equals("del")) {
            words.require(body, "lladdr", "the MAC address is missing: say \"lladdr\" and a MAC address");
        }
    }

    private static void permanent(Words words) {
        String state = words.value("a state");
        if (!state.equals("permanent")) {
            throw words.error("\"nud " + state + "\": Weft's neighbours are permanent");
        }
    }

    private static void tag(String verb, Words words, JsonObject body) {
        while (words.more()) {
            String word = words.next();
            if (word.equals("dev")) {
                words.put(body, "dev", words.device());
            } else if (word.equals("tag")) {
                words.put(body, "tag", words.number(1, 65535));
            } else if (body.has("source") && !body.has("tag") && Character.isDigit(word.charAt(0))) {
                words.put(body, "tag", words.number("tag", word, 1, 65535));
            } else {
                positional(words, body, "source", word, TAG_WORDS, words::prefix);
            }
        }
        if (verb.equals("flush")) {
            return;
        }
        words.require(body, "source", "the source is missing: " + verb + " 10.255.99.3 ...");
        if (!verb.equals("del")) {
            words.require(body, "tag", "the tag is missing: a number from 1 to 65535 after the source");
        }
    }

    /** A word that is no keyword: the address the command is about, if that has not been said. */
    private static void positional(
            Words words,
            JsonObject body,
            String field,
            String word,
            List<String> keywords,
            UnaryOperator<String> address) {
        boolean mistyped = !word.contains(":") && Suggestion.nearest(word, keywords) != null;
        if (mistyped || body.has(field)) {
            throw words.unknown(word, keywords);
        }
        body.addProperty(field, address.apply(word));
    }

    /** Every word that can follow an object, for completion. */
    static List<String> vocabulary(String object) {
        List<String> words = new ArrayList<>(VERBS.get(object));
        words.addAll(
                switch (object) {
                    case "link" -> LinkGrammar.KEYWORDS;
                    case "fdb" -> FDB_WORDS;
                    case "neigh" -> NEIGH_WORDS;
                    case "tag" -> TAG_WORDS;
                    case "policy" -> PolicyGrammar.WORDS;
                    default -> List.of("dev");
                });
        return words;
    }
}
