package org.weft.it;

import java.util.List;
import java.util.Locale;

/** Draws figures over time as SVG: a panel for each, a line for each host. */
final class SoakChart {
    /** A figure of all hosts. */
    record Panel(String title, List<Trend> hosts) {}

    private static final int WIDTH = 1000;
    private static final int PANEL_WIDTH = 470;
    private static final int PANEL_HEIGHT = 170;
    private static final int TOP = 70;
    private static final String[] COLOURS = {"#0b6e8a", "#d9a441"};

    private SoakChart() {}

    static String svg(String title, String subtitle, List<Panel> panels) {
        int height = TOP + (panels.size() + 1) / 2 * (PANEL_HEIGHT + 20);
        StringBuilder svg = new StringBuilder();
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
                .formatted(WIDTH, height, WIDTH, height));
        svg.append(" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n");
        svg.append("<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n".formatted(WIDTH, height));
        text(svg, 20, 30, 18, "#111", title);
        text(svg, 20, 52, 12, "#555", subtitle);
        for (int i = 0; i < panels.size(); i++) {
            draw(svg, panels.get(i), 20 + i % 2 * (PANEL_WIDTH + 20), TOP + i / 2 * (PANEL_HEIGHT + 20));
        }
        return svg.append("</svg>\n").toString();
    }

    private static void draw(StringBuilder svg, Panel panel, int x, int y) {
        double most = 1;
        double end = 1;
        for (Trend host : panel.hosts()) {
            for (int i = 0; i < host.values().size(); i++) {
                most = Math.max(most, host.values().get(i) * 1.1);
                end = Math.max(end, host.times().get(i));
            }
        }
        svg.append("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#fafbfc\" stroke=\"#e1e4e8\"/>\n"
                .formatted(x, y, PANEL_WIDTH, PANEL_HEIGHT));
        text(svg, x + 10, y + 20, 13, "#222", panel.title());
        text(svg, x + PANEL_WIDTH - 60, y + 20, 11, "#777", String.format(Locale.ROOT, "top %.0f", most));
        text(
                svg,
                x + PANEL_WIDTH - 70,
                y + PANEL_HEIGHT - 6,
                11,
                "#777",
                String.format(Locale.ROOT, "%.0f min", end / 60));
        for (int h = 0; h < panel.hosts().size(); h++) {
            Trend host = panel.hosts().get(h);
            svg.append(
                    "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"".formatted(COLOURS[h % 2]));
            for (int i = 0; i < host.values().size(); i++) {
                double px = x + 5 + host.times().get(i) / end * (PANEL_WIDTH - 10);
                double py = y + PANEL_HEIGHT - 20 - host.values().get(i) / most * (PANEL_HEIGHT - 50);
                svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", px, py));
            }
            svg.append("\"/>\n");
        }
    }

    private static void text(StringBuilder svg, int x, int y, int size, String colour, String text) {
        svg.append("<text x=\"%d\" y=\"%d\" font-size=\"%d\" fill=\"%s\">%s</text>\n"
                .formatted(x, y, size, colour, text.replace("&", "&amp;").replace("<", "&lt;")));
    }
}
