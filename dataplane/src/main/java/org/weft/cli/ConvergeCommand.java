package org.weft.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.weft.operator.OperatorException.Kind;
import org.weft.text.Visible;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code weft converge}. */
@Command(
        name = "converge",
        description = {
            "%nMakes routes, neighbours and forwarding entries what the leases say, and puts back",
            "what others changed on the VTEP's device and on the host's ends of containers.%n",
            "The daemon does so by itself after each change, and looks for what others changed",
            "every 30 seconds. This does both now, and asks the source for leases.%n"
        },
        synopsisHeading = "Usage: ",
        customSynopsis = "weft [-j] converge [--dry-run]",
        footer = {
            "",
            "Marks: + added, ~ moved to another host, - gone, ! repaired, as somebody changed it.",
            "Ends with 71 if the kernel refused a change, which is named.",
            "Warns of an MTU that is not the one that the cell would set; it stays.",
            "",
            "Examples:",
            "  weft converge --dry-run",
            "  weft converge"
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
        JsonArray changes = (dryRun
                        ? client.read(client.getWorked(TARGET), TARGET)
                        : client.post(TARGET, new JsonObject()))
                .getAsJsonArray();
        if (session.json()) {
            weft.out().println(changes);
        } else {
            print(changes);
        }
        return changes.asList().stream().anyMatch(ConvergeCommand::isRefused) ? Kind.OS_ERROR.exitCode() : 0;
    }

    private static boolean isRefused(JsonElement change) {
        return change.getAsJsonObject().has("refused");
    }

    private void print(JsonArray answer) {
        List<JsonObject> changes = new ArrayList<>();
        for (JsonElement element : answer) {
            JsonObject object = element.getAsJsonObject();
            String warning = Printer.text(object, "warning");
            if (warning == null) {
                changes.add(object);
            } else {
                weft.warn(Visible.line(warning));
            }
        }
        print(changes, weft.out());
    }

    private static void print(List<JsonObject> changes, PrintStream out) {
        if (changes.isEmpty()) {
            out.println("nothing to change");
        }
        for (JsonObject change : changes) {
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
