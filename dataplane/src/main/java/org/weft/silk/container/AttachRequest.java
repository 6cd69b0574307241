package org.weft.silk.container;

import java.nio.file.Path;
import java.util.Set;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * A container that is to be attached.
 *
 * @param netns absolute path of its network namespace's file
 * @param address the one it is to have; null for any
 * @param mtu of both ends of its veth pair; 0 for the VTEP's
 */
public record AttachRequest(Attachment.Key key, Path netns, IpAddress address, int mtu) {
    private static final Path NAMES = Path.of("/run/netns");

    /** They stand for all interfaces among the kernel's settings. */
    private static final Set<String> NOT_INTERFACES = Set.of(".", "..", "all", "default");

    /** @throws OperatorException if an interface name or path is not one that can be used */
    public AttachRequest {
        requireIfname(key.ifname());
        requirePath(netns.toString());
    }

    /** Of a container that is attached by hand: any address if it is null, the VTEP's MTU. */
    public static AttachRequest byHand(String netns, String ifname, IpAddress address) {
        Path file = netns(netns);
        return new AttachRequest(Attachment.Key.byHand(file, ifname), file, address, 0);
    }

    /**
     * The file of a network namespace.
     *
     * @param name an absolute path, or the name of one that {@code ip netns} made
     */
    public static Path netns(String name) {
        if (name.startsWith("/")) {
            return Path.of(name).normalize();
        }
        if (!name.matches("[A-Za-z0-9_][A-Za-z0-9_.+:@-]*")) {
            throw new OperatorException(
                    Kind.USAGE,
                    "network namespace \"" + name + "\" is neither a name in " + NAMES + " nor an absolute path");
        }
        return NAMES.resolve(name);
    }

    /** Refuses a name that no interface can have, or that {@code ip} would take for something else. */
    public static void requireIfname(String ifname) {
        if (!ifname.matches("[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}") || NOT_INTERFACES.contains(ifname)) {
            throw new OperatorException(
                    Kind.USAGE,
                    "interface name \"" + ifname + "\" is not 1 to 15 letters, digits, dots, hyphens and underscores");
        }
    }

    /** Refuses a path that {@code ip} would take for several words. */
    static void requirePath(String netns) {
        if (!netns.matches("/[\\x21-\\x7e&&[^\"'\\\\#]]*")) {
            throw new OperatorException(
                    Kind.USAGE,
                    "network namespace \"" + netns + "\" is not an absolute path without blanks and quotes");
        }
    }
}
