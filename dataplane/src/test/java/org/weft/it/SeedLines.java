package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.weft.it.CellHost.Container;
import org.weft.it.CellHost.Lease;

/** What the seed shows of a cell: commands, each with what it prints ({@code scripts/seed/cell.txt}). */
record SeedLines(String title, boolean inContainer, String command, List<String> lines) {
    /** What differs between two machines or two releases of iproute2, and is not silk's. */
    private static final List<String> MACHINES_OWN = List.of(
            // The kernel numbers interfaces, and names the other end of a veth by its number if it is elsewhere.
            "^\\d+: ",
            "@[^ :]+",
            // Newer iproute2 says where the other end is, and prints more or less of the details.
            " link-netns(id)? \\S+",
            " promiscuity \\d+.*",
            " ttl auto",
            " noudp6zerocsumtx noudp6zerocsumrx",
            " addrgenmode .*");

    /** What differs because silk-vtep is a TAP device here, or because Weft does more than the seed's kernel. */
    private static final List<String> WEFTS_OWN = List.of(
            // A TAP device has queues, and tells the kernel that it is connected.
            "(?<=silk-vtep: .{1,80}) qdisc \\S+",
            "(?<=silk-vtep: .{1,80}) state \\S+",
            " qlen \\d+",
            // Before Linux 4.6, as at the seed's time, there was no outer checksum and no word for it.
            " udpcsum",
            // Weft would answer ARP requests too, should the host have any.
            " proxy");

    static List<SeedLines> all() {
        try {
            String text = Files.readString(Path.of(WeftDaemon.script()).resolveSibling("seed/cell.txt"));
            return Stream.of(text.split("\n\n"))
                    .map(section -> of(section.strip().split("\n")))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SeedLines of(String... lines) {
        return new SeedLines(
                lines[0].replace("### ", ""),
                lines[1].startsWith("container# "),
                lines[1].replaceFirst("^\\w+# ", ""),
                List.of(lines).subList(2, lines.length));
    }

    /** The same for a container of a host, and another host. */
    SeedLines of(Container container, Lease own, Lease other) {
        Map<String, String> places = Map.of(
                "10.255.108.184", container.ip(),
                "s-010255108184", CellHost.veth(container.ip()),
                ":0a:ff:6c:b8", ":" + CellHost.hex(container.ip()),
                "10.255.108.0", own.base(),
                // The seed shows the device of another host here.
                "ee:ee:0a:f4:7e:00", own.mac(),
                "10.0.32.12", own.underlay(),
                "10.255.43.0", other.base(),
                "ee:ee:0a:ff:2b:00", other.mac(),
                "10.0.16.14", other.underlay());
        return new SeedLines(
                title,
                inContainer,
                replaced(command, places),
                lines.stream().map(line -> replaced(line, places)).toList());
    }

    /** All at once, for one place may be called what another is to be called. */
    private static String replaced(String text, Map<String, String> places) {
        String any = places.keySet().stream().map(Pattern::quote).collect(Collectors.joining("|"));
        return Pattern.compile(any).matcher(text).replaceAll(found -> places.get(found.group()));
    }

    /** Lines for a comparison: without what may differ. */
    static List<String> comparable(Stream<String> lines) {
        return lines.map(SeedLines::comparable).filter(line -> !line.isEmpty()).toList();
    }

    private static String comparable(String line) {
        String rest = line;
        for (String pattern : MACHINES_OWN) {
            rest = rest.replaceAll(pattern, "");
        }
        for (String pattern : WEFTS_OWN) {
            rest = rest.replaceAll(pattern, "");
        }
        return rest.replaceAll("\\s+", " ").strip();
    }
}
