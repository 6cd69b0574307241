package org.weft.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.weft.encap.IpAddress;

/**
 * What one receive of the underlay socket brings: a datagram, or several that the kernel has merged.
 *
 * @param segmentLength of each datagram but the last
 */
record Message(byte[] payload, IpAddress source, int tos, int segmentLength) {
    /** The kernel merges fewer; where there is no room for so many, agents must drop them. */
    static final int MOST_DATAGRAMS = 200;

    List<byte[]> datagrams() {
        List<byte[]> datagrams = new ArrayList<>();
        int from = 0;
        do {
            int to = Math.min(payload.length, from + segmentLength);
            datagrams.add(Arrays.copyOfRange(payload, from, to));
            from = to;
        } while (from < payload.length);
        return datagrams;
    }

    @Override
    public String toString() {
        return "message from " + source + " tos " + tos + " segment " + segmentLength + " "
                + HexFormat.of().formatHex(payload);
    }
}
