package org.weft.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.weft.bench.BarChart.Bar;

/**
 * Draws the times in the tables of a page: {@code java -cp bench/target/bench.jar org.weft.bench.ScaleChart PAGE.md
 * PICTURE.svg}. A group of bars is a column, a bar a row of it; 99th percentiles and worst cases are left to the page.
 */
public final class ScaleChart {
    private static final Pattern TIME = Pattern.compile("[\\d,.]+ ms");
    private static final Pattern NOT_DRAWN = Pattern.compile("99 %|worst");

    private ScaleChart() {}

    public static void main(String[] arguments) throws IOException {
        List<Bar> bars = new ArrayList<>();
        String section = "";
        List<String> head = List.of();
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            if (line.startsWith("## ")) {
                section = line.substring(3);
            } else if (!line.startsWith("|")) {
                head = List.of();
            } else if (head.isEmpty()) {
                head = cells(line);
            } else {
                row(section, head, cells(line), bars);
            }
        }
        Files.writeString(Path.of(arguments[1]), BarChart.svg(bars));
    }

    private static List<String> cells(String line) {
        return Pattern.compile("\\|")
                .splitAsStream(line.substring(1))
                .map(String::strip)
                .toList();
    }

    private static void row(String section, List<String> head, List<String> cells, List<Bar> bars) {
        for (int i = 1; i < cells.size(); i++) {
            if (TIME.matcher(cells.get(i)).matches()
                    && !NOT_DRAWN.matcher(head.get(i)).find()) {
                double millis = Double.parseDouble(cells.get(i).replaceAll("[, ms]", ""));
                bars.add(new Bar(
                        section + ": " + head.get(i), cells.get(0) + " " + head.get(0), millis, cells.get(i), false));
            }
        }
    }
}
