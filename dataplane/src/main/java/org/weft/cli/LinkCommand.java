package org.weft.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code weft link}. */
@Command(
        name = "link",
        aliases = "l",
        description = "%nThe VTEPs: TAP devices with a VXLAN endpoint behind.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft link add NAME type vxlan id VNI [ATTRIBUTE ...]",
            "       weft link set [dev] NAME [ATTRIBUTE ...] [up|down]",
            "       weft link del NAME",
            "       weft [-d] [-s] [-j] link [show [NAME]]",
            "",
            "ATTRIBUTE := local IP | dev UNDERLAY-INTERFACE | dstport PORT | srcport MIN MAX |",
            "             address IP/LENGTH | lladdr MAC | mtu BYTES | ttl {N|auto|inherit} |",
            "             tos {N|inherit} | df {set|unset|inherit} | ageing SECONDS | maxaddress N |",
            "             [no]learning | [no]proxy | [no]gbp | [no]udpcsum | [no]udp6zerocsumtx |",
            "             [no]udp6zerocsumrx | [no]persist | [no]install-neighbours | [no]known-peers |",
            "             tso {on|off} | uso {on|off} | gso {on|off} | tunnel-gso {on|off} | gro {on|off}"
        },
        footer = {
            "",
            "Examples:",
            "  weft link add silk-vtep type vxlan id 1 local 10.0.32.12 dstport 4789 nolearning gbp"
                    + " address 10.255.126.0/16",
            "  weft link set silk-vtep ageing 600 learning",
            "  weft link set silk-vtep gso off",
            "  weft link set silk-vtep down",
            "  weft -d -s link show silk-vtep",
            "  weft link del silk-vtep"
        })
final class LinkCommand extends ObjectCommand {
    @Parameters(hidden = true, completionCandidates = Candidates.class)
    private List<String> words = new ArrayList<>();

    @Override
    List<String> words() {
        return words;
    }

    private static final class Candidates extends Vocabulary {
        Candidates() {
            super("link");
        }
    }
}
