package org.weft.dataplane.policy;

import org.weft.encap.TcpHeader;

/**
 * What connection tracking knows of a TCP connection, in an int of {@link #BITS}: its state, and of the segment before what
 * the next one may depend on. Behaves as the kernel does where it follows no sequence numbers (nf_conntrack_tcp_packet with
 * nf_conntrack_tcp_be_liberal and nf_conntrack_tcp_loose). The side that began is called the client, the other the server,
 * also where the first segment came from the middle of a connection.
 *
 * <pre>
 *   8            7          6            5      4   3     0
 *   +------------+----------+------------+----------+-------+
 *   | both sides | one side | segment    | segment  | state |
 *   | sent a SYN | sent a   | before was | before   |       |
 *   |            | FIN      | a server's |          |       |
 *   +------------+----------+------------+----------+-------+
 * </pre>
 */
final class TcpConnection {
    static final int BITS = 9;

    /** In place of a connection: the segment cannot be of it (kernel: INVALID), which stays as it was. */
    static final int INVALID = -1;

    /** In place of a connection: it is over, and the segment begins another one. */
    static final int REOPENED = -2;

    /** Added to a connection: the segment keeps it no longer alive (kernel: it is ignored). */
    static final int NOT_RENEWED = 1 << BITS;

    private static final int STATE_MASK = 0xf;

    private static final int SYN_SENT = 1;
    private static final int SYN_RECEIVED = 2;
    private static final int ESTABLISHED = 3;
    private static final int FIN_WAIT = 4;
    private static final int CLOSE_WAIT = 5;
    private static final int LAST_ACK = 6;
    private static final int TIME_WAIT = 7;
    private static final int CLOSED = 8;
    /** SYNs of both sides have crossed (kernel: SYN_SENT2). */
    private static final int BOTH_SYN_SENT = 9;

    /** No state: the segment passes, but says nothing about the connection; the other side will answer if it does. */
    private static final int UNCHANGED = 10;

    private static final int BEFORE_MASK = 3 << 4;
    private static final int BEFORE_SYN = 1 << 4;
    private static final int BEFORE_RST = 2 << 4;
    /** A SYN, and the challenge ACK (RFC 5961) that was the answer. */
    private static final int BEFORE_CHALLENGED_SYN = 3 << 4;

    private static final int BEFORE_OF_SERVER = 1 << 6;
    private static final int FINISHED = 1 << 7;
    private static final int SIMULTANEOUS = 1 << 8;

    private static final int FLAGS = TcpHeader.FIN | TcpHeader.SYN | TcpHeader.RST | TcpHeader.ACK;
    private static final int SYN_ACK = TcpHeader.SYN | TcpHeader.ACK;

    /** Seconds; the kernel's tcp_timeouts. */
    private static final int SYN_SENT_TIMEOUT = 120;

    private static final int SYN_RECEIVED_TIMEOUT = 60;
    /** ESTABLISHED without an answer: UNACK. */
    private static final int UNANSWERED_TIMEOUT = 300;

    private static final int FIN_WAIT_TIMEOUT = 120;
    private static final int CLOSE_WAIT_TIMEOUT = 60;
    private static final int LAST_ACK_TIMEOUT = 30;
    private static final int TIME_WAIT_TIMEOUT = 120;
    private static final int CLOSED_TIMEOUT = 10;

    private TcpConnection() {}

    /** The connection that a segment begins, or that it is from the middle of; {@link #INVALID} if it can do neither. */
    static int open(int tcpFlags) {
        return switch (segment(tcpFlags)) {
            case TcpHeader.SYN -> SYN_SENT | BEFORE_SYN;
            case TcpHeader.ACK -> ESTABLISHED;
            default -> INVALID;
        };
    }

    /** The connection after a segment; {@link #INVALID} or {@link #REOPENED} if it cannot have that. */
    static int next(int connection, int tcpFlags, boolean ofServer) {
        int segment = segment(tcpFlags);
        int state = connection & STATE_MASK;
        int next = ofServer ? afterServer(state, segment) : afterClient(state, segment);
        return switch (next) {
            case INVALID -> INVALID;
            case UNCHANGED -> passBy(connection, segment, ofServer);
            case SYN_SENT -> synSent(connection, segment, ofServer);
            case SYN_RECEIVED -> {
                boolean crossed = ofServer && segment == TcpHeader.ACK && (connection & SIMULTANEOUS) != 0;
                yield move(connection, crossed ? ESTABLISHED : SYN_RECEIVED, segment, ofServer);
            }
            case TIME_WAIT -> {
                boolean challenge = state == LAST_ACK
                        && segment == TcpHeader.ACK
                        && ofServer
                        && isBefore(connection, BEFORE_SYN, false);
                yield challenge
                        ? connection | BEFORE_CHALLENGED_SYN | NOT_RENEWED
                        : move(connection, TIME_WAIT, segment, ofServer);
            }
            case BOTH_SYN_SENT -> move(connection | SIMULTANEOUS, BOTH_SYN_SENT, segment, ofServer);
            case FIN_WAIT -> move(connection | FINISHED, FIN_WAIT, segment, ofServer);
            default -> move(connection, next, segment, ofServer);
        };
    }

    /** RST, SYN with ACK, SYN, FIN with ACK, ACK, whichever comes first; 0 for what no TCP sends (kernel: tcp_error). */
    private static int segment(int tcpFlags) {
        int flags = tcpFlags & FLAGS;
        boolean urgent = (tcpFlags & TcpHeader.URG) != 0;
        return switch (flags) {
            case TcpHeader.RST, TcpHeader.RST | TcpHeader.ACK -> urgent ? 0 : TcpHeader.RST;
            case SYN_ACK -> urgent ? 0 : SYN_ACK;
            case TcpHeader.FIN | TcpHeader.ACK -> TcpHeader.FIN;
            case TcpHeader.SYN, TcpHeader.ACK -> flags;
            default -> 0;
        };
    }

    private static int afterClient(int state, int segment) {
        return switch (segment) {
            case TcpHeader.SYN ->
                switch (state) {
                    case SYN_SENT, TIME_WAIT, CLOSED -> SYN_SENT;
                    case BOTH_SYN_SENT -> BOTH_SYN_SENT;
                    default -> UNCHANGED;
                };
            case SYN_ACK -> state == SYN_RECEIVED || state == BOTH_SYN_SENT ? SYN_RECEIVED : INVALID;
            case TcpHeader.ACK ->
                switch (state) {
                    case SYN_SENT, BOTH_SYN_SENT -> INVALID;
                    case SYN_RECEIVED -> ESTABLISHED;
                    default -> afterAck(state);
                };
            default -> afterEnd(state, segment);
        };
    }

    private static int afterServer(int state, int segment) {
        return switch (segment) {
            case TcpHeader.SYN ->
                switch (state) {
                    case SYN_SENT, BOTH_SYN_SENT -> BOTH_SYN_SENT;
                    case TIME_WAIT -> SYN_SENT;
                    default -> INVALID;
                };
            case SYN_ACK -> state == SYN_SENT || state == BOTH_SYN_SENT ? SYN_RECEIVED : UNCHANGED;
            case TcpHeader.ACK ->
                switch (state) {
                    case SYN_SENT, BOTH_SYN_SENT -> UNCHANGED;
                    case SYN_RECEIVED -> SYN_RECEIVED;
                    default -> afterAck(state);
                };
            default -> afterEnd(state, segment);
        };
    }

    private static int afterAck(int state) {
        return switch (state) {
            case FIN_WAIT -> CLOSE_WAIT;
            case LAST_ACK -> TIME_WAIT;
            default -> state;
        };
    }

    private static int afterEnd(int state, int segment) {
        return switch (segment) {
            case TcpHeader.RST -> CLOSED;
            case TcpHeader.FIN ->
                switch (state) {
                    case SYN_SENT, BOTH_SYN_SENT -> INVALID;
                    case SYN_RECEIVED, ESTABLISHED -> FIN_WAIT;
                    case FIN_WAIT, CLOSE_WAIT -> LAST_ACK;
                    default -> state;
                };
            default -> INVALID;
        };
    }

    private static int synSent(int connection, int segment, boolean ofServer) {
        if ((connection & STATE_MASK) == SYN_SENT) {
            return move(connection, SYN_SENT, segment, ofServer) | NOT_RENEWED;
        }
        boolean over = (connection & FINISHED) != 0 || isBefore(connection, BEFORE_RST, ofServer);
        return over ? REOPENED : passBy(connection, segment, ofServer);
    }

    private static int passBy(int connection, int segment, boolean ofServer) {
        if (segment == SYN_ACK && isAnsweredSyn(connection, ofServer)) {
            // The server answers a SYN that passed by: both know of a connection that is not the one known here.
            return move(connection & ~FINISHED, SYN_RECEIVED, segment, ofServer);
        }
        int known = segment == TcpHeader.SYN && !ofServer ? connection & ~SIMULTANEOUS : connection;
        return move(known, connection & STATE_MASK, segment, ofServer) | NOT_RENEWED;
    }

    private static boolean isAnsweredSyn(int connection, boolean ofServer) {
        return isBefore(connection, BEFORE_SYN, !ofServer) || isBefore(connection, BEFORE_CHALLENGED_SYN, !ofServer);
    }

    /** Which side the segment before came from is only kept where it matters, so that data changes nothing. */
    private static int move(int connection, int state, int segment, boolean ofServer) {
        int before =
                switch (segment) {
                    case TcpHeader.SYN -> BEFORE_SYN;
                    case TcpHeader.RST -> BEFORE_RST;
                    default -> 0;
                };
        int side = before != 0 && ofServer ? BEFORE_OF_SERVER : 0;
        return connection & (FINISHED | SIMULTANEOUS) | state | before | side;
    }

    private static boolean isBefore(int connection, int segment, boolean ofServer) {
        return (connection & BEFORE_MASK) == segment && ((connection & BEFORE_OF_SERVER) != 0) == ofServer;
    }

    /** Whether the step from one to the next shows that there is a connection, and no flood of segments. */
    static boolean isAssured(int before, int after) {
        int state = before & STATE_MASK;
        return (after & STATE_MASK) == ESTABLISHED && (state == SYN_RECEIVED || state == ESTABLISHED);
    }

    /** Whether both sides have ended it, or one has broken it off. */
    static boolean isOver(int connection) {
        int state = connection & STATE_MASK;
        return state == LAST_ACK || state == TIME_WAIT || state == CLOSED;
    }

    static boolean isReset(int connection) {
        return (connection & (STATE_MASK | BEFORE_MASK)) == (CLOSED | BEFORE_RST);
    }

    /**
     * Seconds after its last segment that it is forgotten.
     *
     * @param answered whether segments went both ways
     * @param established for a connection that is
     */
    static int timeout(int connection, boolean answered, int established) {
        return switch (connection & STATE_MASK) {
            case SYN_SENT, BOTH_SYN_SENT -> SYN_SENT_TIMEOUT;
            case SYN_RECEIVED -> SYN_RECEIVED_TIMEOUT;
            case FIN_WAIT -> FIN_WAIT_TIMEOUT;
            case CLOSE_WAIT -> CLOSE_WAIT_TIMEOUT;
            case LAST_ACK -> LAST_ACK_TIMEOUT;
            case TIME_WAIT -> TIME_WAIT_TIMEOUT;
            case CLOSED -> CLOSED_TIMEOUT;
            default -> answered ? established : Math.min(UNANSWERED_TIMEOUT, established);
        };
    }
}
