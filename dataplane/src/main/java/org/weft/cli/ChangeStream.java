package org.weft.cli;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.weft.cli.DaemonErrors.Failure;

/** One {@code POST /v1} while it is being written: the daemon applies the first changes while the last are still parsed. */
final class ChangeStream {
    private static final int CHUNK = 1 << 16;

    /** A VTEP takes longer than an entry, and the daemon may have made none yet when all have been sent. */
    private static final Duration LINK = Duration.ofSeconds(1);

    private final DaemonErrors errors;
    private final ControlChannel channel;
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    private Duration limit;
    private boolean refused;
    private SocketTimeoutException silence;

    /**
     * Begins the request.
     *
     * @param limit how long the daemon may need for one change; zero for any time
     * @param force whether the daemon continues behind a change that fails
     */
    ChangeStream(DaemonErrors errors, ControlChannel channel, Duration limit, boolean force) {
        this.errors = errors;
        this.channel = channel;
        this.limit = limit;
        write(("POST /v1" + (force ? "?force=true" : "") + " HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n"
                        + "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    }

    void add(JsonObject change) {
        if (!limit.isZero() && "link".equals(Printer.text(change, "object"))) {
            limit = limit.plus(LINK);
        }
        byte[] line = (change + "\n").getBytes(StandardCharsets.UTF_8);
        if (line.length > chunk.remaining()) {
            writeChunk();
        }
        if (line.length > chunk.remaining()) {
            writeChunk(line, line.length);
        } else {
            chunk.put(line);
        }
    }

    /** Ends the request, returns its failures and passes its warnings on. */
    List<Failure> finish() {
        try (channel) {
            writeChunk();
            write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            if (silence != null) {
                throw silence;
            }
            channel.limit(limit);
            try (HttpAnswer answer = HttpAnswer.read(channel)) {
                return errors.failures(answer);
            }
        } catch (IOException e) {
            throw errors.brokenOff(e);
        }
    }

    private void writeChunk() {
        if (chunk.position() > 0) {
            writeChunk(chunk.array(), chunk.position());
            chunk.clear();
        }
    }

    private void writeChunk(byte[] bytes, int length) {
        write((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        write(ByteBuffer.wrap(bytes, 0, length));
        write("\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    private void write(byte[] bytes) {
        write(ByteBuffer.wrap(bytes));
    }

    /** A daemon that reads no further has answered already, and says why there. */
    private void write(ByteBuffer bytes) {
        try {
            while (!refused && bytes.hasRemaining()) {
                channel.limit(limit);
                channel.write(bytes);
            }
        } catch (SocketTimeoutException e) {
            silence = e;
            refused = true;
        } catch (IOException e) {
            refused = true;
        }
    }
}
