package org.weft.silk.etcd;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.LockSupport;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.LeaseSource;
import org.weft.testing.EtcdServer;

/**
 * What hosts cost one etcd: prints a row for each number of hosts, which are real sources of leases in this process.
 * Not a test; run it with the test class path and the numbers of hosts.
 */
public final class EtcdFleetMeasurement {
    /** Short, so that there is something to count. */
    private static final Duration TTL = Duration.ofSeconds(6);

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Duration QUIET = Duration.ofSeconds(30);
    private static final Duration ALONE = Duration.ofSeconds(10);
    /** More hosts than this in one process would wait for its processors, not for etcd. */
    private static final int AT_ONCE = 25;

    private static final int CHANGES = 20;

    private final EtcdServer server;
    private final Host.Setup setup;
    private final HttpClient http = HttpClient.newHttpClient();

    private EtcdFleetMeasurement(EtcdServer server) {
        this.server = server;
        this.setup = new Host.Setup(
                new CellConfig.Etcd(
                        List.of(server.url()), "/weft", null, null, null, TTL, Duration.ofHours(168), TIMEOUT),
                null,
                Host.overlay("10.128.0.0/9", 24),
                false);
    }

    /** What etcd says of itself so far. */
    private record Usage(long nanos, double cpuMillis, long residentKib, double requests) {
        Usage since(Usage before) {
            return new Usage(
                    nanos - before.nanos,
                    cpuMillis - before.cpuMillis,
                    residentKib - before.residentKib,
                    requests - before.requests);
        }

        /** Without what etcd does when nobody asks. */
        double cpuMillisBeyond(Usage alone) {
            return cpuMillis - alone.cpuMillis * nanos / alone.nanos;
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("| hosts | all have a lease and know all | etcd's memory | a host's | requests of a host and"
                + " ttl | etcd's time for one | change until all know it, median | worst | etcd's time for a change |"
                + " sent to a host for it |");
        System.out.println("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        for (String argument : arguments) {
            Path directory = Files.createTempDirectory("etcd-fleet");
            try (EtcdServer server = EtcdServer.start(directory)) {
                System.out.println(new EtcdFleetMeasurement(server).row(Integer.parseInt(argument)));
            }
        }
    }

    private String row(int size) throws Exception {
        List<Host> hosts = new ArrayList<>();
        try (ByteCount watch = new ByteCount()) {
            Usage before = usage();
            LockSupport.parkNanos(ALONE.toNanos());
            Usage empty = usage();
            Usage alone = empty.since(before);
            long start = System.nanoTime();
            for (int number = 1; number <= size; number++) {
                hosts.add(setup.start(number));
                if (number % AT_ONCE == 0) {
                    hosts.forEach(Host::own);
                }
            }
            awaitSize(hosts, size);
            double joined = (System.nanoTime() - start) / 1e6;
            Usage full = usage();
            LockSupport.parkNanos(QUIET.toNanos());
            Usage idle = usage().since(full);
            watch.open();
            double[] millis = new double[CHANGES];
            before = usage();
            for (int i = 0; i < CHANGES; i++) {
                millis[i] = change(hosts, size, i);
            }
            Usage changes = usage().since(before);
            Arrays.sort(millis);
            double ttls = QUIET.toMillis() / (double) TTL.toMillis();
            double sides = CHANGES * 2.0; // one comes, and goes
            return String.format(
                    Locale.ROOT,
                    "| %d | %.0f ms | %d MiB | %d KiB | %.2f | %.0f µs | %.1f ms | %.1f ms | %.1f ms | %,.0f bytes |",
                    size,
                    joined,
                    full.residentKib >> 10,
                    (full.residentKib - empty.residentKib) / size,
                    idle.requests / size / ttls,
                    idle.cpuMillisBeyond(alone) * 1000 / idle.requests,
                    millis[CHANGES / 2],
                    millis[CHANGES - 1],
                    changes.cpuMillisBeyond(alone) / sides,
                    watch.bytes / sides);
        } finally {
            hosts.forEach(Host::close);
        }
    }

    /** What a host's watch is sent, without the headers of HTTP's pieces and of packets. */
    private final class ByteCount implements Flow.Subscriber<List<ByteBuffer>>, AutoCloseable {
        private volatile long bytes;
        private Flow.Subscription subscription;

        void open() {
            String body = new Keys("/weft").followed().json().toString();
            HttpRequest request = HttpRequest.newBuilder(server.url().resolve("/v3/watch"))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"create_request\": " + body + "}"))
                    .build();
            http.sendAsync(request, HttpResponse.BodyHandlers.fromSubscriber(this));
        }

        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            subscription = newSubscription;
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> parts) {
            bytes = bytes + parts.stream().mapToInt(ByteBuffer::remaining).sum();
        }

        @Override
        public void onError(Throwable failure) {
            bytes = 0;
        }

        @Override
        public void onComplete() {
            bytes = 0;
        }

        @Override
        public void close() {
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }

    /** A host comes until all know it, and goes. */
    private double change(List<Host> hosts, int size, int number) {
        long start = System.nanoTime();
        try (Host more = setup.start(0xff_0000 + number)) {
            awaitSize(hosts, size + 1);
            double millis = (System.nanoTime() - start) / 1e6;
            LeaseSource source = more.source();
            source.release();
            awaitSize(hosts, size);
            return millis;
        }
    }

    private static void awaitSize(List<Host> hosts, int size) {
        for (Host host : hosts) {
            host.heard().await("all hosts", heard -> heard.all().size() == size);
        }
    }

    private Usage usage() throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(server.url().resolve("/metrics")).build();
        List<String> metrics =
                http.send(request, HttpResponse.BodyHandlers.ofLines()).body().toList();
        return new Usage(
                System.nanoTime(),
                sum(metrics, "process_cpu_seconds_total") * 1000,
                (long) sum(metrics, "process_resident_memory_bytes") >> 10,
                sum(metrics, "grpc_server_started_total"));
    }

    private static double sum(List<String> metrics, String name) {
        return metrics.stream()
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }
}
