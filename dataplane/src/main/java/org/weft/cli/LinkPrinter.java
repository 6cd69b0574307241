package org.weft.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.Map;

/** Devices as {@code ip -d -s link} of iproute2 6.1 prints them, with Weft's own lines behind. */
final class LinkPrinter implements Printer {
    private static final String[] RX_COLUMNS = {"bytes", "packets", "errors", "dropped", "missed", "mcast"};
    private static final String[] RX_FIELDS = {"bytes", "packets", "errors", "dropped", "over_errors", "multicast"};
    private static final String[] TX_COLUMNS = {"bytes", "packets", "errors", "dropped", "carrier", "collsns"};
    private static final String[] TX_FIELDS = {"bytes", "packets", "errors", "dropped", "carrier_errors", "collisions"};

    /** Least widths of the columns; iproute2's size_columns(). */
    private static final int[] WIDTHS = {10, 7, 6, 7, 7, 7};

    private final boolean details;
    private final boolean statistics;

    LinkPrinter(boolean details, boolean statistics) {
        this.details = details;
        this.statistics = statistics;
    }

    @Override
    public void print(JsonObject link, PrintStream out) {
        out.println(head(link));
        out.println("    link/ether " + Printer.text(link, "address") + " brd ff:ff:ff:ff:ff:ff");
        JsonObject weft = Printer.object(link, "weft");
        if (details) {
            out.println("    " + vxlan(Printer.object(Printer.object(link, "linkinfo"), "info_data")));
            addresses(link, out);
            out.println("    weft" + offloads(weft) + (Printer.flag(weft, "persist") ? " persist" : " nopersist")
                    + (Printer.flag(weft, "known_peers") ? " known-peers" : ""));
            offloadsOff(weft, out);
        }
        if (Printer.text(weft, "trouble") != null) {
            out.println("    trouble: " + Printer.text(weft, "trouble"));
        }
        if (Printer.text(weft, "note") != null) {
            out.println("    note: " + Printer.text(weft, "note"));
        }
        if (statistics) {
            JsonObject stats = Printer.object(link, "stats64");
            table("RX", RX_COLUMNS, RX_FIELDS, Printer.object(stats, "rx"), out);
            table("TX", TX_COLUMNS, TX_FIELDS, Printer.object(stats, "tx"), out);
            counters(Printer.object(weft, "counters"), out);
        }
    }

    private static String head(JsonObject link) {
        StringBuilder line = new StringBuilder();
        line.append(Printer.number(link, "ifindex")).append(": ").append(Printer.text(link, "ifname"));
        line.append(": <").append(Printer.joined(link, "flags", ",")).append(">");
        optional(link, "mtu", "mtu", line);
        optional(link, "qdisc", "qdisc", line);
        optional(link, "operstate", "state", line);
        optional(link, "linkmode", "mode", line);
        optional(link, "group", "group", line);
        optional(link, "txqlen", "qlen", line);
        return line.toString();
    }

    /** The order of words is vxlan_print_opt()'s. */
    private static String vxlan(JsonObject data) {
        StringBuilder line = new StringBuilder("vxlan");
        optional(data, "id", "id", line);
        optional(data, "local", "local", line);
        optional(data, "local6", "local", line);
        optional(data, "link", "dev", line);
        JsonObject range = Printer.object(data, "port_range");
        line.append(" srcport ").append(Printer.number(range, "low"));
        line.append(' ').append(Printer.number(range, "high"));
        optional(data, "port", "dstport", line);
        line.append(Printer.flag(data, "learning") ? "" : " nolearning");
        line.append(Printer.flag(data, "proxy") ? " proxy" : "");
        trafficClass(data, line);
        String ttl = Printer.text(data, "ttl");
        line.append(" ttl ").append(ttl == null || ttl.equals("0") ? "auto" : ttl);
        String df = Printer.text(data, "df");
        line.append(df == null || df.equals("unset") ? "" : " df " + df);
        line.append(Printer.number(data, "ageing") == 0 ? "" : " ageing " + Printer.number(data, "ageing"));
        line.append(Printer.number(data, "limit") == 0 ? "" : " maxaddr " + Printer.number(data, "limit"));
        line.append(Printer.flag(data, "udp_csum") ? " udpcsum" : " noudpcsum");
        line.append(Printer.flag(data, "udp_zero_csum6_tx") ? " udp6zerocsumtx" : " noudp6zerocsumtx");
        line.append(Printer.flag(data, "udp_zero_csum6_rx") ? " udp6zerocsumrx" : " noudp6zerocsumrx");
        line.append(Printer.flag(data, "gbp") ? " gbp" : "");
        return line.toString();
    }

    private static void trafficClass(JsonObject data, StringBuilder line) {
        String tos = Printer.text(data, "tos");
        if (tos == null || tos.equals("0")) {
            return;
        }
        boolean number = tos.chars().allMatch(Character::isDigit);
        line.append(" tos ").append(number ? "0x" + Integer.toHexString(Integer.parseInt(tos)) : tos);
    }

    private static void addresses(JsonObject link, PrintStream out) {
        JsonElement addresses = link.get("addr_info");
        if (addresses == null || !addresses.isJsonArray()) {
            return;
        }
        for (JsonElement each : addresses.getAsJsonArray()) {
            JsonObject address = each.getAsJsonObject();
            String local = Printer.text(address, "local");
            out.println("    " + (local.contains(":") ? "inet6 " : "inet ") + local + "/"
                    + Printer.number(address, "prefixlen"));
        }
    }

    private static String offloads(JsonObject weft) {
        StringBuilder line = new StringBuilder(" offloads");
        int before = line.length();
        for (Map.Entry<String, JsonElement> offload :
                Printer.object(weft, "offloads").entrySet()) {
            line.append(offload.getValue().getAsString().equals("on") ? " " + offload.getKey() : "");
        }
        return line.length() == before ? line.append(" none").toString() : line.toString();
    }

    /** A line for each offload that is off, with the reason. */
    private static void offloadsOff(JsonObject weft, PrintStream out) {
        for (Map.Entry<String, JsonElement> offload :
                Printer.object(weft, "offloads").entrySet()) {
            String state = offload.getValue().getAsString();
            if (!state.equals("on")) {
                out.println("    " + offload.getKey() + " " + state);
            }
        }
    }

    private static void table(String direction, String[] columns, String[] fields, JsonObject stats, PrintStream out) {
        StringBuilder head = new StringBuilder("    ").append(direction).append(':');
        StringBuilder row = new StringBuilder("    ");
        for (int i = 0; i < columns.length; i++) {
            String value = Long.toString(Printer.number(stats, fields[i]));
            int width = Math.max(WIDTHS[i], value.length());
            head.append(" ".repeat(width - columns[i].length() + (i == 0 ? -3 : 1)))
                    .append(columns[i]);
            row.append(" ".repeat(width - value.length() + (i == 0 ? 0 : 1))).append(value);
        }
        out.println(head);
        out.println(row);
    }

    private static void counters(JsonObject counters, PrintStream out) {
        for (Map.Entry<String, JsonElement> counter : counters.entrySet()) {
            if (counter.getValue().getAsLong() != 0) {
                out.println("    " + counter.getKey() + " " + counter.getValue().getAsLong());
            }
        }
    }

    private static void optional(JsonObject json, String field, String word, StringBuilder line) {
        String value = Printer.text(json, field);
        if (value != null) {
            line.append(' ').append(word).append(' ').append(value);
        }
    }
}
