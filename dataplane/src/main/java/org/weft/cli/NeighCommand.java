package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code weft neigh}. */
@Command(
        name = "neigh",
        aliases = {"neighbour", "neighbor"},
        description = "%nNeighbours: ARP requests and neighbour solicitations for them are answered by the VTEP.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft neigh {add|replace} IP lladdr MAC [dev NAME] [nud permanent]",
            "       weft neigh del IP [dev NAME]",
            "       weft neigh flush [dev NAME]",
            "       weft [-j] neigh [show [[to] IP] [dev NAME]]"
        },
        footer = {
            "",
            "Examples:",
            "  weft neigh replace 10.255.43.0 lladdr ee:ee:0a:ff:2b:00 dev silk-vtep nud permanent",
            "  weft neigh show to 10.255.43.0"
        })
final class NeighCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Override
    List<String> words() {
        return words;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("neigh");
        }
    }
}
