package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.silk.cell.Fleet;
import org.weft.silk.cell.MeasuredCell;
import org.weft.silk.lease.LeaseRecord;
import org.weft.testing.RequiresRoot;

/** What convergence costs with a real device and 1,000 leases. Limits are three times what is aimed at. */
@RequiresRoot
class ConvergenceCostIT {
    private static final int LEASES = 1000;

    /** Once in time is enough: what a busy machine takes longer for is not the cell's. */
    private static final int ROUNDS = 20;

    private static final Duration ALL = Duration.ofSeconds(3);
    private static final Duration ONE = Duration.ofMillis(60);
    private static final Duration NOTHING = Duration.ofMillis(300);

    @TempDir
    Path state;

    @Test
    void thousandLeasesAndOneChangeAmongThemConvergeInTime() {
        try (Netns host = Netns.create("host")) {
            host.call(() -> {
                try (MeasuredCell cell = new MeasuredCell(state, Fleet.OVERLAY, Fleet.lease(1))) {
                    measure(cell);
                }
                return null;
            });
        }
    }

    private static void measure(MeasuredCell cell) {
        List<LeaseRecord> records = Fleet.records(LEASES);
        assertWithin(ALL, "1,000 leases", cell.hear(records, LEASES - 1));
        Duration change = Duration.ofDays(1);
        Duration pass = Duration.ofDays(1);
        for (int i = 1; i <= ROUNDS && (change.compareTo(ONE) > 0 || pass.compareTo(NOTHING) > 0); i++) {
            records = new ArrayList<>(records);
            records.remove(records.size() - 1);
            change = shorter(change, cell.hear(records, 1));
            pass = shorter(pass, cell.fullPass());
        }
        assertWithin(ONE, "one lease less", change);
        assertWithin(NOTHING, "a full pass that finds nothing", pass);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static void assertWithin(Duration limit, String what, Duration time) {
        System.out.printf("%s: %.1f ms%n", what, time.toNanos() / 1e6);
        assertTrue(time.compareTo(limit) < 0, () -> what + " took " + time + ", more than " + limit);
    }
}
