package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.Overlay;
import org.weft.testing.LogLines;

class KnownLeasesTest {
    private final KnownLeases known = new KnownLeases(new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24));

    private static List<LeaseRecord> faulty(int count, int version) {
        return IntStream.range(0, count)
                .mapToObj(i -> new LeaseRecord(null, null, null, "leases.yml:" + i, "is wrong " + version))
                .toList();
    }

    /** As many as a file may have; each is looked for among as many that were there before. */
    @Test
    @Timeout(value = 30, unit = TimeUnit.SECONDS)
    void manyFaultyLeasesCostNeitherTimeNorLog() {
        try (LogLines log = LogLines.of(KnownLeases.class)) {
            known.hear(faulty(65_536, 1));
            known.check(null);
            known.hear(faulty(65_536, 2));
            known.check(null);
            known.check(null);

            assertEquals(65_536, known.skipped().size());
            assertEquals(42, log.lines().size());
            assertTrue(log.lines().get(41).endsWith("65536 leases are skipped in all: see 'weft lease show'"));
        }
    }
}
