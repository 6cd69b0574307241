package org.weft.silk.lease;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.APPEND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.testing.Await;

/** On a real file, which the operating system tells of. */
class FileLeasesTest {
    private static final Overlay OVERLAY = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24);
    private static final IpAddress HOST = IpAddress.parse("10.0.0.1");
    private static final String OWN = lease(1);

    /** What a listener heard of last, and how often. */
    private static class Heard implements LeaseSource.Listener {
        private final List<String> failures = new CopyOnWriteArrayList<>();
        private final AtomicInteger changes = new AtomicInteger();
        private final AtomicInteger confirmations = new AtomicInteger();
        private volatile Lease own;
        private volatile List<LeaseRecord> all;

        @Override
        public void leases(Lease own, List<LeaseRecord> all) {
            this.own = own;
            this.all = all;
            changes.incrementAndGet();
        }

        @Override
        public void confirmed() {
            confirmations.incrementAndGet();
        }

        @Override
        public void failed(String sentence) {
            failures.add(sentence);
        }

        @Override
        public void lost(String sentence) {
            failures.add("lost: " + sentence);
        }

        private void awaitSize(int size) {
            Await.until(size + " leases", () -> all != null && all.size() == size);
        }

        private void awaitFailure(String part) {
            Await.until(
                    part,
                    () -> !failures.isEmpty()
                            && failures.get(failures.size() - 1).contains(part));
        }
    }

    @TempDir
    Path directory;

    private final Heard heard = new Heard();
    private Path file;
    private FileLeases source;

    @BeforeEach
    void makeSource() {
        file = directory.resolve("leases.yml");
        source = new FileLeases(file, OVERLAY, HOST);
    }

    @AfterEach
    void close() {
        source.close();
    }

    private static String lease(int n) {
        return "- {underlay_ip: 10.0.0." + n + ", overlay_subnet: 10.255." + n + ".0/24}\n";
    }

    private static Lease ownLease() {
        return new Lease(HOST, IpPrefix.parse("10.255.1.0/24"), 0xeeee_0aff_0100L);
    }

    private void write(String text) throws IOException {
        Files.writeString(file, text);
    }

    private void startWith(String text) throws IOException {
        write(text);
        source.start(null, null, heard);
        Await.until("first leases", () -> heard.all != null);
    }

    @Test
    void reportsAllLeasesAndTheOwn() throws IOException {
        startWith(OWN + lease(2));

        assertEquals(ownLease(), heard.own);
        assertEquals(new LeaseRecord("10.0.0.2", "10.255.2.0/24", null, file + ":2"), heard.all.get(1));
        assertEquals("file " + file, source.name());
    }

    @Test
    void reportsLeasesWithoutAnOwn() throws IOException {
        startWith(lease(2) + lease(3));

        assertNull(heard.own);
        assertEquals(2, heard.all.size());
        heard.awaitFailure("no lease has underlay_ip 10.0.0.1; " + file + " has 10.0.0.2 and 10.0.0.3");
        write(lease(4));
        heard.awaitFailure("no lease has underlay_ip 10.0.0.1; " + file + " has 10.0.0.4");
        write(lease(2) + OWN);
        Await.until("the own lease", () -> ownLease().equals(heard.own));
        assertEquals(2, heard.failures.size(), "each once: " + heard.failures);
    }

    @Test
    void namesWhyTheOwnLeaseCannotBeUsed() throws IOException {
        startWith(lease(2) + "- {underlay_ip: 10.0.0.1, overlay_subnet: 10.244.1.0/24}\n");

        heard.awaitFailure("this host's lease is unusable: " + file
                + ":2: overlay_subnet 10.244.1.0/24 is not in the overlay 10.255.0.0/16");
        assertNull(heard.own);
    }

    @Test
    void namesAFewOfManyOtherHosts() throws IOException {
        StringBuilder all = new StringBuilder("- {underlay_ip: x, overlay_subnet: 10.255.200.0/24}\n");
        for (int n = 2; n <= 100; n++) {
            all.append(lease(n));
        }
        startWith(all.toString());

        heard.awaitFailure("no lease has underlay_ip 10.0.0.1; " + file + " has 10.0.0.2, 10.0.0.3, 10.0.0.4,"
                + " 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8, 10.0.0.9 and 91 more");
    }

    @Test
    void knowsThatThereAreNone() throws IOException {
        startWith("leases: []");

        assertEquals(List.of(), heard.all);
        assertNull(heard.own);
        heard.awaitFailure("no lease has underlay_ip 10.0.0.1; " + file + " has none");
    }

    @Test
    void fileThatIsTooLargeChangesNothingAndIsNotRead() throws IOException {
        startWith(OWN + lease(2));

        write(lease(3).repeat(200_000));
        heard.awaitFailure(file + " has 10 MB, and Weft reads at most 8 MB of it: leave out what is not needed");

        assertEquals(ownLease(), heard.own);
        assertEquals(2, heard.all.size());
        write(OWN + lease(2) + lease(3));
        heard.awaitSize(3);
    }

    @Test
    void seesALeaseThatIsWrittenInPlace() throws IOException {
        startWith(OWN);

        Files.writeString(file, lease(2), APPEND);

        heard.awaitSize(2);
    }

    @Test
    void seesAFileThatIsRenamedIntoPlace() throws IOException {
        startWith(OWN);

        Path next = Files.writeString(directory.resolve("next"), OWN + lease(2) + lease(3));
        Files.move(next, file, ATOMIC_MOVE);

        heard.awaitSize(3);
    }

    /** As Kubernetes replaces the files of a config map: all of them by renaming one symbolic link. */
    @Test
    void seesAConfigMapThatIsReplaced() throws IOException {
        Path old = Files.createDirectory(directory.resolve("..1"));
        Files.writeString(old.resolve("leases.yml"), OWN);
        Files.createSymbolicLink(directory.resolve("..data"), Path.of("..1"));
        Files.createSymbolicLink(file, Path.of("..data", "leases.yml"));
        source.start(null, null, heard);
        heard.awaitSize(1);

        Path next = Files.createDirectory(directory.resolve("..2"));
        Files.writeString(next.resolve("leases.yml"), OWN + lease(2));
        Path link = Files.createSymbolicLink(directory.resolve("..data_tmp"), Path.of("..2"));
        Files.move(link, directory.resolve("..data"), ATOMIC_MOVE);

        heard.awaitSize(2);
    }

    /** The kernel tells of the link's directory, not of the file's. */
    @Test
    void seesAChangeThatTheKernelDoesNotTellOf(@TempDir Path elsewhere) throws IOException {
        Path target = Files.writeString(elsewhere.resolve("real.yml"), OWN);
        Files.createSymbolicLink(file, target);
        source.start(null, null, heard);
        heard.awaitSize(1);

        Files.writeString(target, OWN + lease(2));

        heard.awaitSize(2);
    }

    @Test
    void seesAChangeThatLeavesSizeAndTime() throws IOException {
        startWith(OWN + lease(2));
        FileTime time = Files.getLastModifiedTime(file);

        write(OWN + lease(3));
        Files.setLastModifiedTime(file, time);

        Await.until("other lease", () -> "10.0.0.3".equals(heard.all.get(1).underlayIp()));
    }

    @Test
    void seesADirectoryThatIsMadeAnew() throws IOException {
        Path inner = directory.resolve("etc");
        file = inner.resolve("leases.yml");
        source = new FileLeases(file, OVERLAY, HOST);
        source.start(null, null, heard);
        heard.awaitFailure(file + " does not exist");

        Files.createDirectory(inner);
        write(OWN);

        heard.awaitSize(1);
    }

    @Test
    void keepsTheLastStateWhileTheFileIsMalformedOrGone() throws IOException {
        startWith(OWN + lease(2));

        write(OWN + "- {underlay_ip: 10.0.\n");
        heard.awaitFailure(file + ":3: is neither YAML nor JSON");
        write("");
        heard.awaitFailure(file + ":1: is empty, probably half-written");
        Files.delete(file);
        heard.awaitFailure(file + " does not exist");
        Files.createDirectory(file);
        heard.awaitFailure(file + " is no file");
        Files.delete(file);
        Files.write(file, new byte[] {'-', ' ', (byte) 0xff});
        heard.awaitFailure(file + " is not text in UTF-8");

        assertEquals(1, heard.changes.get());
        assertEquals(2, heard.all.size());
        int before = heard.confirmations.get();
        write(OWN + lease(2));
        Await.until("recovery", () -> heard.confirmations.get() > before);
        assertEquals(1, heard.changes.get());
    }

    @Test
    void saysTheSameFailureOnce() throws IOException {
        startWith(OWN);
        write("nothing");
        heard.awaitFailure("is no list of leases");

        for (int i = 0; i < 3; i++) {
            source.refresh();
            LockSupport.parkNanos(150_000_000);
        }

        assertEquals(1, heard.failures.size(), heard.failures::toString);
    }

    @Test
    void keepsTheOwnLeaseThatIsListedNoMore() throws IOException {
        startWith(OWN + lease(2));

        write(lease(2) + lease(3));

        heard.awaitFailure(file + " has no lease for 10.0.0.1 any more; the last one, 10.255.1.0/24, stays");
        assertEquals(ownLease(), heard.own);
        assertEquals("10.0.0.3", heard.all.get(1).underlayIp());
        int confirmations = heard.confirmations.get();
        source.refresh();
        write(lease(2) + lease(3) + OWN);
        heard.awaitSize(3);
        assertEquals(confirmations, heard.confirmations.get());
        assertEquals(1, heard.failures.size());
    }

    @Test
    void losesTheOwnLeaseThatIsListedForAnotherHost() throws IOException {
        startWith(OWN + lease(2));

        write("- {underlay_ip: 10.0.0.3, overlay_subnet: 10.255.1.0/24}\n");

        heard.awaitFailure("no lease has");
        assertNull(heard.own);
        assertEquals(
                List.of(
                        "lost: " + file + " has 10.255.1.0/24, the lease of this host, for 10.0.0.3 now, and none for"
                                + " 10.0.0.1",
                        "no lease has underlay_ip 10.0.0.1; " + file + " has 10.0.0.3"),
                heard.failures);
        write(lease(2) + OWN);
        Await.until("the own lease", () -> ownLease().equals(heard.own));
    }

    @Test
    void keepsTheLeaseHeldBeforeARestart() throws IOException {
        write(lease(2));
        source.start(ownLease(), Instant.now(), heard);

        heard.awaitFailure("has no lease for 10.0.0.1 any more");
        assertEquals(ownLease(), heard.own);
    }

    @Test
    void forgetsALeaseHeldUnderAnotherAddress() throws IOException {
        write(lease(2));
        source.start(
                new Lease(
                        IpAddress.parse("10.0.0.9"),
                        ownLease().subnet(),
                        ownLease().mac()),
                Instant.now(),
                heard);

        heard.awaitSize(1);
        assertNull(heard.own);
    }

    @Test
    void followsTheOwnLeaseToAnotherSubnet() throws IOException {
        startWith(OWN);

        write("- {underlay_ip: 10.0.0.1, overlay_subnet: 10.255.77.0/24}\n");

        Await.until("new subnet", () -> heard.own.subnetText().equals("10.255.77.0/24"));
        assertEquals(List.of(), heard.failures);
    }

    @Test
    void theFirstOfTwoOwnLeasesCounts() throws IOException {
        startWith("- {underlay_ip: 10.0.0.1, overlay_subnet: 10.254.1.0/24}\n" + OWN
                + "- {underlay_ip: 10.0.0.1, overlay_subnet: 10.255.77.0/24}\n");

        assertEquals(ownLease(), heard.own);
        LeaseTable table = LeaseTable.of(OVERLAY, heard.own, heard.all);
        assertEquals(1, table.leases().size());
        assertEquals(
                List.of(
                        file + ":1: overlay_subnet 10.254.1.0/24 is not in the overlay 10.255.0.0/16",
                        file + ":3: underlay_ip 10.0.0.1 has a lease already: 10.255.1.0/24 of 10.0.0.1"),
                table.skipped().stream().map(LeaseTable.Skipped::reason).toList());
    }

    @Test
    void confirmsAFileThatDoesNotChange() throws IOException {
        startWith(OWN);
        long begin = System.nanoTime();

        Await.until("two confirmations", () -> heard.confirmations.get() >= 2);

        assertTrue(System.nanoTime() - begin > 1_500_000_000L, "at most one in a second");
        assertEquals(1, heard.changes.get());
    }

    @Test
    void readsAFileThatFlapsTenTimesASecondAtMost() throws IOException {
        startWith(OWN);
        long begin = System.nanoTime();
        long cpu = leaseThreadCpu();
        int before = heard.changes.get();

        Path next = directory.resolve("next");
        for (int i = 0; i < 100; i++) {
            Files.writeString(next, OWN + lease(2 + i));
            Files.move(next, file, ATOMIC_MOVE);
            LockSupport.parkNanos(10_000_000);
        }

        double seconds = (System.nanoTime() - begin) / 1e9;
        int reads = heard.changes.get() - before;
        assertTrue(reads >= 1 && reads <= 10 * seconds + 1, reads + " in " + seconds + " s");
        assertTrue(leaseThreadCpu() - cpu < seconds * 0.3e9, "CPU time");
        Await.until("the last state", () -> "10.0.0.101".equals(heard.all.get(1).underlayIp()));
    }

    private static long leaseThreadCpu() {
        var threads = ManagementFactory.getThreadMXBean();
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("weft-leases"))
                .mapToLong(thread -> threads.getThreadCpuTime(thread.getId()))
                .sum();
    }

    @Test
    void asksAtOnceWhenToldTo() throws IOException {
        startWith(OWN);
        write("");
        heard.awaitFailure("is empty");
        write(OWN);

        source.acquireAnother();

        Await.until("recovery", () -> heard.confirmations.get() > 0);
    }

    @Test
    void isQuietAfterItIsClosed() throws IOException {
        startWith(OWN);
        source.release();
        source.close();

        write(OWN + lease(2));

        assertFalse(Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("weft-leases")));
        assertEquals(1, heard.changes.get());
    }

    @Test
    void canBeClosedByItsListener() throws Exception {
        write(OWN);
        Thread[] caller = new Thread[1];
        Heard closing = new Heard() {
            @Override
            public void leases(Lease own, List<LeaseRecord> all) {
                caller[0] = Thread.currentThread();
                source.close();
                super.leases(own, all);
            }
        };
        source.start(null, null, closing);

        closing.awaitSize(1);
        caller[0].join(5_000);
        assertFalse(caller[0].isAlive());
    }
}
