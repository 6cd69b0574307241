package org.weft.dataplane.io.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import org.weft.dataplane.io.Errno;

/**
 * Source ports that a pool may use.
 *
 * @param first port
 * @param end the first port after the range, at least one more
 * @param reserved ports in the range that other programs have reserved
 */
record PortRange(int first, int end, BitSet reserved) {
    private static final Path KERNEL_RANGE = Path.of("/proc/sys/net/ipv4/ip_local_port_range");
    private static final Path RESERVED = Path.of("/proc/sys/net/ipv4/ip_local_reserved_ports");

    /**
     * The configured range. Without one it is the host's range of local ports without its last
     * port, as in the kernel's vxlan. There, reserved ports stay free for their services, as with
     * bind to port 0. An operator who reserves a configured range has reserved it for Weft.
     */
    static PortRange of(SenderOptions options) {
        if (options.portMax() != 0) {
            int first = Math.max(1, options.portMin());
            return new PortRange(first, Math.max(first + 1, options.portMax()), new BitSet());
        }
        String[] range = read(KERNEL_RANGE, "set srcport instead").split("\\s+");
        int first = Integer.parseInt(range[0]);
        return new PortRange(
                first, Math.max(first + 1, Integer.parseInt(range[1])), ports(read(RESERVED, "set srcport instead")));
    }

    /** Ports and ranges of ports, such as {@code 8080,9100-9199}. */
    static BitSet ports(String list) {
        BitSet ports = new BitSet();
        for (String part : list.isEmpty() ? new String[0] : list.split(",")) {
            String[] bounds = part.split("-");
            ports.set(Integer.parseInt(bounds[0]), Integer.parseInt(bounds[bounds.length - 1]) + 1);
        }
        return ports;
    }

    private static String read(Path sysctl, String advice) {
        // readString would begin with a short read, and a sysctl answers the first read only.
        try (BufferedReader reader = Files.newBufferedReader(sysctl)) {
            String line = reader.readLine();
            return line == null ? "" : line.strip();
        } catch (IOException e) {
            throw new LinuxException("open", sysctl.toString(), Errno.ENOENT, advice);
        }
    }

    int length() {
        return end - first;
    }

    @Override
    public String toString() {
        return "ports " + first + " to " + (end - 1) + (reserved.isEmpty() ? "" : " but for reserved ones");
    }
}
