package org.weft.silk.etcd;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.SilkNames;
import org.weft.testing.EtcdServer;

/**
 * How far one etcd carries: prints what a change, a list, a watcher and a keep-alive cost. Not a test; run it with the
 * test class path. Each watcher here is a connection, as that of a host.
 */
final class EtcdMeasurement {
    private static final int HOSTS = 10_000;
    private static final int CHANGES = 100;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final EtcdServer server;
    private final Keys keys = new Keys("/weft");
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Gateway etcd;

    private EtcdMeasurement(EtcdServer server) {
        this.server = server;
        this.etcd = new Gateway(server.url(), http, null, null, PATIENCE);
    }

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("etcd-measurement");
        try (EtcdServer server = EtcdServer.start(directory)) {
            EtcdMeasurement measurement = new EtcdMeasurement(server);
            measurement.changes(1);
            measurement.changes(100);
            measurement.changes(HOSTS);
            measurement.list();
            for (int connections : new int[] {1, 8, 32}) {
                measurement.keepAlives(connections);
            }
            for (int watchers : new int[] {100, 1000, 4000}) {
                measurement.watchers(watchers);
            }
        }
    }

    private static Lease lease(int number) {
        IpPrefix subnet = new IpPrefix(IpAddress.ofIpv4(0x0a80_0000 + (number << 8)), 24);
        return new Lease(IpAddress.ofIpv4(0x0a00_0000 + number), subnet, SilkNames.vtepMac(subnet));
    }

    private void write(int from, int to) throws EtcdException {
        long lease = etcd.grant(Duration.ofHours(1));
        for (int first = from; first < to; first += 40) {
            Transaction transaction = new Transaction();
            for (int number = first; number < Math.min(first + 40, to); number++) {
                write(transaction, number, lease);
            }
            etcd.commit(transaction);
        }
    }

    private void write(Transaction transaction, int number, long lease) {
        String name = Keys.name(lease(number).subnet());
        transaction
                .put(keys.lease(name), Keys.value(lease(number)), lease)
                .put(keys.underlay(lease(number).underlay()), name, lease)
                .put(keys.alive(name), lease(number).underlay().toString(), lease);
    }

    /** From before a claim is sent until a listener elsewhere has it, with so many hosts that are there. */
    private void changes(int hosts) throws Exception {
        write(0, hosts);
        CellConfig.Etcd config = new CellConfig.Etcd(
                List.of(server.url()), "/weft", null, null, null, Duration.ofSeconds(60), Host.EXPIRY, PATIENCE);
        Host.Setup setup = new Host.Setup(config, null, Host.overlay("10.128.0.0/9", 24), false);
        long start = System.nanoTime();
        try (Host host = setup.start(0x00ff_0000)) {
            host.heard().await("all", heard -> heard.all().size() >= hosts);
            long listed = System.nanoTime() - start;
            long[] nanos = new long[CHANGES];
            long lease = etcd.grant(Duration.ofHours(1));
            for (int i = 0; i < CHANGES; i++) {
                int count = host.heard().all().size();
                start = System.nanoTime();
                Transaction claim = new Transaction();
                write(claim, HOSTS + 100 + i, lease);
                etcd.commit(claim);
                host.heard().await("the change", heard -> heard.all().size() > count);
                nanos[i] = System.nanoTime() - start;
            }
            report(
                    "%d leases: change median %.2f ms, worst of %d %.2f ms; first list and claim %.0f ms",
                    hosts, percentile(nanos, 50), CHANGES, percentile(nanos, 100), listed / 1e6);
            Transaction undo = new Transaction();
            for (int i = 0; i < CHANGES; i++) {
                undo.delete(keys.alive(Keys.name(lease(HOSTS + 100 + i).subnet())));
            }
            etcd.commit(undo);
            undo = new Transaction();
            for (int i = 0; i < CHANGES; i++) {
                undo.delete(keys.lease(Keys.name(lease(HOSTS + 100 + i).subnet())));
            }
            etcd.commit(undo);
            host.source().release();
        }
    }

    private void list() throws Exception {
        long start = System.nanoTime();
        int keysListed = etcd.list(keys.followed(), kv -> true).keys().size();
        double millis = (System.nanoTime() - start) / 1e6;
        HttpRequest request = HttpRequest.newBuilder(server.url().resolve("/v3/kv/range"))
                .POST(HttpRequest.BodyPublishers.ofString(keys.followed().json().toString()))
                .build();
        int bytes = http.send(request, HttpResponse.BodyHandlers.ofByteArray()).body().length;
        report("list of %d keys: %d bytes, %.0f ms", keysListed, bytes, millis);
    }

    private void keepAlives(int connections) throws Exception {
        long lease = etcd.grant(Duration.ofMinutes(1));
        for (int i = 0; i < 200; i++) {
            etcd.keepAlive(lease);
        }
        AtomicLong count = new AtomicLong();
        ExecutorService threads = Executors.newFixedThreadPool(connections);
        long cpu = cpuMillis();
        long end = System.nanoTime() + 5_000_000_000L;
        for (int i = 0; i < connections; i++) {
            threads.submit(() -> {
                while (System.nanoTime() < end) {
                    etcd.keepAlive(lease);
                    count.incrementAndGet();
                }
                return null;
            });
        }
        threads.shutdown();
        threads.awaitTermination(1, TimeUnit.MINUTES);
        report(
                "keep-alives over %d connections: %d/s, %.0f us of etcd's processor time each",
                connections, count.get() / 5, (cpuMillis() - cpu) * 1000.0 / count.get());
    }

    private void watchers(int count) throws Exception {
        long memory = residentKib();
        long revision = etcd.list(KeyRange.of("/none"), kv -> true).header().revision();
        List<WatchStream> streams = new ArrayList<>();
        List<CountDownLatch> rounds = new ArrayList<>();
        for (int round = 0; round < 10; round++) {
            rounds.add(new CountDownLatch(count));
        }
        for (int i = 0; i < count; i++) {
            AtomicLong round = new AtomicLong();
            streams.add(etcd.watch(keys.followed(), revision + 1, () -> rounds.get((int) round.getAndIncrement())
                    .countDown()));
        }
        long lease = etcd.grant(Duration.ofHours(1));
        long cpu = cpuMillis();
        long[] nanos = new long[rounds.size()];
        for (int i = 0; i < nanos.length; i++) {
            long start = System.nanoTime();
            Transaction claim = new Transaction();
            write(claim, 20_000 + count + i, lease);
            etcd.commit(claim);
            rounds.get(i).await();
            nanos[i] = System.nanoTime() - start;
        }
        report(
                "%d watchers: all have a change after median %.0f ms, worst %.0f ms; %d KiB of etcd's memory and %.0f us of"
                        + " its processor time a watcher and change",
                count,
                percentile(nanos, 50),
                percentile(nanos, 100),
                (residentKib() - memory) / count,
                (cpuMillis() - cpu) * 1000.0 / nanos.length / count);
        streams.forEach(WatchStream::close);
    }

    private static double percentile(long[] nanos, int percent) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)] / 1e6;
    }

    private long residentKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + server.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    /** User and system time, in ticks of 10 ms (man 5 proc). */
    private long cpuMillis() throws IOException {
        String[] fields = Files.readString(Path.of("/proc/" + server.pid() + "/stat"))
                .replaceAll(".*\\) ", "")
                .split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }

    private static void report(String format, Object... values) {
        System.out.printf(format + "%n", values);
    }
}
