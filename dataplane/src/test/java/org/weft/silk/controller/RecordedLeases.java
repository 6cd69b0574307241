package org.weft.silk.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;

/** Keeps what a source reports until a test asks for it, in order. */
final class RecordedLeases implements LeaseSource.Listener {
    private static final long LIMIT_SECONDS = 10;

    /** What was reported; what does not belong to it is null. */
    record Report(String kind, Lease own, List<LeaseRecord> all, String sentence) {}

    private final BlockingQueue<Report> reports = new LinkedBlockingQueue<>();

    @Override
    public void leases(Lease own, List<LeaseRecord> all) {
        reports.add(new Report("leases", own, all, null));
    }

    @Override
    public void confirmed() {
        reports.add(new Report("confirmed", null, null, null));
    }

    @Override
    public void failed(String sentence) {
        reports.add(new Report("failed", null, null, sentence));
    }

    @Override
    public void lost(String sentence) {
        reports.add(new Report("lost", null, null, sentence));
    }

    /** Waits for the next report. */
    Report next() {
        try {
            Report report = reports.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertNotNull(report, "nothing reported within " + LIMIT_SECONDS + " s");
            return report;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The next report, which must be of leases. */
    Report leases() {
        Report report = next();
        assertEquals("leases", report.kind(), String.valueOf(report));
        return report;
    }

    /** The next failure; before it, nothing but confirmations. */
    String failure() {
        return after("confirmed", "failed").sentence();
    }

    /** The next loss; before it, nothing but confirmations. */
    String loss() {
        return after("confirmed", "lost").sentence();
    }

    /** The first report after those of one kind, which must be of the other. */
    Report after(String skipped, String expected) {
        Report report = next();
        while (report.kind().equals(skipped)) {
            report = next();
        }
        assertEquals(expected, report.kind(), String.valueOf(report));
        return report;
    }

    /** Forgets what is here already. */
    void clear() {
        reports.clear();
    }

    boolean isEmpty() {
        return reports.isEmpty();
    }
}
