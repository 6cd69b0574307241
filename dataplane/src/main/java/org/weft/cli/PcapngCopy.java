package org.weft.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Copies a pcapng stream block by block (draft-ietf-opsawg-pcapng section 3), so that what is written is whole
 * whenever it ends, and counts its packets.
 */
final class PcapngCopy {
    private static final int SECTION_HEADER = 0x0a0d0d0a;
    private static final int BYTE_ORDER_MAGIC = 0x1a2b3c4d;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;
    private static final int OPTION_IFDROP = 5;
    private static final int STATISTICS_OPTIONS_OFFSET = 20;
    private static final int MAX_BLOCK = 1 << 24;

    /** How long the daemon has to write the end of a capture that was interrupted. */
    private static final long PATIENCE_MILLIS = 1000;

    private final HttpAnswer answer;
    private final InputStream in;
    private final OutputStream out;
    private final PrintStream err;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Map<Integer, Long> lostAtInterface = new HashMap<>();
    private ByteBuffer block = ByteBuffer.allocate(1 << 17).order(ByteOrder.LITTLE_ENDIAN);
    private long packets;
    private volatile boolean interrupted;

    PcapngCopy(HttpAnswer answer, OutputStream out, PrintStream err) {
        this.answer = answer;
        this.in = answer.body();
        this.out = out;
        this.err = err;
    }

    /** Copies until the daemon ends, or the reader of the output goes, or SIGINT or SIGTERM comes. */
    int run() throws IOException {
        Thread hook = new Thread(this::interrupt, "interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
        try (answer) {
            copy();
        } finally {
            summary();
            finished.countDown();
            if (!interrupted) {
                removeHook(hook);
            }
        }
        return 0;
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            Thread.yield(); // the hook runs already, and ends the process
        }
    }

    private void copy() throws IOException {
        while (nextBlock()) {
            try {
                out.write(block.array(), 0, block.limit());
                if (in.available() == 0) {
                    out.flush();
                }
            } catch (IOException e) {
                return; // a reader that has seen enough, such as head or tshark -c
            }
            count();
        }
        out.flush();
    }

    /** Reads a whole block, or returns false at the end; a block that is cut short is left out. */
    private boolean nextBlock() throws IOException {
        try {
            int head = in.readNBytes(block.array(), 0, 12);
            if (head < 12) {
                return false;
            }
            if (block.getInt(0) == SECTION_HEADER && block.getInt(8) != BYTE_ORDER_MAGIC) {
                block.order(block.order() == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            }
            int length = block.getInt(4);
            if (length < 12 || length > MAX_BLOCK) {
                throw new IOException("the answer is not pcapng");
            }
            makeRoom(length);
            block.limit(length);
            return in.readNBytes(block.array(), 12, length - 12) == length - 12;
        } catch (IOException e) {
            if (interrupted) {
                return false;
            }
            throw e;
        }
    }

    private void makeRoom(int length) {
        block.clear();
        if (length > block.capacity()) {
            block = ByteBuffer.allocate(length).order(block.order()).put(block.array(), 0, 12);
            block.clear();
        }
    }

    private void count() {
        int type = block.getInt(0);
        if (type == ENHANCED_PACKET) {
            packets++;
        } else if (type == INTERFACE_STATISTICS) {
            statistics();
        }
    }

    private void statistics() {
        int end = block.limit() - 4;
        for (int at = STATISTICS_OPTIONS_OFFSET; at + 4 <= end; ) {
            int code = block.getShort(at) & 0xffff;
            int length = block.getShort(at + 2) & 0xffff;
            if (code == OPTION_IFDROP && length == Long.BYTES && at + 12 <= end) {
                lostAtInterface.put(block.getInt(8), block.getLong(at + 4));
            }
            at += 4 + (length + 3 & ~3);
        }
    }

    private void summary() {
        long lost = lostAtInterface.values().stream().mapToLong(Long::longValue).sum();
        err.println(packets + " packets captured" + (lostAtInterface.isEmpty() ? "" : ", " + lost + " lost"));
    }

    /** On a signal: lets the daemon end the file, and then ends the process as a success. */
    private void interrupt() {
        interrupted = true;
        try {
            answer.stop();
            if (!finished.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                answer.close();
                finished.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            }
            out.flush();
            Runtime.getRuntime().halt(0);
        } catch (IOException | InterruptedException e) {
            Runtime.getRuntime().halt(1);
        }
    }
}
