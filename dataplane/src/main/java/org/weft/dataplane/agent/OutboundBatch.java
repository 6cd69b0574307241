package org.weft.dataplane.agent;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.Sighting;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.OffHeap;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;
import org.weft.encap.offload.Segmenter;

/**
 * The frames of one duty cycle on their way out: writes VXLAN headers and the headers of segments, hands datagrams to
 * the sender, and counts what became of them.
 *
 * <p>A frame for one remote has its VXLAN header written in front of it. A super-frame, and a frame for several remotes,
 * has its headers in an arena and its payload where it is. Frames stay borrowed until {@link #flush}.
 */
final class OutboundBatch implements AutoCloseable {
    /** Frames times remotes, or parts of super-frames, between two flushes. */
    private static final int MAX_RUNS = 256;

    private static final int ARENA_LENGTH = 512 << 10;

    /** Segments' headers are aligned to this, so that copying them does not straddle more cache lines than it must. */
    private static final int HEADER_ALIGNMENT = 32;

    /** Datagrams for one remote that came of one frame, or of the part of a super-frame that had room. */
    private static final class Run {
        int frameOffset;
        int frameLength;
        /** Whether it is the first of its frame. */
        boolean first;

        boolean headersInArena;
        int headerOffset;
        int headerLength;
        int headerStride;
        int payloadOffset;
        int payloadLength;
        int segmentLength;
        Counter verdict;
        final Outer outer = new Outer();
    }

    private final Vtep vtep;
    private final UnsafeBuffer frames;
    private final UnderlaySender sender;
    private final Counters counters;
    private final Capture capture;
    private final Segmenter segmenter = new Segmenter();
    private final OffHeap memory = OffHeap.takeUnwritten(ARENA_LENGTH);
    private final UnsafeBuffer arena = memory.buffer();
    private final UnsafeBuffer captured = new UnsafeBuffer(new byte[FrameSlab.MAX_FRAME_LENGTH]);
    private final Sighting sighting = new Sighting();
    private final UnderlaySender.FailureHandler onFailure = this::onSendFailure;
    private final Run[] runs = new Run[MAX_RUNS];
    private VtepConfig config;
    private TurnClock clock;
    private int runCount;
    /** Datagrams added since the last flush, and those of them that the sender said it could not send. */
    private int added;

    private int refused;
    private int arenaUsed;

    /** The outer headers of the frame added next, but for the destination; its caller's. */
    private Outer outer;

    private int mark;

    OutboundBatch(Vtep vtep, FrameSlab slab, UnderlaySender sender, AgentContext context) {
        this.vtep = vtep;
        this.frames = slab.buffer();
        this.sender = sender;
        this.counters = context.counters();
        this.capture = context.capture();
        for (int i = 0; i < runs.length; i++) {
            runs[i] = new Run();
        }
    }

    /** The configuration in force, and the turn's clock, for what is added until the next flush. */
    void begin(VtepConfig current, TurnClock turnClock) {
        config = current;
        clock = turnClock;
    }

    /**
     * The outer headers of the frame added next.
     *
     * @param chosen borrowed until that frame is added; the forwarding entry replaces its destination
     * @param vxlanMark as {@link VxlanHeader#put} has it
     */
    void outer(Outer chosen, int vxlanMark) {
        outer = chosen;
        mark = vxlanMark;
    }

    /**
     * Adds a plain frame, once for each remote.
     *
     * <p>If it throws, the datagrams added count as any others, and one more is expected: the caller counts what became of it.
     */
    void add(Frame frame, FdbLookup remotes) {
        boolean single = remotes.count() == 1;
        int copies = 0;
        try {
            for (; copies < remotes.count(); copies++) {
                addCopy(frame, remotes, copies, single);
            }
        } finally {
            countFurther(Counter.TX_REPLICATED, copies, remotes.count());
        }
    }

    /** Counts all but the first of the things that were begun: those that are done, and one more if it is not the end. */
    private void countFurther(Counter counter, int done, int all) {
        counters.add(counter, Math.min(done, all - 1));
    }

    private void addCopy(Frame frame, FdbLookup remotes, int remote, boolean single) {
        makeRoom(VxlanHeader.LENGTH);
        Run run = newRun(frame, remotes, remote);
        run.headersInArena = !single;
        run.headerOffset = single ? frame.offset() - VxlanHeader.LENGTH : takeArena(VxlanHeader.LENGTH);
        run.headerLength = VxlanHeader.LENGTH;
        run.payloadOffset = frame.offset();
        run.payloadLength = frame.length();
        run.segmentLength = frame.length();
        VxlanHeader.put(headers(run), run.headerOffset, vni(remotes, remote), mark);
        send(run, 1);
    }

    /**
     * Cuts a super-frame and adds its segments, for each remote. If it throws, it is as for {@link #add}.
     *
     * @return false, and nothing is added, if its headers are not what its virtio-net fields say
     */
    boolean addSuperFrame(Frame frame, FrameLayout layout, int gsoType, int gsoSize, FdbLookup remotes) {
        if (!segmenter.begin(frames, frame.offset(), frame.length(), layout, gsoType, gsoSize)) {
            return false;
        }
        boolean uncut = mayLeaveUncut(frame, layout, gsoType);
        int copies = 0;
        try {
            for (; copies < remotes.count(); copies++) {
                if (!uncut || !sendUncut(frame, layout, gsoType, gsoSize, remotes, copies)) {
                    addSegments(frame, remotes, copies);
                }
            }
        } finally {
            countFurther(Counter.TX_REPLICATED, copies, remotes.count());
        }
        return true;
    }

    /** A capture is to show what is on the wire. UDP has boundaries, which a receiver of uncut super-frames does not see. */
    private boolean mayLeaveUncut(Frame frame, FrameLayout layout, int gsoType) {
        return sender.sendsUncut()
                && gsoType != VirtioNetHeader.GSO_UDP_L4
                && layout.networkOffset() == frame.offset() + EthernetHeader.LENGTH
                && !capture.active();
    }

    /** What was added before leaves first; then the room in front of the frame is free for its VXLAN header. */
    private boolean sendUncut(
            Frame frame, FrameLayout layout, int gsoType, int gsoSize, FdbLookup remotes, int remote) {
        flush();
        int start = frame.offset() - VxlanHeader.LENGTH;
        VxlanHeader.put(frames, start, vni(remotes, remote), mark);
        sender.to(outer.remote(remotes.high(remote), remotes.low(remote), port(remotes, remote)), 0);
        boolean left = sender.sendUncut(
                frames.addressOffset() + start,
                VxlanHeader.LENGTH + frame.length(),
                gsoType,
                gsoSize,
                layout.transportOffset() - frame.offset(),
                segmenter.headerLength());
        if (left) {
            counters.increment(Counter.TX_SENT);
            counters.increment(Counter.TX_UNCUT);
        }
        return left;
    }

    private void addSegments(Frame frame, FdbLookup remotes, int remote) {
        int first = 0;
        try {
            while (first < segmenter.segments()) {
                first += addSegments(frame, remotes, remote, first);
            }
        } finally {
            countFurther(Counter.TX_SEGMENTED, first, segmenter.segments());
        }
    }

    /** Adds as many segments as there is room for; returns how many. */
    private int addSegments(Frame frame, FdbLookup remotes, int remote, int first) {
        int headerLength = VxlanHeader.LENGTH + segmenter.headerLength();
        int stride = headerLength + HEADER_ALIGNMENT - 1 & -HEADER_ALIGNMENT;
        // In front of the frame, from where it gets into each segment's header.
        VxlanHeader.put(frames, frame.offset() - VxlanHeader.LENGTH, vni(remotes, remote), mark);
        makeRoom(stride);
        int room = Math.min(sender.room(), (ARENA_LENGTH - arenaUsed) / stride);
        int count = Math.min(segmenter.segments() - first, room);
        Run run = newRun(frame, remotes, remote);
        run.first &= first == 0;
        run.headersInArena = true;
        run.headerOffset = takeArena(count * stride);
        run.headerLength = headerLength;
        run.headerStride = stride;
        run.payloadOffset = segmenter.payloadOffset(first);
        run.payloadLength = segmenter.payloadLength(first, count);
        run.segmentLength = segmenter.payloadLength(first, 1);
        segmenter.writeHeaders(first, count, VxlanHeader.LENGTH, arena, run.headerOffset, stride);
        send(run, count);
        return count;
    }

    private UnsafeBuffer headers(Run run) {
        return run.headersInArena ? arena : frames;
    }

    private void send(Run run, int datagrams) {
        sender.add(
                headers(run).addressOffset() + run.headerOffset,
                run.headerLength,
                run.headerStride,
                frames.addressOffset() + run.payloadOffset,
                run.payloadLength,
                run.segmentLength);
        added += datagrams;
    }

    private int vni(FdbLookup remotes, int index) {
        int vni = remotes.vni(index);
        return vni == Remote.SAME_VNI ? config.vni() : vni;
    }

    private int port(FdbLookup remotes, int index) {
        int port = remotes.port(index);
        return port == 0 ? config.underlay().port() : port;
    }

    /** For one more run, of at least one datagram. */
    private void makeRoom(int headerLength) {
        if (runCount == MAX_RUNS || arenaUsed + headerLength > ARENA_LENGTH || sender.room() == 0) {
            flush();
        }
    }

    private int takeArena(int length) {
        int offset = arenaUsed;
        arenaUsed += length;
        return offset;
    }

    private Run newRun(Frame frame, FdbLookup remotes, int index) {
        Run run = runs[runCount];
        run.frameOffset = frame.offset();
        run.frameLength = frame.length();
        run.first = index == 0;
        run.outer.set(outer).remote(remotes.high(index), remotes.low(index), port(remotes, index));
        run.verdict = Counter.TX_SENT;
        sender.to(run.outer, runCount++);
        return run;
    }

    /**
     * Sends what was added; afterwards the frames are no longer needed. If the sender throws, what it did not report as not
     * sent counts as failed.
     */
    void flush() {
        if (runCount == 0) {
            return;
        }
        try {
            send();
            if (capture.active()) {
                for (int i = 0; i < runCount; i++) {
                    capture(runs[i]);
                }
            }
        } finally {
            runCount = 0;
            arenaUsed = 0;
        }
    }

    private void send() {
        int sent = 0;
        boolean returned = false;
        try {
            sent = sender.flush(onFailure);
            returned = true;
        } finally {
            counters.add(Counter.TX_SENT, sent);
            if (!returned) {
                counters.add(Counter.TX_AGENT_FAILED, added - refused);
            }
            added = 0;
            refused = 0;
        }
    }

    private void onSendFailure(int index, int errno) {
        refused++;
        Run run = runs[index];
        run.verdict = SendFailure.reason(errno);
        if (run.verdict != Counter.PKT_TOO_BIG) {
            vtep.sendErrno(errno);
        }
        counters.drop(run.verdict, frames, run.frameOffset, run.frameLength, clock.epochMillis());
    }

    private void capture(Run run) {
        if (run.first) {
            capture.frame(vtep.name(), true, run.verdict, frames, run.frameOffset, run.frameLength);
        }
        int header = run.headerOffset;
        for (int done = 0; done < run.payloadLength; done += run.segmentLength) {
            int payloadLength = Math.min(run.segmentLength, run.payloadLength - done);
            captured.putBytes(0, headers(run), header, run.headerLength);
            captured.putBytes(run.headerLength, frames, run.payloadOffset + done, payloadLength);
            captureDatagram(run, run.headerLength + payloadLength);
            header += run.headerStride;
        }
    }

    private void captureDatagram(Run run, int length) {
        Outer sent = run.outer;
        sighting.of(vtep.name(), true)
                .source(
                        config.underlay().local().high(),
                        config.underlay().local().low(),
                        sender.sourcePort(sent.flowHash()))
                .destination(sent.remoteHigh(), sent.remoteLow(), sent.port())
                .tos(sent.tos());
        capture.datagram(sighting, run.verdict, captured, 0, length);
    }

    /** Gives the memory back. The sender is not closed. */
    @Override
    public void close() {
        memory.close();
    }
}
