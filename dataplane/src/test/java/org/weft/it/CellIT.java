package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.it.CellHost.Container;
import org.weft.it.CellHost.Lease;
import org.weft.testing.RequiresRoot;

/** Three cells with two containers each, as the seed describes them, and what becomes of them when leases change. */
@RequiresRoot
class CellIT {
    private static final int FLAPS = 30;

    private static CellLab lab;
    private static CellHost first;
    private static CellHost second;
    private static CellHost third;

    @TempDir
    private Path directory;

    @BeforeAll
    static void open() {
        lab = CellLab.open(Subject.WEFT, Subject.WEFT, Subject.WEFT);
        first = lab.hosts.get(0);
        second = lab.hosts.get(1);
        third = lab.hosts.get(2);
    }

    @AfterAll
    static void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @AfterEach
    void everythingIsAsBefore() {
        lab.write(lab.leases());
        awaitFollowed(lab.leases(), first, second, third);
    }

    private static void awaitFollowed(List<Lease> leases, CellHost... hosts) {
        for (CellHost host : hosts) {
            Await.until(
                    "current, and " + leases,
                    host::leases,
                    known -> host.follows(leases)
                            && known.get("state").getAsString().equals("current"));
        }
    }

    @Test
    void cellsAndContainersLookAsTheSeedShowsThem() {
        for (CellHost host : lab.hosts) {
            for (int i = 0; i < 2; i++) {
                compareWithSeed(host, host.container(i), lab.hosts.get((lab.hosts.indexOf(host) + 1 + i) % 3));
            }
        }
    }

    private static void compareWithSeed(CellHost host, Container container, CellHost other) {
        for (SeedLines seed : SeedLines.all()) {
            SeedLines wanted = seed.of(container, host.lease(), other.lease());
            String printed = wanted.inContainer()
                    ? container.netns().exec(wanted.command().split(" "))
                    : onHost(host, wanted.command());
            assertEquals(
                    SeedLines.comparable(wanted.lines().stream()),
                    SeedLines.comparable(printed.lines()),
                    () -> wanted.title() + ": " + wanted.command());
        }
    }

    /** What is the kernel vxlan's own is asked of weft. */
    private static String onHost(CellHost host, String command) {
        if (command.startsWith("bridge fdb show | grep ")) {
            String mac = command.substring("bridge fdb show | grep ".length());
            return matching(host.weft("fdb show"), mac);
        }
        if (command.startsWith("ip -d link show ")) {
            String plain = command.replace("ip -d ", "");
            return host.netns.exec(("ip " + plain).split(" ")) + matching(host.weft("-d " + plain), "vxlan id");
        }
        return host.netns.exec(command.split(" "));
    }

    private static String matching(String lines, String part) {
        return lines.lines().filter(line -> line.contains(part)).reduce("", (one, other) -> one + other + "\n");
    }

    @Test
    void allContainersTalkWithAll() throws IOException {
        assertEquals(6, lab.containers().size());
        Conversation.ofAll(lab.containers());
    }

    @Test
    void leaseThatIsAddedAndRemovedComesAndGoesEverywhere() {
        Lease spare = CellLab.spare();
        List<Lease> all = lab.leases();
        all.add(spare);
        lab.write(all);
        awaitFollowed(all, first, second, third);
        for (CellHost host : lab.hosts) {
            assertEquals(
                    List.of(
                            spare.subnet() + " via " + spare.base() + " dev silk-vtep src "
                                    + host.lease().base(),
                            spare.base() + " dev silk-vtep lladdr " + spare.mac() + " PERMANENT"),
                    kernelLines(host, spare));
            assertTrue(host.daemon().log().contains("lease added " + spare.subnet() + ": " + spare.underlay()));
        }
        lab.write(lab.leases());
        awaitFollowed(lab.leases(), first, second, third);
        for (CellHost host : lab.hosts) {
            assertEquals(List.of(), kernelLines(host, spare));
            assertFalse(host.weft("fdb show").contains(spare.mac()));
            assertTrue(host.daemon().log().contains("lease gone " + spare.subnet() + ": " + spare.underlay()));
        }
    }

    /** Route and neighbour of a lease, as the kernel has them. */
    private static List<String> kernelLines(CellHost host, Lease lease) {
        return Stream.of(
                        host.netns.exec("ip", "route", "list", lease.subnet()),
                        host.netns.exec("ip", "neigh", "show", "to", lease.base()))
                .flatMap(String::lines)
                .map(String::strip)
                .toList();
    }

    @Test
    void leaseThatMovesIsFollowedAtOnceAndConnectionsGoOn() {
        Lease before = third.lease();
        Lease after = before.at("10.0.48.4");
        List<Lease> moved = new ArrayList<>(List.of(first.lease(), second.lease(), after));
        try (OpenConnection connection = OpenConnection.between(first.container(0), third.container(0))) {
            Duration[] followed = new Duration[1];
            Duration silence = connection.silenceDuring(() -> {
                third.daemon().terminate(); // While it has the old address, its lease would be given to another.
                long start = System.nanoTime();
                lab.write(moved);
                Await.until("the lease is followed", () -> after.underlay().equals(first.destination(before)));
                followed[0] = Duration.ofNanos(System.nanoTime() - start);
                third.renumber(after.underlay(), lab.source());
            });
            System.out.printf(
                    "moved lease: followed after %d ms; silence of %d ms while its host's daemon starts anew%n",
                    followed[0].toMillis(), silence.toMillis());
            assertTrue(followed[0].toMillis() < 1000, followed[0]::toString);
        }
        awaitFollowed(moved, first, second, third);
        String entry = matching(first.weft("fdb show"), after.mac());
        assertEquals(after.mac() + " dev silk-vtep dst " + after.underlay() + " self permanent\n", entry);
        assertTrue(first.daemon().log().contains("lease moved " + after.subnet() + ": " + after.underlay()));
    }

    @Test
    void badAndDuplicateLeasesAreNamedAndTheOthersStay() {
        String good = yaml(lab.leases());
        try (RouteMonitor monitor = monitor()) {
            lab.write(
                    good
                            + """
                    - {underlay_ip: 10.0.80.1, overlay_subnet: 10.244.126.0/24}
                    - {underlay_ip: 10.0.80.2, overlay_subnet: 10.255.43.0/24}
                    - {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.80.0/24}
                    - {underlay_ip: 10.0.80.3, overlay_subnet: 10.255.80.7/24}
                    - {underlay_ip: nowhere, overlay_subnet: 10.255.81.0/24}
                    - {overlay_subnet: 10.255.82.0/24}
                    """);
            Await.until("bad leases are named", first::skipped, skipped -> skipped.size() == 6);
            String shown = first.weft("lease show");
            for (String named : new String[] {
                ":4: overlay_subnet 10.244.126.0/24 is not in the overlay",
                ":5: overlay_subnet 10.255.43.0/24 overlaps 10.255.43.0/24 of 10.0.16.14",
                ":6: underlay_ip 10.0.16.14 has a lease already",
                ":7: overlay_subnet 10.255.80.7/24 has bits beyond",
                ":8: ",
                ":9: underlay_ip is missing"
            }) {
                assertTrue(shown.contains("skipped " + lab.file() + named), () -> named + " is not in\n" + shown);
                assertEquals(1, occurrences(first.daemon().log(), "lease skipped: " + lab.file() + named), named);
            }
            awaitFollowed(lab.leases(), first, second, third);
            assertEquals(List.of(), monitor.changes(CellHost.DEVICE), "nothing is touched");
        }
    }

    private RouteMonitor monitor() {
        return new RouteMonitor(first.netns, directory.resolve("monitor"));
    }

    private static String yaml(List<Lease> leases) {
        return leases.stream().map(Lease::line).reduce("", String::concat);
    }

    private static int occurrences(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }

    @Test
    void foreignRoutesAreNeverTouched() {
        Lease spare = CellLab.spare();
        List<String> foreign = List.of(
                "10.255.77.0/24 via 10.0.32.1 dev eth0",
                "172.30.0.0/16 via " + second.lease().base() + " dev silk-vtep onlink",
                "10.255.78.0/24 via " + second.lease().base() + " dev silk-vtep",
                "10.255.43.128/25 dev lo scope link metric 77",
                spare.subnet() + " via 10.0.32.1 dev eth0");
        foreign.forEach(route -> first.netns.ip("route add " + route));
        try {
            List<String> before = routes(first);
            List<Lease> all = lab.leases();
            all.add(spare);
            lab.write(all);
            awaitFollowed(all, second, third);
            Await.until(
                    "the route in the way is named",
                    () -> first.weft("lease show"),
                    shown -> shown.contains("refused ip route add " + spare.subnet()));
            Command converge = first.daemon().client("converge");
            assertEquals(71, converge.exitCode(), converge::toString);
            assertEquals(before, routes(first), "what is in the way of a lease stays");
            lab.write(lab.leases());
            awaitFollowed(lab.leases(), first, second, third);
            first.weft("converge");
            assertEquals(before, routes(first));
        } finally {
            foreign.forEach(route -> first.netns.ip("route del " + route));
        }
    }

    private static List<String> routes(CellHost host) {
        return host.netns.exec("ip", "route").lines().sorted().toList();
    }

    @Test
    void fileThatFlapsOrIsHalfWrittenChangesNothing() {
        String whole = yaml(lab.leases());
        try (OpenConnection connection = OpenConnection.between(first.container(0), second.container(0));
                RouteMonitor monitor = monitor()) {
            Duration silence = connection.silenceDuring(() -> flap(whole, new Random(4)));
            System.out.printf("lease file that flaps: silence of %d ms%n", silence.toMillis());
            assertEquals(List.of(), monitor.changes(CellHost.DEVICE), "nothing is touched");
        }
    }

    private static void flap(String whole, Random random) {
        for (int i = 0; i < FLAPS; i++) {
            damage(whole, i, random);
            write(whole);
        }
        for (int kind = 0; kind < 3; kind++) {
            damage(whole, kind, random);
            Await.until("stale", () -> first.state().equals("stale"));
            String shown = first.weft("lease show");
            assertTrue(shown.startsWith("source file " + lab.file() + ": stale, running on tables of age"), shown);
            write(whole);
            Await.until("current", () -> first.state().equals("current"));
        }
    }

    /** Leaves the file as who writes it in place leaves it for a moment: without the end of its last line, or worse. */
    private static void damage(String whole, int kind, Random random) {
        switch (kind % 3) {
            case 0 -> write(whole.substring(0, whole.length() - 2 - random.nextInt(40)));
            case 1 -> lab.file().toFile().delete();
            default -> write("\0\0" + whole.substring(0, random.nextInt(60)));
        }
    }

    private static void write(String text) {
        try {
            Files.writeString(lab.file(), text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
