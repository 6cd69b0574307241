package org.weft.dataplane.host;

import java.util.List;
import org.weft.dataplane.host.HostCommand.Answer;

/**
 * The command {@code nft}, in the network namespace of this process. A call starts one process and waits for it: some
 * milliseconds, never on a packet's way. All methods throw {@link org.weft.operator.OperatorException} if nft is
 * not installed.
 */
final class Nft {
    /** Device names that can stand in nft's language as they are. */
    private static final String SPEAKABLE = "[A-Za-z0-9_.-]+";

    /** Follows the name of a device that is not {@link #canName}. */
    static final String UNSPEAKABLE = "it has letters in its name that nft has no word for: give it another name";

    private Nft() {}

    /** Whether rules and names of tables can contain the name of this device. */
    static boolean canName(String device) {
        return device.matches(SPEAKABLE);
    }

    /** Runs commands of nft's language in one transaction: either all of them count, or none does. */
    static Answer run(String commands) {
        return HostCommand.run(commands, List.of("nft", "-f", "-"), "nftables");
    }

    /** Lists a table, or a chain, without the state of its counters: two listings are equal if the rules are. */
    static Answer list(String kind, String name) {
        return HostCommand.run("", List.of("nft", "--stateless", "list " + kind + " " + name), "nftables");
    }
}
