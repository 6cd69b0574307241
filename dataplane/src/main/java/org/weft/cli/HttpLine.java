package org.weft.cli;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** Reads the lines of an HTTP/1.1 message: its head, and the lengths of its chunks. */
public final class HttpLine {
    private static final int MAX_LENGTH = 8192;

    private HttpLine() {}

    /**
     * Reads a line of at most 8192 bytes.
     *
     * @return the line without its line end
     * @throws EOFException if the stream ends before the line does
     */
    public static String read(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new EOFException("the answer is cut short");
            }
            if (line.length() == MAX_LENGTH) {
                throw new IOException("the answer is not HTTP");
            }
            line.append((char) octet);
        }
        int end = line.length();
        return line.substring(0, end > 0 && line.charAt(end - 1) == '\r' ? end - 1 : end);
    }
}
