package org.weft.dataplane.capture;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.weft.dataplane.counters.Counter;

/**
 * The place agents show packets to. Costs one field read per packet while nobody captures; never blocks, and allocates
 * nothing per packet.
 *
 * <p>Several sessions may be open at once. Any thread may show packets, open or close.
 */
public final class Capture {
    /** Where on its way a packet is seen. */
    public enum Point {
        /** The frame as it crosses the TAP device. */
        TAP,
        /** The datagram as it crosses the underlay. */
        WIRE
    }

    private static final VarHandle SESSIONS;

    static {
        try {
            SESSIONS = MethodHandles.lookup().findVarHandle(Capture.class, "sessions", CaptureSession[].class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Replaced, never changed; published by release. */
    private CaptureSession[] sessions = {};

    /** Whether anyone captures now. Agents ask before they call {@link #frame} or {@link #datagram}. */
    public boolean active() {
        return sessions().length != 0;
    }

    /** Begins to capture what passes the filter, until the session is closed. */
    public CaptureSession open(CaptureFilter filter) {
        CaptureSession session = new CaptureSession(this, filter, CaptureSession.RING_CAPACITY);
        add(session);
        return session;
    }

    synchronized void add(CaptureSession session) {
        CaptureSession[] changed = Arrays.copyOf(sessions, sessions.length + 1);
        changed[sessions.length] = session;
        SESSIONS.setRelease(this, changed);
    }

    synchronized void remove(CaptureSession session) {
        SESSIONS.setRelease(
                this, Arrays.stream(sessions).filter(open -> open != session).toArray(CaptureSession[]::new));
    }

    private CaptureSession[] sessions() {
        return (CaptureSession[]) SESSIONS.getAcquire(this);
    }

    /**
     * An Ethernet frame at {@link Point#TAP}.
     *
     * @param vtep name of the TAP device
     * @param outbound from the host into the overlay
     * @param verdict what it ended in
     */
    public void frame(String vtep, boolean outbound, Counter verdict, DirectBuffer buffer, int offset, int length) {
        for (CaptureSession session : sessions()) {
            session.frame(vtep, outbound, verdict, buffer, offset, length);
        }
    }

    /**
     * A UDP payload (VXLAN header first) at {@link Point#WIRE}.
     *
     * @param sighting whose datagram it is, and its outer headers; borrowed until this returns
     * @param verdict what it ended in
     */
    public void datagram(Sighting sighting, Counter verdict, DirectBuffer buffer, int offset, int length) {
        for (CaptureSession session : sessions()) {
            session.datagram(sighting, verdict, buffer, offset, length);
        }
    }
}
