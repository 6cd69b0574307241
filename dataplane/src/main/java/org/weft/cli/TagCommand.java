package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code weft tag}. */
@Command(
        name = "tag",
        description = "%nTags: the group policy id that packets from a source address carry.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft tag {add|replace} IP[/LENGTH] TAG [dev NAME]",
            "       weft tag del IP[/LENGTH] [dev NAME]",
            "       weft tag flush [dev NAME]",
            "       weft [-j] tag [show [IP[/LENGTH]] [dev NAME]]"
        },
        footer = {
            "",
            "Examples:",
            "  weft tag replace 10.255.99.3 1",
            "  weft tag replace 10.255.99.0/24 7 dev silk-vtep"
        })
final class TagCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Override
    List<String> words() {
        return words;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("tag");
        }
    }
}
