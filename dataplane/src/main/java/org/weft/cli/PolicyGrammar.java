package org.weft.cli;

import com.google.gson.JsonObject;
import java.util.List;
import java.util.function.Supplier;
import org.weft.cli.Statement.Change;
import org.weft.cli.Statement.PolicyQuestion;
import org.weft.config.Values;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.operator.Suggestion;

/** The words behind {@code policy} and a verb. */
final class PolicyGrammar {
    static final List<String> VERBS = List.of("allow", "deny", "show", "list", "mode", "explain", "nft");
    static final List<String> WORDS =
            List.of("tcp", "udp", "icmp", "protocol", "port", "tag", "off", "log", "enforce", "netfilter");

    private static final List<String> MODES = List.of("off", "log", "enforce", "netfilter");
    private static final List<String> ALLOW_WORDS = List.of("protocol", "port");
    private static final int MAX_TAG = 0xffff;

    private PolicyGrammar() {}

    static Statement parse(String verb, Words words) {
        return switch (verb) {
            case "show" -> {
                end(words);
                yield PolicyQuestion.show();
            }
            case "nft" -> {
                end(words);
                yield PolicyQuestion.localRules();
            }
            case "explain" -> explain(words);
            case "mode" -> mode(words);
            default -> change(verb, words);
        };
    }

    private static Statement mode(Words words) {
        if (!words.more()) {
            throw words.error("the mode is missing: " + String.join(", ", MODES));
        }
        String mode = Words.complete("policy mode", "mode", words.next(), MODES);
        end(words);
        JsonObject body = body("mode");
        body.addProperty("mode", mode);
        return new Change(body);
    }

    private static JsonObject body(String action) {
        JsonObject body = new JsonObject();
        body.addProperty("object", "policy");
        body.addProperty("action", action);
        return body;
    }

    private static void end(Words words) {
        if (words.more()) {
            throw words.unknown(words.next(), List.of());
        }
    }

    private static Statement change(String verb, Words words) {
        JsonObject body = body(verb);
        while (words.more()) {
            String word = words.next();
            switch (word) {
                case "protocol", "--protocol" -> words.put(body, "protocol", words.value("tcp, udp or icmp"));
                case "port", "--port" -> words.put(body, "ports", words.value("a port or a range of ports"));
                default -> positional(words, body, word);
            }
        }
        words.require(body, "tag", "the tag is missing: " + verb + " 1 10.255.43.3 ...");
        words.require(body, "destination", "the destination is missing: an IP address after the tag");
        words.require(body, "protocol", "the protocol is missing: say --protocol tcp");
        check(words, body);
        return new Change(body);
    }

    private static void positional(Words words, JsonObject body, String word) {
        if (!body.has("tag")) {
            body.addProperty("tag", words.number("tag", word, 1, MAX_TAG));
        } else if (!body.has("destination") && Suggestion.nearest(word, ALLOW_WORDS) == null) {
            body.addProperty("destination", words.ip(word));
        } else {
            throw words.unknown(word, List.of("protocol", "port", "--protocol", "--port"));
        }
    }

    /** By the rules that the daemon has, so that a mistake is told at once. */
    private static void check(Words words, JsonObject body) {
        Protocol protocol =
                read(words, () -> Values.protocol(body.get("protocol").getAsString()));
        if (protocol.hasPorts()) {
            words.require(body, "ports", "the port is missing: say --port 7777, or --port 7777-7779");
        }
        read(words, () -> {
            int[] ports = body.has("ports") ? Values.ports(body.get("ports").getAsString()) : new int[2];
            IpAddress destination = IpAddress.parse(body.get("destination").getAsString());
            return new Policy(body.get("tag").getAsInt(), destination, protocol, ports[0], ports[1]);
        });
    }

    private static <T> T read(Words words, Supplier<T> reading) {
        try {
            return reading.get();
        } catch (IllegalArgumentException e) {
            throw words.error(e.getMessage());
        }
    }

    private static Statement explain(Words words) {
        String source = null;
        String tag = null;
        String first = words.more() ? words.next() : "";
        if (first.equals("tag")) {
            tag = Integer.toString(words.number(1, MAX_TAG));
        } else if (first.isEmpty()) {
            throw words.error("the source is missing: its IP address, or \"tag\" and a tag");
        } else {
            source = words.ip(first);
        }
        if (!words.more()) {
            throw words.error("the destination is missing: an IP address after the source");
        }
        String destination = words.ip(words.next());
        if (!words.more()) {
            throw words.error("the protocol is missing: tcp, udp or icmp after the destination");
        }
        String word = words.next();
        Protocol protocol = read(words, () -> Values.protocol(word));
        String port = null;
        if (protocol.hasPorts()) {
            if (!words.more()) {
                throw words.error("the port is missing: a number after the protocol");
            }
            port = Integer.toString(words.number("port", words.next(), 1, 0xffff));
        }
        end(words);
        return PolicyQuestion.explain(source, tag, destination, protocol, port);
    }
}
