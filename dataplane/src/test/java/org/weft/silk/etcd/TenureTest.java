package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;

/** What a host's lease is worth to a daemon that starts, by the time that the one before noted. */
class TenureTest {
    private static final Duration EXPIRY = Duration.ofMinutes(60);
    private static final IpAddress HOST = IpAddress.parse("10.0.0.1");
    private static final IpPrefix SUBNET = IpPrefix.parse("10.255.7.0/24");
    private static final Lease HELD = new Lease(HOST, SUBNET, SilkNames.vtepMac(SUBNET));

    private final CellConfig.Etcd config = new CellConfig.Etcd(
            List.of(URI.create("http://127.0.0.1:1")),
            "/weft",
            null,
            null,
            null,
            Duration.ofSeconds(60),
            EXPIRY,
            Duration.ofSeconds(5));
    private final Overlay overlay = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24);
    private final Tenure tenure = new Tenure(config, overlay, new Keys("/weft"), HOST, false);

    private boolean expiresWithin(Duration time) {
        return tenure.expire(System.nanoTime() + time.toNanos());
    }

    @Test
    void goesOnWithWhatWasHeldAMomentAgo() {
        tenure.resume(HELD, Duration.ofSeconds(2));
        assertFalse(expiresWithin(Duration.ofMinutes(50)));
        assertEquals(HELD, tenure.lease());
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT-1H", "P-3650D"})
    void holdsNothingLongerThanItMayBecauseTheClockWasSetBack(Duration age) {
        tenure.resume(HELD, age);
        assertFalse(expiresWithin(Duration.ofMinutes(50)));
        assertEquals(HELD, tenure.lease());
        assertTrue(expiresWithin(EXPIRY));
        assertNull(tenure.lease());
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT1H", "P3650D"})
    void holdsNothingThatAnotherHostMayHaveByNow(Duration age) {
        tenure.resume(HELD, age);
        assertTrue(expiresWithin(Duration.ZERO));
    }
}
