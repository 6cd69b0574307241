package org.weft.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.weft.dataplane.counters.Counter;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code weft capture}: packets as the daemon sees them, in a pcapng file. */
@Command(
        name = "capture",
        description = "%nWrites packets, with what became of each, to a pcapng file; Ctrl-C ends it.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = "weft capture [-w FILE|-] [-c N] [--point tap|wire] [--reason DROP] [dev NAME]",
        footer = {
            "",
            "Examples:",
            "  weft capture -w silk.pcapng dev silk-vtep",
            "  weft capture --point wire -c 10 | tshark -r -",
            "  weft capture --reason VXLAN_NO_REMOTE -w lost.pcapng"
        })
final class CaptureCommand implements Callable<Integer> {
    private static final List<String> POINTS = List.of("tap", "wire");

    @Option(names = "-w", paramLabel = "FILE", description = "File to write; - is standard output, the default.")
    private String file;

    @Option(names = "-c", paramLabel = "N", description = "End after so many packets.")
    private String count;

    @Option(
            names = "--point",
            paramLabel = "POINT",
            completionCandidates = Points.class,
            description = "Only frames on the TAP device (tap), or datagrams on the underlay (wire).")
    private String point;

    @Option(
            names = "--reason",
            paramLabel = "DROP",
            completionCandidates = Reasons.class,
            description = "Only packets dropped for this reason; weft drops shows them.")
    private String reason;

    @Parameters(hidden = true)
    private List<String> words = new ArrayList<>();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Override
    public Integer call() throws IOException {
        String target = ControlClient.target(
                "/v1/capture",
                "dev",
                device(),
                "point",
                point == null ? null : Words.complete("capture", "point", point, POINTS),
                "reason",
                reason(),
                "count",
                count());
        if ((file == null || file.equals("-")) && Terminal.isTerminal(1)) {
            throw new OperatorException(
                    Kind.USAGE,
                    "capture: a terminal cannot show pcapng: write a file with -w FILE, or pipe into 'tshark -r -'");
        }
        HttpAnswer answer = weft.client().get(target).patiently();
        try (OutputStream out = open()) {
            return new PcapngCopy(answer, out, weft.err()).run();
        }
    }

    private String device() {
        Words all = new Words("capture", words, 0);
        String device = null;
        while (all.more()) {
            String word = all.next();
            if (!word.equals("dev") || device != null) {
                throw all.unknown(word, List.of("dev"));
            }
            device = all.device();
        }
        return device;
    }

    private String reason() {
        if (reason == null) {
            return null;
        }
        String name = reason.toUpperCase(Locale.ROOT);
        List<String> known = Counter.drops().stream().map(Counter::name).toList();
        if (!known.contains(name)) {
            throw new OperatorException(
                    Kind.USAGE,
                    "capture: \"" + reason + "\" is not a drop reason" + Suggestion.ofWord(name, known) + "; they are "
                            + String.join(", ", known));
        }
        return name;
    }

    private String count() {
        if (count == null) {
            return null;
        }
        return Integer.toString(new Words("capture", words, 0).number("-c", count, 1, Integer.MAX_VALUE));
    }

    private OutputStream open() {
        try {
            OutputStream out = file == null || file.equals("-")
                    ? new FileOutputStream(FileDescriptor.out)
                    : Files.newOutputStream(Path.of(file));
            return new BufferedOutputStream(out, 1 << 16);
        } catch (IOException | InvalidPathException e) {
            String reason = e instanceof NoSuchFileException ? "no such directory" : e.getMessage();
            throw new OperatorException(Kind.CANNOT_CREATE, "cannot write \"" + file + "\": " + reason, e);
        }
    }

    private static final class Points extends ArrayList<String> {
        private static final long serialVersionUID = 1L;

        Points() {
            super(POINTS);
        }
    }

    private static final class Reasons extends ArrayList<String> {
        private static final long serialVersionUID = 1L;

        Reasons() {
            super(Counter.drops().stream().map(Counter::name).toList());
        }
    }
}
