package org.weft.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.weft.cli.WeftCommand;
import org.weft.dataplane.io.linux.NativeCode;
import org.weft.file.LimitedFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weft daemon}. What it runs is in {@link Daemon}, so that other commands need not load it. */
@Command(
        name = "daemon",
        description = "%nRuns VTEPs in the foreground until SIGTERM or SIGINT; logs to standard error.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = "weft daemon [--config FILE] [--control PATH]",
        footer = {"", "Examples:", "  weft daemon --config /etc/weft/weft.yml", "  WEFT_LOG=debug weft daemon"})
final class DaemonCommand implements Callable<Integer> {
    private static final Pattern CELL = Pattern.compile("\\bcell\\b");

    @Option(names = "--config", paramLabel = "FILE", description = "YAML or JSON; without it, no VTEP to begin with.")
    private Path config;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    private final WeftCommand weft;
    private final Consumer<Boolean> confine;

    /** @param confine limits this process before it becomes a daemon, with a cell or without */
    DaemonCommand(WeftCommand weft, Consumer<Boolean> confine) {
        this.weft = weft;
        this.confine = confine;
    }

    @Override
    public Integer call() throws InterruptedException {
        Module base = Object.class.getModule();
        if (!base.isOpen("jdk.internal.misc", DaemonCommand.class.getModule())) {
            throw new OperatorException(
                    Kind.USAGE,
                    "this JVM keeps jdk.internal.misc to itself: start Weft with scripts/weft, or add"
                            + " --add-opens java.base/jdk.internal.misc=ALL-UNNAMED to java's options");
        }
        NativeCode.load();
        confine.accept(namesCell());
        new Daemon(config, weft.control()).run();
        return 0;
    }

    /**
     * Whether the configuration has the word, as the launcher looks for it; what it means there is read later. A pipe may have
     * it, and is read only once.
     */
    private boolean namesCell() {
        if (config == null || !Files.isRegularFile(config)) {
            return config != null && Files.exists(config);
        }
        try {
            byte[] text = LimitedFile.bytes(config, ConfigFile.MAX_BYTES);
            return CELL.matcher(new String(text, ISO_8859_1)).find();
        } catch (IOException | OperatorException e) {
            // The daemon says why it cannot be read.
            return false;
        }
    }
}
