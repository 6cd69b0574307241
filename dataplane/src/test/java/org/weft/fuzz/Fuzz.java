package org.weft.fuzz;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Runs scenarios for as long as asked for: what {@code scripts/fuzz} starts, with its options. */
public final class Fuzz {
    private static final long DEFAULT_CASES = 1_000_000;
    private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final long start = System.nanoTime();
    private long seed = start & 0xffff_ffffL;
    private long mostCases;
    private double mostMinutes;
    private boolean once;
    private long scenario;
    private long scenarios;
    private long cases;

    private Fuzz(String[] options) {
        for (int i = 0; i + 1 < options.length; i += 2) {
            String value = options[i + 1];
            switch (options[i]) {
                case "--seed" -> seed = Long.parseLong(value);
                case "--cases" -> mostCases = Long.parseLong(value);
                case "--minutes" -> mostMinutes = Double.parseDouble(value);
                case "--scenario" -> {
                    scenario = Long.parseLong(value);
                    once = true;
                }
                default -> throw new IllegalArgumentException(options[i] + " is not an option");
            }
        }
        if (mostCases == 0 && mostMinutes == 0) {
            mostCases = DEFAULT_CASES;
        }
    }

    public static void main(String[] options) {
        System.exit(new Fuzz(options).run());
    }

    private int run() {
        System.out.println("fuzz: seed " + seed);
        long nextProgress = start + PROGRESS_NANOS;
        do {
            try {
                cases += new Scenario(seed, scenario).run();
            } catch (Finding finding) {
                finding.printStackTrace(System.out);
                System.out.println(
                        summary() + "; FAILED, repeat it with scripts/fuzz --seed " + seed + " --scenario " + scenario);
                return 1;
            }
            scenario++;
            scenarios++;
            if (System.nanoTime() > nextProgress) {
                nextProgress = System.nanoTime() + PROGRESS_NANOS;
                System.out.println(summary());
            }
        } while (!isDone());
        System.out.println(summary() + "; no failure");
        return 0;
    }

    private boolean isDone() {
        long elapsed = System.nanoTime() - start;
        return once
                || mostCases != 0 && cases >= mostCases
                || mostMinutes != 0 && elapsed >= mostMinutes * TimeUnit.MINUTES.toNanos(1);
    }

    private String summary() {
        double seconds = (System.nanoTime() - start) / 1e9;
        return String.format(
                Locale.ROOT,
                "fuzz: seed %d, %d scenarios, %d cases, %.0f s, %.0f cases/s",
                seed,
                scenarios,
                cases,
                seconds,
                cases / seconds);
    }
}
