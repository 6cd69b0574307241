package org.weft.dataplane;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** The host's own addresses and neighbours, through iproute2. Never on a packet's way. */
final class HostNetwork {
    private HostNetwork() {}

    /** Gives a device its overlay address; scope link, as silk does. */
    static void addAddress(String dev, IpPrefix prefix) {
        ip("address replace " + withLength(prefix) + " dev " + dev
                + (prefix.address().isIpv4() ? " scope link" : " nodad"));
    }

    static void removeAddress(String dev, IpPrefix prefix) {
        ip("address del " + withLength(prefix) + " dev " + dev);
    }

    /** Installs neighbours as permanent ones in the kernel. */
    static void addNeighbours(String dev, List<Neighbour> neighbours) {
        StringBuilder batch = new StringBuilder();
        for (Neighbour neighbour : neighbours) {
            batch.append("neighbour replace ")
                    .append(neighbour.address())
                    .append(" lladdr ")
                    .append(MacAddress.toString(neighbour.mac()))
                    .append(" dev ")
                    .append(dev)
                    .append(" nud permanent\n");
        }
        if (!batch.isEmpty()) {
            ip(batch.toString());
        }
    }

    static void removeNeighbour(String dev, IpAddress address) {
        ip("neighbour del " + address + " dev " + dev);
    }

    private static String withLength(IpPrefix prefix) {
        return prefix.address() + "/" + prefix.length();
    }

    private static void ip(String batch) {
        try {
            Process ip = new ProcessBuilder("ip", "-batch", "-")
                    .redirectErrorStream(true)
                    .start();
            try (Writer commands = ip.outputWriter(StandardCharsets.UTF_8)) {
                commands.write(batch.endsWith("\n") ? batch : batch + "\n");
            }
            String answer = new String(ip.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (ip.waitFor() != 0) {
                throw new OperatorException(
                        Kind.OS_ERROR, "ip " + batch.lines().findFirst().orElse("") + ": " + firstLine(answer));
            }
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.UNAVAILABLE, "the command ip does not run: install iproute2 (" + e.getMessage() + ")", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(Kind.OS_ERROR, "interrupted while ip ran", e);
        }
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("failed without a word");
    }
}
