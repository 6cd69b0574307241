package org.weft.cli;

import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Drop reasons in aligned columns, each with the beginning of the last packet it took, in hexadecimal. */
final class DropsPrinter implements Printer {
    private static final String[] HEADINGS = {"DEVICE", "DIR", "REASON", "COUNT", "LAST", "MEANING"};
    private static final String[] FIELDS = {"dev", "direction", "reason", "count", "last", "meaning"};
    private static final int COUNT_COLUMN = 3;
    private static final int BYTES_PER_LINE = 16;

    private final List<JsonObject> drops = new ArrayList<>();

    @Override
    public void print(JsonObject entry, PrintStream out) {
        drops.add(entry);
    }

    @Override
    public void finish(PrintStream out) {
        if (drops.isEmpty()) {
            return;
        }
        List<String[]> rows = new ArrayList<>();
        rows.add(HEADINGS);
        for (JsonObject drop : drops) {
            rows.add(row(drop));
        }
        int[] widths = widths(rows);
        out.println(line(HEADINGS, widths));
        for (int i = 0; i < drops.size(); i++) {
            out.println(line(rows.get(i + 1), widths));
            example(drops.get(i), out);
        }
    }

    private static String[] row(JsonObject drop) {
        String[] row = new String[FIELDS.length];
        for (int i = 0; i < FIELDS.length; i++) {
            String value = Printer.text(drop, FIELDS[i]);
            row[i] = value == null ? "-" : value;
        }
        return row;
    }

    private static int[] widths(List<String[]> rows) {
        int[] widths = new int[FIELDS.length];
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        return widths;
    }

    private static String line(String[] row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < row.length; i++) {
            String padding = " ".repeat(widths[i] - row[i].length());
            line.append(i == 0 ? "" : "  ");
            line.append(i == COUNT_COLUMN ? padding + row[i] : row[i] + padding);
        }
        return line.toString().stripTrailing();
    }

    /** As {@code tcpdump -x} prints bytes. */
    private static void example(JsonObject drop, PrintStream out) {
        String header = Printer.text(drop, "header");
        if (header == null || header.isEmpty()) {
            return;
        }
        out.println("    last of " + Printer.number(drop, "length") + " bytes:");
        for (int start = 0; start < header.length(); start += 2 * BYTES_PER_LINE) {
            StringBuilder line = new StringBuilder(String.format("    0x%04x: ", start / 2));
            int end = Math.min(header.length(), start + 2 * BYTES_PER_LINE);
            for (int i = start; i < end; i += 4) {
                line.append(' ').append(header, i, Math.min(i + 4, end));
            }
            out.println(line);
        }
    }
}
