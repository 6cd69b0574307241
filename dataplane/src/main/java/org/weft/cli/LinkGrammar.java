package org.weft.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The words of {@code link add}, {@code set} and {@code del}: ip-link(8) and its vxlan type. */
public final class LinkGrammar {
    static final int MAX_VNI = 0xffffff;

    private static final Set<String> FLAGS = Set.of(
            "learning",
            "proxy",
            "udpcsum",
            "udp6zerocsumtx",
            "udp6zerocsumrx",
            "gbp",
            "persist",
            "install-neighbours",
            "known-peers");

    /** What the kernel's device has and Weft does not; each can be written with "no" in front, which changes nothing. */
    private static final Map<String, String> ABSENT = Map.ofEntries(
            Map.entry(
                    "remote",
                    "give the default remote as an FDB entry: weft fdb append 00:00:00:00:00:00 dev NAME dst IP"),
            Map.entry(
                    "group",
                    "Weft has no multicast groups: name each remote, weft fdb append 00:00:00:00:00:00 dev NAME dst"
                            + " IP"),
            Map.entry("rsc", "Weft does not short-circuit routes"),
            Map.entry("l2miss", "Weft sends no netlink notifications: weft drops shows VXLAN_NO_REMOTE"),
            Map.entry("l3miss", "Weft sends no netlink notifications: weft drops shows NEIGH_UNKNOWN"),
            Map.entry("external", "Weft's devices have one VNI each"),
            Map.entry("vnifilter", "Weft's devices have one VNI each"),
            Map.entry("localbypass", "what Weft sends to this host itself goes by its loopback interface"),
            Map.entry("reserved_bits", "Weft tolerates no reserved bits but those of gbp"),
            Map.entry("flowlabel", "Weft's outer flow label is 0"),
            Map.entry("gpe", "Weft speaks plain VXLAN and the group policy extension (gbp)"));

    public static final List<String> KEYWORDS = List.of(
            "type",
            "vxlan",
            "id",
            "local",
            "dev",
            "dstport",
            "srcport",
            "address",
            "lladdr",
            "mtu",
            "ttl",
            "tos",
            "df",
            "ageing",
            "maxaddress",
            "learning",
            "nolearning",
            "proxy",
            "noproxy",
            "udpcsum",
            "noudpcsum",
            "udp6zerocsumtx",
            "noudp6zerocsumtx",
            "udp6zerocsumrx",
            "noudp6zerocsumrx",
            "gbp",
            "nogbp",
            "persist",
            "nopersist",
            "install-neighbours",
            "noinstall-neighbours",
            "known-peers",
            "noknown-peers",
            "tso",
            "uso",
            "gso",
            "tunnel-gso",
            "gro",
            "up",
            "down");

    private final Words words;
    private final boolean set;
    private final JsonObject body;
    private final JsonObject attributes = new JsonObject();

    private LinkGrammar(String verb, Words words, JsonObject body) {
        this.words = words;
        this.set = verb.equals("set");
        this.body = body;
    }

    static void parse(String verb, Words words, JsonObject body) {
        LinkGrammar grammar = new LinkGrammar(verb, words, body);
        while (words.more()) {
            grammar.word(words.next());
        }
        words.require(body, "dev", "the name of the device is missing");
        if (verb.equals("add")) {
            words.require(grammar.attributes, "id", "the VNI is missing: say \"id\" and a number from 0 to " + MAX_VNI);
        }
        if (verb.equals("del") && grammar.attributes.size() > 0) {
            throw words.error("only the name of a device is wanted");
        }
        if (!verb.equals("del")) {
            body.add("attributes", grammar.attributes);
        }
    }

    private void word(String word) {
        switch (word) {
            case "dev" -> device();
            case "name" -> words.put(body, "dev", words.device());
            case "type" -> type();
            case "id", "vni" -> put("id", words.number(0, MAX_VNI));
            case "local" -> put("local", words.ip());
            case "dstport" -> put("dstport", words.number(1, 65535));
            case "srcport" -> sourcePorts();
            case "address" -> address(words.value("a MAC address or an IP address with its prefix length"));
            case "lladdr" -> put("mac", words.mac());
            case "mtu" -> put("mtu", words.number(68, 65535));
            case "ttl", "hoplimit" -> ttl(words.value("a number, auto or inherit"));
            case "tos", "dsfield" -> tos(words.value("a number or inherit"));
            case "df" -> df(words.value("set, unset or inherit"));
            case "ageing" -> put("ageing", words.number(0, Integer.MAX_VALUE));
            case "maxaddress", "maxaddr" -> put("maxaddress", words.number(0, Integer.MAX_VALUE));
            case "tso", "uso", "gso", "tunnel-gso", "gro" -> onOff(word, words.value("on or off"));
            case "up", "down" -> state(word);
            default -> flagOrName(word);
        }
    }

    /** As in ip(8), the first {@code dev} may name the device itself; any other is the underlay's. */
    private void device() {
        if (body.has("dev")) {
            put("dev", words.device());
        } else {
            body.addProperty("dev", words.device());
        }
    }

    private void type() {
        String type = words.value("vxlan");
        if (!type.equals("vxlan")) {
            throw words.error("\"type " + type + "\": Weft's devices are of type vxlan");
        }
    }

    private void sourcePorts() {
        int min = words.number(0, 65535);
        int max = words.number("srcport", words.value("the end of the range of ports"), 0, 65535);
        if (min > max) {
            throw words.error("\"srcport " + min + " " + max + "\": the first port is above the last");
        }
        put("srcport", min + " " + max);
    }

    /** A MAC address, as in ip(8), or an overlay address; of those there may be several. */
    private void address(String text) {
        if (text.length() == 17 && text.charAt(2) == ':' && !text.contains("/") && !text.contains("::")) {
            put("mac", words.mac(text));
            return;
        }
        String prefix = words.prefix(text);
        JsonElement already = attributes.get("address");
        if (already == null) {
            attributes.addProperty("address", prefix);
        } else if (already.isJsonArray()) {
            already.getAsJsonArray().add(prefix);
        } else {
            JsonArray both = new JsonArray();
            both.add(already);
            both.add(prefix);
            attributes.add("address", both);
        }
    }

    private void ttl(String text) {
        if (text.equals("auto") || text.equals("0")) {
            put("ttl", "auto");
        } else if (text.equals("inherit")) {
            put("ttl", text);
        } else {
            put("ttl", words.number("ttl", text, 1, 255));
        }
    }

    private void tos(String text) {
        if (text.equals("inherit")) {
            put("tos", text);
        } else {
            put("tos", words.number("tos", text, 0, 255));
        }
    }

    private void df(String text) {
        if (!Set.of("set", "unset", "inherit").contains(text)) {
            throw words.error("\"df\" is set, unset or inherit, not \"" + text + "\"");
        }
        put("df", text);
    }

    private void onOff(String word, String text) {
        if (!text.equals("on") && !text.equals("off")) {
            throw words.error("\"" + word + "\" is on or off, not \"" + text + "\"");
        }
        words.put(attributes, word, text.equals("on"));
    }

    private void state(String word) {
        if (!set) {
            throw words.error("\"" + word + "\" goes with link set; a device that is added is up");
        }
        words.put(attributes, "up", word.equals("up"));
    }

    private void flagOrName(String word) {
        boolean no = word.startsWith("no");
        String flag = no ? word.substring(2) : word;
        if (FLAGS.contains(flag)) {
            words.put(attributes, flag, !no);
        } else if (ABSENT.containsKey(flag) && body.has("dev")) {
            if (!no) {
                throw words.error("\"" + word + "\": " + ABSENT.get(flag));
            }
        } else if (!body.has("dev")) {
            body.addProperty("dev", word);
        } else {
            throw words.unknown(word, KEYWORDS);
        }
    }

    private void put(String attribute, String value) {
        words.put(attributes, attribute, value);
    }

    private void put(String attribute, int value) {
        words.put(attributes, attribute, value);
    }
}
