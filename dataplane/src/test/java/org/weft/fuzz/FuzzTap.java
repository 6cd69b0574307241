package org.weft.fuzz;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;

/** A TAP that now and then fails. As the real one does, it writes its header over the bytes in front of each frame. */
final class FuzzTap implements TapDevice {
    /** A frame that was written; {@code errno} is 0 if the host got it. */
    record Written(
            byte[] frame,
            int flags,
            int gsoType,
            int headers,
            int gsoSize,
            int checksumStart,
            int checksumOffset,
            int errno) {
        @Override
        public String toString() {
            return "written with flags " + flags + " gso " + gsoType + "/" + gsoSize + " headers " + headers
                    + " checksum " + checksumStart + "+" + checksumOffset + " errno " + errno + " "
                    + HexFormat.of().formatHex(frame);
        }
    }

    private static final int HEADER_LENGTH = 10;
    private static final byte[] OVERWRITTEN = new byte[16];

    private final Deque<Outgoing> fromHost = new ArrayDeque<>();
    private final List<Written> written = new ArrayList<>();
    private final Faults faults;

    FuzzTap(Faults faults) {
        this.faults = faults;
    }

    void hostSends(Outgoing frame) {
        fromHost.add(frame);
    }

    boolean isEmpty() {
        return fromHost.isEmpty();
    }

    /** What was written since the last call. */
    List<Written> written() {
        List<Written> all = List.copyOf(written);
        written.clear();
        return all;
    }

    @Override
    public String name() {
        return "fuzz";
    }

    @Override
    public Offloads offloads() {
        return new Offloads(true, true, true, true);
    }

    @Override
    public int read(Frame frame) {
        faults.perhapsCrash();
        int errno = faults.errno();
        if (errno != 0 || fromHost.isEmpty()) {
            return -errno;
        }
        Outgoing next = fromHost.remove();
        frame.buffer().putBytes(frame.start() - HEADER_LENGTH, OVERWRITTEN, 0, HEADER_LENGTH);
        frame.buffer().putBytes(frame.start(), next.frame());
        frame.offset(frame.start())
                .length(next.frame().length)
                .vnet(next.flags(), next.gsoType(), 0, next.gsoSize(), next.checksumStart(), next.checksumOffset());
        return next.frame().length;
    }

    @Override
    public int write(Frame frame) {
        faults.perhapsCrash();
        byte[] bytes = new byte[frame.length()];
        frame.buffer().getBytes(frame.offset(), bytes);
        int errno = faults.errno();
        written.add(new Written(
                bytes,
                frame.vnetFlags(),
                frame.gsoType(),
                frame.headersLength(),
                frame.gsoSize(),
                frame.checksumStart(),
                frame.checksumOffset(),
                errno));
        frame.buffer().putBytes(frame.offset() - OVERWRITTEN.length, OVERWRITTEN);
        return errno == 0 ? bytes.length : -errno;
    }

    @Override
    public void close() {}
}
