package org.weft.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Policies as rules of nftables for what stays on a host: packets between two of its containers do not pass the VTEP. They
 * judge by source addresses in place of tags, as of the moment that they are written, and leave marks alone.
 */
final class LocalRules {
    private static final String TABLE = "inet weft-local";
    private static final List<String> PORT_PROTOCOLS = List.of("tcp", "udp");

    private LocalRules() {}

    /** @param policies what {@code GET /v1/policy} answers */
    static void print(JsonObject policies, PrintStream out) {
        out.println("# Policies of " + Printer.text(policies, "vtep")
                + " for packets between containers of this host; apply" + " with nft -f, again after each change");
        out.println("table " + TABLE);
        out.println("delete table " + TABLE);
        out.println("table " + TABLE + " {");
        PORT_PROTOCOLS.forEach(protocol ->
                set("allowed-" + protocol, "ipv4_addr . ipv4_addr . inet_service", elements(policies, protocol), out));
        set("allowed-icmp", "ipv4_addr . ipv4_addr", elements(policies, "icmp"), out);
        out.print(
                """
                  chain forward {
                    type filter hook forward priority filter; policy accept;
                    iifname "s-*" oifname "s-*" jump local
                  }
                  chain local {
                    ct state established,related accept
                    ip saddr . ip daddr . tcp dport @allowed-tcp accept
                    ip saddr . ip daddr . udp dport @allowed-udp accept
                    ip protocol icmp ip saddr . ip daddr @allowed-icmp accept
                    reject with icmpx port-unreachable
                  }
                }
                """);
    }

    private static void set(String name, String type, Set<String> elements, PrintStream out) {
        out.println("  set " + name + " {");
        out.println("    type " + type + "; flags interval; auto-merge;");
        if (!elements.isEmpty()) {
            out.println("    elements = {");
            elements.forEach(element -> out.println("      " + element + ","));
            out.println("    }");
        }
        out.println("  }");
    }

    private static Set<String> elements(JsonObject policies, String protocol) {
        JsonArray tags = policies.getAsJsonArray("tags");
        Set<String> elements = new LinkedHashSet<>();
        for (JsonElement each : policies.getAsJsonArray("policies")) {
            JsonObject policy = each.getAsJsonObject();
            String destination = Printer.text(policy, "destination");
            if (!protocol.equals(Printer.text(policy, "protocol")) || destination.contains(":")) {
                continue;
            }
            String ports = Printer.text(policy, "ports");
            for (JsonElement entry : tags) {
                JsonObject tag = entry.getAsJsonObject();
                String source = Printer.text(tag, "source");
                if (Printer.number(tag, "tag") == Printer.number(policy, "tag") && !source.contains(":")) {
                    elements.add(source + " . " + destination + (ports == null ? "" : " . " + ports));
                }
            }
        }
        return elements;
    }
}
