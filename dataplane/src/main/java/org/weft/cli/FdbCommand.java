package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code weft fdb}. */
@Command(
        name = "fdb",
        description = "%nThe forwarding table: behind which remote VTEP a MAC address is.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft fdb {add|append|replace} MAC [dev NAME] dst IP [port PORT] [vni VNI] [self]"
                    + " [permanent|static|dynamic]",
            "       weft fdb del MAC [dev NAME] [dst IP]",
            "       weft fdb flush [dev NAME]",
            "       weft [-s] [-j] fdb [show [MAC] [dev NAME]]"
        },
        footer = {
            "",
            "Examples:",
            "  weft fdb replace ee:ee:0a:ff:2b:00 dev silk-vtep dst 10.0.16.14 self permanent",
            "  weft fdb append 00:00:00:00:00:00 dev silk-vtep dst 10.0.16.15    (for all unknown addresses)",
            "  weft fdb show ee:ee:0a:ff:2b:00"
        })
final class FdbCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Override
    List<String> words() {
        return words;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("fdb");
        }
    }
}
