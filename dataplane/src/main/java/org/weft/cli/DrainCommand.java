package org.weft.cli;

import com.google.gson.JsonObject;
import java.io.EOFException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code weft drain}: begins in the daemon, and watches. */
@Command(
        name = "drain",
        description = {
            "%nTakes this host out of the overlay once its containers have left.%n",
            "No container is attached any more. When the last has left, the lease is given back,",
            "the device is removed, and the daemon ends. Ctrl-C ends the watching only.%n"
        },
        synopsisHeading = "Usage: ",
        customSynopsis = {"weft drain [--timeout SECONDS]", "       weft drain --cancel"},
        footer = {
            "",
            "Ends with 0 when the daemon has ended; with 75 if containers are left after the timeout",
            "or the draining was cancelled: then the cell continues as before.",
            "",
            "Examples:",
            "  weft drain --timeout 900",
            "  weft drain --cancel"
        })
final class DrainCommand implements Callable<Integer> {
    /** EX_TEMPFAIL. */
    private static final int TRY_AGAIN = 75;

    private static final String TARGET = "/v1/cell";
    private static final long POLL_MILLIS = 250;
    private static final Duration REPEAT = Duration.ofSeconds(10);

    /** How exactly the daemon keeps to its timeout. */
    private static final Duration TICK = Duration.ofSeconds(2);

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "How long containers have to leave; default: ${DEFAULT-VALUE}.")
    private int timeout;

    @Option(names = "--cancel", description = "End the draining, and take containers again.")
    private boolean cancel;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    private String said;
    private long saidNanos;

    @Override
    public Integer call() throws InterruptedException {
        ControlClient client = weft.session().client();
        JsonObject request = new JsonObject();
        request.addProperty("action", cancel ? "cancel-drain" : "drain");
        if (!cancel) {
            request.addProperty("timeout", timeout);
        }
        if (cancel) {
            client.post(TARGET, request);
            return 0;
        }
        JsonObject cell = begin(client, request);
        Thread hook = new Thread(
                () -> weft.err().println("weft: the daemon continues to drain; 'weft drain --cancel' ends that"),
                "interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
        int exitCode = watch(client, cell);
        removeHook(hook);
        return exitCode;
    }

    /**
     * The cell; null if the daemon has ended. Without containers a cell is drained at once, and the
     * daemon may end before its whole answer has left.
     */
    private static JsonObject begin(ControlClient client, JsonObject request) {
        try {
            return client.post(TARGET, request).getAsJsonObject();
        } catch (OperatorException e) {
            if (e.getCause() instanceof EOFException) {
                return look(client);
            }
            throw e;
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            Thread.yield(); // the hook runs already, and the process ends
        }
    }

    private int watch(ControlClient client, JsonObject begun) throws InterruptedException {
        long start = System.nanoTime();
        JsonObject cell = begun;
        while (cell != null && Printer.flag(cell, "draining")) {
            say(cell);
            Thread.sleep(POLL_MILLIS);
            cell = look(client);
        }
        if (cell == null) {
            weft.out().println("drained: the daemon has ended");
            return 0;
        }
        boolean early = System.nanoTime() - start
                < Duration.ofSeconds(timeout).minus(TICK).toNanos();
        weft.err()
                .println("weft: not drained, as "
                        + (early ? "the draining was cancelled" : timeout + " s have passed")
                        + ", and the cell continues"
                        + " as before: " + left(cell));
        return TRY_AGAIN;
    }

    /** The cell; null if the daemon is gone. */
    private static JsonObject look(ControlClient client) {
        try {
            return client.read(client.get(TARGET), TARGET).getAsJsonObject();
        } catch (OperatorException e) {
            if (e.kind() == Kind.UNAVAILABLE && !ControlClient.isSilence(e)) {
                return null;
            }
            throw e;
        }
    }

    /** Says what is left when that has changed, and from time to time. */
    private void say(JsonObject cell) {
        String left = left(cell);
        if (!left.equals(said) || System.nanoTime() - saidNanos > REPEAT.toNanos()) {
            weft.out().println(left + ", " + Printer.number(cell, "drain_remaining") + " s left");
            weft.out().flush();
            said = left;
            saidNanos = System.nanoTime();
        }
    }

    static String left(JsonObject cell) {
        List<String> containers = cell.getAsJsonArray("containers").asList().stream()
                .map(element -> element.getAsJsonObject())
                .map(container -> Printer.text(container, "address") + " (" + Printer.text(container, "netns") + ")")
                .toList();
        return containers.isEmpty()
                ? "no containers"
                : containers.size()
                        + (containers.size() == 1 ? " container: " : " containers: ")
                        + String.join(", ", containers);
    }
}
