package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft policy}. */
@Command(
        name = "policy",
        description = {
            "%nPolicies: which group policy id may open what.",
            "Arriving packets are judged by them where the daemon has a policy section in its configuration.",
            "What is changed here counts at once, before what the source of policies says, and until the daemon",
            "ends.",
            ""
        },
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft policy {allow|deny} SRC-TAG DST-IP --protocol tcp|udp|icmp [--port PORT[-PORT]]",
            "       weft policy mode {off|log|enforce|netfilter}",
            "       weft [-j] policy explain {SRC-IP|tag TAG} DST-IP {tcp PORT|udp PORT|icmp}",
            "       weft [-j] policy [show]",
            "       weft policy nft"
        },
        optionListHeading = "%n",
        footer = {
            "",
            "Examples:",
            "  weft policy allow 1 10.255.126.3 --protocol tcp --port 7777-7779",
            "  weft policy deny 1 10.255.126.3 --protocol tcp --port 7778",
            "  weft policy explain 10.255.43.3 10.255.126.3 tcp 7777",
            "  weft policy mode log",
            "  weft policy nft | nft -f -     # the same between containers of this host"
        })
final class PolicyCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Option(names = "--protocol", paramLabel = "PROTOCOL", description = "tcp, udp or icmp.")
    private String protocol;

    @Option(
            names = "--port",
            paramLabel = "PORT[-PORT]",
            description = "Destination port, or first and last of a range.")
    private String port;

    @Override
    List<String> words() {
        List<String> all = new ArrayList<>(words);
        if (protocol != null) {
            all.addAll(List.of("--protocol", protocol));
        }
        if (port != null) {
            all.addAll(List.of("--port", port));
        }
        return all;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("policy");
        }
    }
}
