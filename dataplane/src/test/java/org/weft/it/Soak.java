package org.weft.it;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.weft.it.SoakChart.Panel;

/** Keeps two cells busy for a long time and watches what their daemons use: what {@code scripts/soak} starts. */
public final class Soak {
    private static final long SAMPLE_SECONDS = 10;
    private static final double FLAT = 0.05;

    /** The number of samples in five minutes, in which the collector runs several times. */
    private static final int COLLECTIONS = 30;

    /**
     * A figure that the soak watches.
     *
     * @param samples the lowest of this many samples counts
     * @param noGrowth the growth in an hour that still counts as none
     */
    private record Figure(String name, int samples, double noGrowth, ToDoubleFunction<ProcessSample> value) {}

    private static final List<Figure> FIGURES = List.of(
            new Figure("resident memory [MB]", 1, 4, sample -> sample.rss() / 1024.0),
            new Figure("used heap, lowest of 5 min [MB]", COLLECTIONS, 1.5, sample -> sample.heap() / 1024.0),
            new Figure("open descriptors", 1, 3, sample -> sample.descriptors()),
            new Figure("threads", 1, 1, sample -> sample.threads()));

    private final List<List<Trend>> trends = new ArrayList<>();
    private final PolicyLab lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT);
    private final long start = System.nanoTime();

    private Soak() {
        for (int i = 0; i < FIGURES.size(); i++) {
            int samples = FIGURES.get(i).samples();
            trends.add(List.of(new Trend(samples), new Trend(samples)));
        }
    }

    /** Arguments: minutes, and the name of the files without ending. */
    public static void main(String[] arguments) throws Exception {
        double minutes = Double.parseDouble(arguments[0]);
        System.exit(new Soak().run(minutes, arguments[1]) ? 0 : 1);
    }

    private boolean run(double minutes, String name) throws Exception {
        try (PolicyLab opened = lab;
                PrintStream csv = new PrintStream(Files.newOutputStream(Path.of(name + ".csv")))) {
            csv.println("seconds,host,rss_kb,heap_kb,descriptors,threads");
            opened.start(SoakLoad.policies(new SplittableRandom(0)));
            SoakLoad load = new SoakLoad(opened).start();
            try (load) {
                while (seconds() < minutes * 60) {
                    TimeUnit.SECONDS.sleep(SAMPLE_SECONDS);
                    sample(csv);
                    Files.writeString(Path.of(name + ".svg"), chart());
                }
            }
            System.out.println(load.summary());
        }
        return report();
    }

    private double seconds() {
        return (System.nanoTime() - start) / 1e9;
    }

    private void sample(PrintStream csv) {
        for (int host = 0; host < lab.hosts().size(); host++) {
            ProcessSample sample =
                    ProcessSample.withHeap(lab.host(host).daemon().pid());
            double now = seconds();
            csv.printf(
                    Locale.ROOT,
                    "%.0f,%d,%d,%d,%d,%d%n",
                    now,
                    host + 1,
                    sample.rss(),
                    sample.heap(),
                    sample.descriptors(),
                    sample.threads());
            for (int i = 0; i < FIGURES.size(); i++) {
                trends.get(i).get(host).add(now, FIGURES.get(i).value().applyAsDouble(sample));
            }
        }
        csv.flush();
    }

    private String chart() {
        List<Panel> panels = new ArrayList<>();
        for (int i = 0; i < FIGURES.size(); i++) {
            panels.add(new Panel(FIGURES.get(i).name(), trends.get(i)));
        }
        String subtitle =
                "Two cells with traffic, containers that come and go, changing policies and leases, captures and"
                        + " scrapes; a line each";
        return SoakChart.svg("What a daemon uses, " + LocalDate.now(), subtitle, panels);
    }

    /** Prints what the figures did; true if all are flat. */
    private boolean report() {
        boolean flat = true;
        for (int i = 0; i < FIGURES.size(); i++) {
            Figure figure = FIGURES.get(i);
            for (int host = 0; host < lab.hosts().size(); host++) {
                Trend trend = trends.get(i).get(host);
                boolean fine = trend.isFlat(FLAT, figure.noGrowth());
                flat &= fine;
                System.out.printf(
                        Locale.ROOT,
                        "host %d: %s: mean %.1f, %+.2f an hour: %s%n",
                        host + 1,
                        figure.name(),
                        trend.mean(),
                        trend.perHour(),
                        fine ? "flat" : "GROWS");
            }
        }
        return flat;
    }
}
