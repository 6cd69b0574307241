package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.MemoryRegistry;

class SendingTest {
    private static final String FIREWALL = "the kernel refuses everything that is sent, last with EPERM: look for a"
            + " firewall rule for outgoing packets that drops them (nft list ruleset)";

    private Vtep vtep;
    private Sending sending;
    private long now = -5;

    @BeforeEach
    void make() {
        vtep = new MemoryRegistry().addSilk();
        vtep.counters().add(Counter.UNDERLAY_REFUSED, 1000);
        sending = new Sending(vtep);
    }

    /** Looks some seconds after the look before. */
    private String lookAfter(int seconds) {
        now += TimeUnit.SECONDS.toNanos(seconds);
        return sending.trouble(vtep, now);
    }

    private void refuse(Counter counter, int errno) {
        vtep.counters().increment(counter);
        vtep.sendErrno(errno);
    }

    private void refuseAll() {
        for (int i = 0; i < 3; i++) {
            refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
            lookAfter(1);
        }
    }

    @Test
    void oneRefusalIsNoTrouble() {
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);

        for (int i = 0; i < 100; i++) {
            assertNull(lookAfter(1));
        }
    }

    @Test
    void aMomentOfRefusalsIsNoTrouble() {
        for (int i = 0; i < 1000; i++) {
            refuse(Counter.SOCKET_SNDBUFF, Errno.EAGAIN);
        }
        assertNull(lookAfter(1));
        refuse(Counter.SOCKET_SNDBUFF, Errno.EAGAIN);

        assertNull(lookAfter(1));
    }

    @Test
    void refusalsOfSomeSecondsAreTroubleUntilOneDatagramIsSent() {
        refuseAll();
        assertEquals(FIREWALL, lookAfter(1));
        refuse(Counter.IP_OUTNOROUTES, Errno.ENETUNREACH);
        assertEquals(FIREWALL, lookAfter(1), "the sentence stays, so that it is logged once");

        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
        vtep.counters().increment(Counter.TX_SENT);
        assertNull(lookAfter(1));
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
        assertNull(lookAfter(1), "the count begins from zero");
    }

    @Test
    void refusalsBetweenSentDatagramsAreNoTrouble() {
        for (int i = 0; i < 100; i++) {
            vtep.counters().add(Counter.UNDERLAY_REFUSED, 1000);
            vtep.counters().increment(Counter.TX_SENT);
            assertNull(lookAfter(1));
        }
    }

    @Test
    void refusalsForTheLengthAreNoTrouble() {
        for (int i = 0; i < 10; i++) {
            vtep.counters().increment(Counter.PKT_TOO_BIG);
            assertNull(lookAfter(1));
        }
    }

    @Test
    void isForgottenByAHostThatSendsNothing() {
        refuseAll();
        assertEquals(FIREWALL, lookAfter(25));

        assertNull(lookAfter(10));
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
        assertNull(lookAfter(1));
    }

    @Test
    void isNoticedOnAHostThatSendsSeldom() {
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
        assertNull(lookAfter(1));
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);
        assertNull(lookAfter(20));
        refuse(Counter.UNDERLAY_REFUSED, Errno.EPERM);

        assertEquals(FIREWALL, lookAfter(20));
    }

    @ParameterizedTest
    @CsvSource({
        "101, IP_OUTNOROUTES, ENETUNREACH: no route leads to the remotes (ip route get ADDRESS)",
        "22, IP_OUTNOROUTES, EINVAL: this host does not have the local address (ip address)",
        "100, IP_OUTNOROUTES, ENETDOWN: the underlay interface is down or gone (ip link)",
        "105, SOCKET_SNDBUFF, ENOBUFS"
    })
    void namesTheErrorAndWhereToLook(int errno, Counter counter, String end) {
        for (int i = 0; i < 3; i++) {
            refuse(counter, errno);
            lookAfter(1);
        }

        String sentence = lookAfter(1);
        assertTrue(sentence.endsWith(", last with " + end), sentence);
    }
}
