package org.weft.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code weft} itself: options that stand before or behind the object, and batches. */
@Command(
        name = "weft",
        versionProvider = Terminal.Version.class,
        description = "A VXLAN tunnel endpoint (VTEP) in userspace, spoken to as ip(8) and bridge(8).",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft [-d] [-s] [-j] [--control PATH] OBJECT [COMMAND ...]",
            "       weft [-force] -batch FILE|-",
            "       weft daemon [--config FILE] [--control PATH]"
        },
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nObjects:%n",
        footer = {
            "",
            "Objects and commands may be abbreviated as long as one is meant: weft l sh.",
            "",
            "Examples:",
            "  weft link add silk-vtep type vxlan id 1 local 10.0.32.12 dstport 4789 nolearning gbp",
            "  weft -d -s link show silk-vtep",
            "  weft fdb replace ee:ee:0a:ff:2b:00 dev silk-vtep dst 10.0.16.14",
            "  weft -batch entries.txt",
            "",
            "'weft OBJECT --help' tells more; weft(8) tells all."
        },
        subcommands = {
            LinkCommand.class,
            FdbCommand.class,
            NeighCommand.class,
            TagCommand.class,
            PolicyCommand.class,
            DropsCommand.class,
            CaptureCommand.class,
            CellCommand.class,
            LeaseCommand.class,
            ConvergeCommand.class,
            DrainCommand.class
        })
public final class WeftCommand implements Callable<Integer> {
    /** Where the daemon listens if nobody says otherwise. */
    static final String DEFAULT_CONTROL = "/run/weft/control.sock";

    @Option(
            names = {"-d", "-details", "--details"},
            scope = ScopeType.INHERIT,
            description = "More about each device.")
    private boolean details;

    @Option(
            names = {"-s", "-stats", "-statistics", "--statistics"},
            scope = ScopeType.INHERIT,
            description = "Counters too.")
    private boolean statistics;

    @Option(
            names = {"-j", "-json", "--json"},
            scope = ScopeType.INHERIT,
            description = "JSON, with the field names of ip -j and bridge -j.")
    private boolean json;

    @Option(
            names = "--control",
            paramLabel = "PATH",
            scope = ScopeType.INHERIT,
            description = "The daemon's socket; else WEFT_CONTROL, else " + DEFAULT_CONTROL + ".")
    private String control;

    @Option(
            names = {"-b", "-batch", "--batch"},
            paramLabel = "FILE",
            description = "Run the lines of a file, or of standard input (-).")
    private String batch;

    @Option(
            names = {"-force", "--force"},
            description = "Go on behind a line of a batch that fails.")
    private boolean force;

    @Option(
            names = {"-h", "-help", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @Option(
            names = {"-V", "-Version", "--version"},
            versionHelp = true,
            description = "The version.")
    private boolean version;

    @Spec
    private CommandSpec spec;

    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    public WeftCommand(InputStream in, PrintStream out, PrintStream err) {
        this.in = in;
        this.out = out;
        this.err = err;
    }

    public PrintStream out() {
        return out;
    }

    public PrintStream err() {
        return err;
    }

    /** The daemon's socket: as given, or from the environment, or the default. */
    public Path control() {
        String fromEnvironment = System.getenv("WEFT_CONTROL");
        String fallback = fromEnvironment == null || fromEnvironment.isEmpty() ? DEFAULT_CONTROL : fromEnvironment;
        String name = control == null ? fallback : control;
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new OperatorException(Kind.USAGE, "\"" + name + "\" is not the name of a socket", e);
        }
    }

    /** Prints a warning of the daemon; the exit code stays what it is. */
    void warn(String warning) {
        out.flush();
        err.println("warning: " + warning);
    }

    ControlClient client() {
        return new ControlClient(control(), Patience.parse(System.getenv(Patience.VARIABLE)), this::warn);
    }

    Session session() {
        return new Session(client(), new Session.Style(details, statistics, json), out);
    }

    @Override
    public Integer call() {
        if (batch == null) {
            err.print(spec.commandLine().getUsageMessage());
            return Kind.USAGE.exitCode();
        }
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(batchStream(), StandardCharsets.UTF_8), 1 << 16)) {
            return new BatchFile(session(), batch, force, err).run(lines);
        } catch (IOException | InvalidPathException e) {
            String reason = e instanceof NoSuchFileException ? "no such file" : e.getMessage();
            throw new OperatorException(Kind.NO_INPUT, "cannot read batch file \"" + batch + "\": " + reason, e);
        }
    }

    private InputStream batchStream() throws IOException {
        return batch.equals("-") ? in : Files.newInputStream(Path.of(batch));
    }
}
