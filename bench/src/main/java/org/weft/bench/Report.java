package org.weft.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The numbers as a Markdown table under the environment they come from. */
final class Report {
    private Report() {}

    static String markdown(Environment environment, List<Row> rows, String picture) {
        StringBuilder text = new StringBuilder("# Benchmarks of " + environment.date() + "\n\n| | |\n|---|---|\n");
        line(text, "CPU", environment.cpu() + ", " + environment.processors() + " processors");
        line(text, "Kernel", environment.kernel());
        line(text, "JDK", environment.jdk());
        line(text, "JVM flags", "`" + environment.flags() + "`");
        line(text, "Commit", environment.commit());
        text.append("\nTime of one operation: mean, fastest and slowest iteration; and what it allocates. Rows"
                + " `withWriter` give the reader's time while another thread writes without pause; what both allocate"
                + " is divided by the operations of both. JMH allocates a little itself, hence not always 0.000.\n\n");
        text.append("![Bars of the times below](").append(picture).append(")\n");
        rows.stream()
                .collect(Collectors.groupingBy(Row::group, LinkedHashMap::new, Collectors.toList()))
                .forEach((group, members) -> table(text, group, members));
        return text.toString();
    }

    private static void table(StringBuilder text, String group, List<Row> rows) {
        boolean rates = rows.get(0).bytes() != 0;
        text.append("\n## ")
                .append(group)
                .append("\n\n| | ns/op | min | max | B/op |")
                .append(rates ? " GB/s |" : "");
        text.append("\n|---|---:|---:|---:|---:|").append(rates ? "---:|\n" : "\n");
        for (Row row : rows) {
            String allocated =
                    number("%.3f", row.allocated()) + (rates ? " | " + number("%.1f", row.gigabytesPerSecond()) : "");
            line(text, row.name(), nanos(row.nanos()), nanos(row.least()), nanos(row.most()), allocated);
        }
    }

    private static void line(StringBuilder text, String... cells) {
        text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    static String nanos(double nanos) {
        return number(nanos < 100 ? "%.2f" : "%.0f", nanos);
    }

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }
}
