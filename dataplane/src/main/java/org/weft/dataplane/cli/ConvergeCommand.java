package org.weft.dataplane.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import org.weft.dataplane.vtep.OperatorException.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code weft converge}. */
@Command(
        name = "converge",
        description = {
            "",
            "Compares routes, neighbours and forwarding entries with the leases, and makes them equal. The daemon",
            "does so by itself after each change and every 30 seconds; this does it now, and asks for leases.",
            ""
        },
        synopsisHeading = "Usage: ",
        customSynopsis = "weft [-j] converge [--dry-run]",
        footer = {
            "",
            "Marks: + added, ~ moved to another host, - gone, ! repaired, as somebody else had changed it.",
            "",
            "Examples:",
            "  weft converge --dry-run"
        })
final class ConvergeCommand implements Callable<Integer> {
    private static final String TARGET = "/v1/converge";

    @Option(names = "--dry-run", description = "Say what would change, and change nothing.")
    private boolean dryRun;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Override
    public Integer call() {
        Session session = weft.session();
        ControlClient client = session.client();
        JsonArray changes = (dryRun ? client.read(client.get(TARGET), TARGET) : client.post(TARGET, new JsonObject()))
                .getAsJsonArray();
        if (session.json()) {
            weft.out().println(changes);
        } else {
            print(changes, weft.out());
        }
        return changes.asList().stream().anyMatch(ConvergeCommand::isRefused) ? Kind.OS_ERROR.exitCode() : 0;
    }

    private static boolean isRefused(JsonElement change) {
        return change.getAsJsonObject().has("refused");
    }

    static void print(JsonArray changes, PrintStream out) {
        if (changes.isEmpty()) {
            out.println("nothing to change");
        }
        for (JsonElement element : changes) {
            JsonObject change = element.getAsJsonObject();
            String text = Printer.text(change, "text");
            String refused = Printer.text(change, "refused");
            out.println(mark(Printer.text(change, "change"))
                    + text.substring(text.indexOf(' '))
                    + (refused == null ? "" : " (refused: " + refused + ")"));
        }
    }

    private static char mark(String change) {
        return switch (change) {
            case "added" -> '+';
            case "moved" -> '~';
            case "gone" -> '-';
            default -> '!';
        };
    }
}
