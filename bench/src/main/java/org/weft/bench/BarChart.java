package org.weft.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Horizontal bars, as SVG; each group has its own scale. */
final class BarChart {
    private static final int WIDTH = 900;
    private static final int LABEL_WIDTH = 330;
    private static final int BAR_WIDTH = WIDTH - LABEL_WIDTH - 120;
    private static final int LINE_HEIGHT = 20;
    private static final int MARGIN = 16;

    /**
     * @param label what stands at its end
     * @param accented for the second of two colours
     */
    record Bar(String group, String name, double length, String label, boolean accented) {}

    private final StringBuilder body = new StringBuilder();
    private int y = MARGIN;

    private BarChart() {}

    static String svg(List<Bar> bars) {
        BarChart chart = new BarChart();
        bars.stream()
                .collect(Collectors.groupingBy(Bar::group, LinkedHashMap::new, Collectors.toList()))
                .forEach(chart::group);
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d" \
                font-family="sans-serif" font-size="12">
                <rect width="%1$d" height="%2$d" fill="white"/>
                %3$s</svg>
                """
                .formatted(WIDTH, chart.y + MARGIN, chart.body);
    }

    private void group(String name, List<Bar> bars) {
        double longest = bars.stream().mapToDouble(Bar::length).max().orElse(1);
        y += LINE_HEIGHT;
        body.append(String.format("<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>%n", MARGIN, y, name));
        for (Bar bar : bars) {
            y += LINE_HEIGHT;
            draw(bar, Math.max(1, BAR_WIDTH * bar.length() / longest));
        }
        y += LINE_HEIGHT / 2;
    }

    private void draw(Bar bar, double width) {
        body.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
                        + "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>"
                        + "<text x=\"%.1f\" y=\"%d\">%s</text>%n",
                LABEL_WIDTH - 8,
                y,
                bar.name(),
                LABEL_WIDTH,
                y - 11,
                width,
                bar.accented() ? "#c96f2d" : "#33658a",
                LABEL_WIDTH + width + 6,
                y,
                bar.label()));
    }
}
