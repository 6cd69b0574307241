package org.weft.cli;

import com.google.gson.JsonParseException;
import com.google.gson.stream.JsonReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.ScopeType;

/** {@code weft lease}: which host has which subnet. */
@Command(
        name = "lease",
        description = "%nWhich host has which subnet of the overlay, where that is known from, and how old it is.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = "weft [-j] lease [show]",
        commandListHeading = "%nCommands:%n",
        footer = {"", "Examples:", "  weft lease show", "  weft -j lease show"})
final class LeaseCommand implements Callable<Integer> {
    private static final String TARGET = "/v1/lease";

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Override
    public Integer call() {
        return show();
    }

    @Command(
            name = "show",
            synopsisHeading = "Usage: ",
            customSynopsis = "weft [-j] lease [show]",
            description =
                    "%nThe state of the source of leases, this host's lease, all others', and what was left out.%n")
    int show() {
        Session session = weft.session();
        try (HttpAnswer answer = session.client().get(TARGET)) {
            if (session.json()) {
                session.copy(answer.body());
            } else {
                JsonReader json = new JsonReader(
                        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8)));
                new LeasePrinter(weft.out()).print(json);
            }
        } catch (JsonParseException | IllegalStateException | IOException e) {
            throw ControlClient.garbled(TARGET, e);
        }
        return 0;
    }
}
