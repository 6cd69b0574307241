package org.weft.dataplane.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.encap.TcpHeader.ACK;
import static org.weft.encap.TcpHeader.ECE;
import static org.weft.encap.TcpHeader.FIN;
import static org.weft.encap.TcpHeader.PSH;
import static org.weft.encap.TcpHeader.RST;
import static org.weft.encap.TcpHeader.SYN;
import static org.weft.encap.TcpHeader.URG;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That the kernel agrees, packet for packet, is what PolicyDifferentialIT shows. */
class TcpConnectionTest {
    private static final int ESTABLISHED_TIMEOUT = 432_000;

    /** Segments of the client and, in lower case, of the server: S, SA, A, F (with ACK) and R. */
    private static int play(String segments) {
        int connection = 0;
        for (String segment : segments.split(" ")) {
            boolean ofServer = Character.isLowerCase(segment.charAt(0));
            int flags =
                    switch (segment.toUpperCase()) {
                        case "S" -> SYN;
                        case "SA" -> SYN | ACK;
                        case "A" -> ACK;
                        case "F" -> FIN | ACK;
                        default -> RST;
                    };
            connection = connection == 0
                    ? TcpConnection.open(flags)
                    : TcpConnection.next(connection & ~TcpConnection.NOT_RENEWED, flags, ofServer);
        }
        return connection;
    }

    @ParameterizedTest
    @CsvSource({
        "S, 120",
        "S sa, 60",
        "S sa A, 432000",
        "S sa A a A a, 432000",
        "S sa A F, 120",
        "S sa A F a, 60",
        "S sa A F a A f, 30",
        "S sa A F a f A, 120",
        "S sa A F f, 30",
        "S sa A R, 10",
        "S sa A r A a, 10",
        "S sa F, 120",
        "S s, 120",
        "S s sa SA, 60",
        "S s sa SA a, 432000",
        "S s sa A, 432000",
        "A, 432000",
        "A f, 120",
        "A f a, 60"
    })
    void livesAsLongAsItsStateLets(String segments, int seconds) {
        int connection = play(segments);
        assertTrue(connection > 0, segments);
        assertEquals(seconds, TcpConnection.timeout(connection, true, ESTABLISHED_TIMEOUT));
    }

    @Test
    void oneFromTheMiddleThatNobodyAnswersIsForgottenSoon() {
        assertEquals(300, TcpConnection.timeout(play("A A"), false, ESTABLISHED_TIMEOUT));
    }

    @ParameterizedTest
    @CsvSource({
        "SA",
        "F",
        "R",
        "S A",
        "S SA",
        "S F",
        "S f",
        "S sa s",
        "S sa A SA",
        "S sa A s",
        "S sa A F s",
        "S sa A R s"
    })
    void whatCannotBeIsInvalid(String segments) {
        assertEquals(TcpConnection.INVALID, play(segments));
    }

    @ParameterizedTest
    @CsvSource({"S sa A F f A S", "S sa A F f A s", "S sa A R S", "S sa A F a f a S"})
    void aSynAfterTheEndBeginsAnother(String segments) {
        assertEquals(TcpConnection.REOPENED, play(segments));
    }

    @ParameterizedTest
    @CsvSource({
        "S S, 120",
        "S a, 120",
        "S sa sa, 60",
        "S sa A S, 432000",
        "S sa A sa, 432000",
        "S sa A F S, 120",
        "S sa A r S, 10"
    })
    void whatTellsNothingRenewsNothing(String segments, int seconds) {
        int connection = play(segments);
        assertTrue((connection & TcpConnection.NOT_RENEWED) != 0, segments);
        assertEquals(seconds, TcpConnection.timeout(connection, true, ESTABLISHED_TIMEOUT));
    }

    @ParameterizedTest
    @CsvSource({"S sa A S sa", "S sa A F S sa"})
    void followsTheServerThatAnswersAnotherSyn(String segments) {
        assertEquals(60, TcpConnection.timeout(play(segments), true, ESTABLISHED_TIMEOUT));
    }

    /** RFC 5961: the server that waits for the last ACK asks whether a SYN is meant. */
    @Test
    void aChallengeIsNoLastAck() {
        assertEquals(30, TcpConnection.timeout(play("S sa A F f S a"), true, ESTABLISHED_TIMEOUT));
        assertEquals(120, TcpConnection.timeout(play("S sa A F f S a a"), true, ESTABLISHED_TIMEOUT));
    }

    @Test
    void dataChangesNothing() {
        int connection = play("S sa A");
        assertEquals(connection, TcpConnection.next(connection, ACK | PSH, true));
        assertEquals(connection, TcpConnection.next(connection, ACK | URG | ECE, false));
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "8", "3", "6", "7", "36", "50", "63"})
    void whatNoTcpSendsIsInvalid(int flags) {
        assertEquals(TcpConnection.INVALID, TcpConnection.open(flags));
        assertEquals(TcpConnection.INVALID, TcpConnection.next(play("S sa A"), flags, false));
    }
}
