package org.weft.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the benchmarks whose names match a filter (all without one), and writes the numbers as JSON, as a table and as
 * a picture: {@code --quick}, {@code --out DIRECTORY}, {@code --name NAME}, then regular expressions.
 */
public final class Main {
    private static final int USAGE = 64;
    private static final int FAILED = 1;

    private boolean quick;
    private Path directory;
    private String name;
    private final List<String> filters = new ArrayList<>();

    private Main() {}

    public static void main(String[] arguments) throws IOException {
        Main main = new Main();
        String wrong = main.parse(arguments);
        if (wrong != null) {
            fail(wrong, USAGE);
        }
        try {
            main.run();
        } catch (NoBenchmarksException e) {
            fail("no benchmark matches " + String.join(" or ", main.filters), USAGE);
        } catch (RunnerException e) {
            fail(e.getMessage(), FAILED);
        }
    }

    private static void fail(String sentence, int exitCode) {
        System.err.println("bench: " + sentence);
        System.exit(exitCode);
    }

    /** Returns what is wrong with the arguments, or null. */
    private String parse(String[] arguments) {
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            boolean takesValue = argument.equals("--out") || argument.equals("--name");
            if (takesValue && i + 1 == arguments.length) {
                return argument + " needs a value";
            }
            switch (argument) {
                case "--quick" -> quick = true;
                case "--out" -> directory = Path.of(arguments[++i]);
                case "--name" -> name = arguments[++i];
                default -> {
                    if (argument.startsWith("-")) {
                        return "unknown option " + argument + "; there are --quick, --out and --name";
                    }
                    filters.add(argument);
                }
            }
        }
        return null;
    }

    private void run() throws IOException, RunnerException {
        List<String> flags = jvmFlags();
        Environment environment = Environment.here(flags);
        Collection<RunResult> results = new Runner(options(flags).build()).run();
        if (directory != null && !results.isEmpty()) {
            write(environment, results);
        }
    }

    private ChainedOptionsBuilder options(List<String> flags) {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .mode(Mode.AverageTime)
                .timeUnit(TimeUnit.NANOSECONDS)
                .forks(1)
                .warmupIterations(quick ? 2 : 3)
                .warmupTime(TimeValue.milliseconds(quick ? 400 : 1000))
                .measurementIterations(quick ? 3 : 5)
                .measurementTime(TimeValue.milliseconds(quick ? 400 : 1000))
                .shouldFailOnError(true)
                .addProfiler(GCProfiler.class)
                .jvmArgsAppend(flags.toArray(String[]::new));
        filters.forEach(options::include);
        return options;
    }

    /** What the build says a JVM needs, from the parent pom's {@code weft.jvm.flags}. */
    private static List<String> jvmFlags() {
        Properties properties = new Properties();
        try (InputStream in = Main.class.getResourceAsStream("/bench.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.of(properties.getProperty("jvm.flags").split(" "));
    }

    private void write(Environment environment, Collection<RunResult> results) throws IOException {
        Files.createDirectories(directory);
        String base = name != null ? name : defaultName(environment);
        List<Row> rows = Row.of(results);
        Path json = directory.resolve(base + ".json");
        Files.writeString(json, json(results));
        Files.writeString(directory.resolve(base + ".md"), Report.markdown(environment, rows, base + ".svg"));
        Files.writeString(
                directory.resolve(base + ".svg"),
                BarChart.svg(rows.stream().map(Main::bar).toList()));
        System.out.println("\nWritten: " + json + ", and beside it .md and .svg");
    }

    private static BarChart.Bar bar(Row row) {
        boolean contended = row.name().startsWith("withWriter");
        return new BarChart.Bar(row.group() + ", ns/op", row.name(), row.nanos(), Report.nanos(row.nanos()), contended);
    }

    private String defaultName(Environment environment) {
        return environment.date() + "-" + environment.slug() + (quick ? "-quick" : "")
                + (filters.isEmpty() ? "" : "-partial");
    }

    /** JMH's own JSON, so that its viewers take it, but for the path of the JVM. */
    private static String json(Collection<RunResult> results) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);
        ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
        out.flush();
        return bytes.toString(StandardCharsets.UTF_8).replaceAll("(?m)^\\s*\"jvm\" : .*\\R", "");
    }
}
