package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code weft drops}. */
@Command(
        name = "drops",
        description = "%nWhy packets were dropped: reason, count, what it means, and the last one of each.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {"weft [-j] drops [show [dev NAME]]"},
        footer = {"", "Examples:", "  weft drops", "  weft -j drops show dev silk-vtep"})
final class DropsCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Override
    List<String> words() {
        return words;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("drops");
        }
    }
}
