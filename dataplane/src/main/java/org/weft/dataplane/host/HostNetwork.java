package org.weft.dataplane.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.io.linux.Rtnetlink;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * A device's own addresses and neighbours in the host's kernel. Packets never wait for it. A call
 * waits for the kernel alone, not for another process.
 *
 * <p>All methods with a device throw {@link org.weft.dataplane.io.linux.LinuxException} with ENODEV
 * if it does not exist.
 */
public final class HostNetwork {
    private static final Path ROUTES = Path.of("/proc/thread-self/net/route");
    private static final int MASK_COLUMN = 7;
    private static final String NO_GATEWAY = "00000000";

    private HostNetwork() {}

    /** Whether a TAP or TUN device has this name. */
    public static boolean isTap(String dev) {
        if (!Link.of(dev).exists()) {
            return false;
        }
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            return kernel.kind().equals("tun");
        }
    }

    public static void removeDevice(String dev) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            kernel.remove();
        }
    }

    /** Gives a device its overlay address; scope link, as silk does. */
    public static void addAddress(String dev, IpPrefix prefix) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            kernel.replaceAddress(prefix);
        }
    }

    /** Takes an address off a device. An address that others took off is not a failure. */
    public static void removeAddress(String dev, IpPrefix prefix) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            unlessAbsent(Errno.EADDRNOTAVAIL, () -> kernel.removeAddress(prefix));
        }
    }

    /** The addresses of a device with the lengths of their networks, in the kernel's order. */
    public static List<IpPrefix> addresses(String dev) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            return kernel.addresses();
        }
    }

    /**
     * Whether the kernel has a route without a gateway to the network of an IPv4 prefix by way of a
     * device.
     */
    public static boolean hasNetworkRoute(String dev, IpPrefix prefix) {
        int mask = prefix.length() == 0 ? 0 : -1 << Integer.SIZE - prefix.length();
        // Columns are in the host's byte order: interface, destination, gateway, five others, mask.
        String destination = hexadecimal(prefix.address().ipv4() & mask);
        try (Stream<String> lines = Files.lines(ROUTES)) {
            return lines.map(line -> line.split("\t"))
                    .anyMatch(columns -> columns.length > MASK_COLUMN
                            && columns[0].equals(dev)
                            && columns[1].equals(destination)
                            && columns[2].equals(NO_GATEWAY)
                            && columns[MASK_COLUMN].equals(hexadecimal(mask)));
        } catch (IOException e) {
            throw new OperatorException(Kind.OS_ERROR, ROUTES + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String hexadecimal(int address) {
        return String.format(Locale.ROOT, "%08X", Integer.reverseBytes(address));
    }

    /** A device's first IPv4 address; null if it has none or does not exist. */
    public static IpAddress ipv4Address(String dev) {
        if (!Link.of(dev).exists()) {
            return null;
        }
        return addresses(dev).stream()
                .map(IpPrefix::address)
                .filter(IpAddress::isIpv4)
                .findFirst()
                .orElse(null);
    }

    /**
     * Installs neighbours as permanent ones in the kernel; if it refuses one, takes out those
     * before.
     */
    public static void addNeighbours(String dev, List<Neighbour> neighbours) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            all(
                    neighbours,
                    neighbour -> kernel.replaceNeighbour(neighbour.address(), neighbour.mac()),
                    neighbour -> kernel.removeNeighbour(neighbour.address()));
        }
    }

    /**
     * Takes neighbours out of the kernel; if it refuses one, installs those before again. A missing
     * neighbour is not a failure: others, or the kernel as the device went down, may have removed
     * it.
     */
    public static void removeNeighbours(String dev, List<Neighbour> neighbours) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            all(
                    neighbours,
                    neighbour -> unlessAbsent(Errno.ENOENT, () -> kernel.removeNeighbour(neighbour.address())),
                    neighbour -> kernel.replaceNeighbour(neighbour.address(), neighbour.mac()));
        }
    }

    private static void unlessAbsent(int absent, Runnable removal) {
        try {
            removal.run();
        } catch (LinuxException e) {
            if (e.errno() != absent) {
                throw e;
            }
        }
    }

    private static void all(List<Neighbour> neighbours, Consumer<Neighbour> step, Consumer<Neighbour> undo) {
        int done = 0;
        try {
            for (Neighbour neighbour : neighbours) {
                step.accept(neighbour);
                done++;
            }
        } catch (RuntimeException | Error e) {
            neighbours.subList(0, done).forEach(neighbour -> attempt(undo, neighbour, e));
            throw e;
        }
    }

    private static void attempt(Consumer<Neighbour> undo, Neighbour neighbour, Throwable cause) {
        try {
            undo.accept(neighbour);
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }
}
