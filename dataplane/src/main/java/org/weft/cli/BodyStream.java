package org.weft.cli;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The body of an HTTP message: of known length, or in chunks (RFC 9112 sections 6.2 and 7.1). */
final class BodyStream extends InputStream {
    private final InputStream in;
    private final boolean chunked;
    /** Of the body, or of the current chunk. */
    private long remaining;

    private boolean begun;
    private boolean ended;

    private BodyStream(InputStream in, boolean chunked, long length) {
        this.in = in;
        this.chunked = chunked;
        this.remaining = length;
    }

    static InputStream ofLength(InputStream in, long length) {
        return new BodyStream(in, false, length);
    }

    static InputStream chunked(InputStream in) {
        return new BodyStream(in, true, 0);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (remaining == 0 && !nextChunk()) {
            return -1;
        }
        int count = in.read(bytes, offset, (int) Math.min(length, remaining));
        if (count < 0) {
            throw new EOFException("the answer is cut short");
        }
        remaining -= count;
        return count;
    }

    private boolean nextChunk() throws IOException {
        if (!chunked || ended) {
            return false;
        }
        if (begun) {
            HttpLine.read(in);
        }
        begun = true;
        remaining = chunkLength(HttpLine.read(in));
        if (remaining > 0) {
            return true;
        }
        ended = true;
        while (!HttpLine.read(in).isEmpty()) {
            // trailers say nothing we use
        }
        return false;
    }

    private static long chunkLength(String line) throws IOException {
        int end = line.indexOf(';');
        String digits = (end < 0 ? line : line.substring(0, end)).strip();
        try {
            return Long.parseLong(digits, 16);
        } catch (NumberFormatException e) {
            throw new IOException("\"" + digits + "\" is not the length of a chunk", e);
        }
    }
}
