package org.weft.cli;

import com.google.gson.JsonObject;
import java.io.PrintStream;
import org.weft.cli.Statement.Listing;
import org.weft.cli.Statement.Show;

/** One line per table entry, as {@code bridge fdb} and {@code ip neigh} print it: without the device if it was asked for. */
final class EntryPrinter implements Printer {
    private final Listing listing;
    private final boolean namesDevice;
    private final boolean statistics;

    EntryPrinter(Show show, boolean statistics) {
        this.listing = show.listing();
        this.namesDevice = show.dev() == null;
        this.statistics = statistics;
    }

    @Override
    public void print(JsonObject entry, PrintStream out) {
        StringBuilder line = new StringBuilder(96);
        switch (listing) {
            case FDB -> fdb(entry, line);
            case NEIGH -> neighbour(entry, line);
            default -> tag(entry, line);
        }
        out.println(line);
    }

    private void fdb(JsonObject entry, StringBuilder line) {
        line.append(Printer.text(entry, "mac"));
        device(entry, "ifname", line);
        field(entry, "dst", "dst", line);
        field(entry, "port", "port", line);
        field(entry, "vni", "vni", line);
        if (statistics && entry.has("updated")) {
            long seconds = Printer.number(entry, "updated");
            line.append(" used ").append(seconds).append('/').append(seconds);
        }
        append(Printer.joined(entry, "flags", " "), line);
        append(Printer.text(entry, "state"), line);
    }

    private void neighbour(JsonObject entry, StringBuilder line) {
        line.append(Printer.text(entry, "dst"));
        device(entry, "dev", line);
        field(entry, "lladdr", "lladdr", line);
        append(Printer.joined(entry, "state", " "), line);
    }

    private void tag(JsonObject entry, StringBuilder line) {
        line.append(Printer.text(entry, "source"));
        device(entry, "dev", line);
        field(entry, "tag", "tag", line);
    }

    private void device(JsonObject entry, String field, StringBuilder line) {
        if (namesDevice) {
            field(entry, field, "dev", line);
        }
    }

    private static void field(JsonObject entry, String field, String word, StringBuilder line) {
        String value = Printer.text(entry, field);
        if (value != null) {
            line.append(' ').append(word).append(' ').append(value);
        }
    }

    private static void append(String text, StringBuilder line) {
        if (text != null && !text.isEmpty()) {
            line.append(' ').append(text);
        }
    }
}
