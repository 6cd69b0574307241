package org.weft.encap.offload;

import java.util.Arrays;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/**
 * Which bits two headers must have in common to belong to one super-frame. One pass over masked words costs half of comparing
 * field by field (OffloadBenchmark).
 */
final class HeaderMask {
    /** No longer headers can be compared. */
    static final int MAX_LENGTH = Segmenter.MAX_HEADER_LENGTH;

    private static final int WORD = Long.BYTES;
    private static final int TCP_FREE_FLAGS = TcpHeader.PSH | TcpHeader.FIN | TcpHeader.CWR;

    private final byte[] bytes = new byte[MAX_LENGTH];
    private final long address = new UnsafeBuffer(bytes).addressOffset();
    private int network;
    private int transport;
    private int length;
    private boolean ipv4;
    private boolean tcp;

    /** Says what the headers look like; offsets count from the first byte of the frame. Cheap if nothing changes. */
    void shape(int network, int transport, int length, boolean ipv4, boolean tcp) {
        boolean same = this.network == network
                && this.transport == transport
                && this.length == length
                && this.ipv4 == ipv4
                && this.tcp == tcp;
        if (!same) {
            this.network = network;
            this.transport = transport;
            this.length = length;
            this.ipv4 = ipv4;
            this.tcp = tcp;
            build();
        }
    }

    private void build() {
        Arrays.fill(bytes, (byte) 0xff);
        if (ipv4) {
            free(network + HeaderFields.IPV4_TOTAL_LENGTH, 2);
            free(network + HeaderFields.IPV4_ID, 2);
            free(network + HeaderFields.IPV4_CHECKSUM, 2);
        } else {
            free(network + HeaderFields.IPV6_PAYLOAD_LENGTH, 2);
        }
        if (tcp) {
            free(transport + HeaderFields.TCP_SEQUENCE, 4);
            bytes[transport + HeaderFields.TCP_FLAGS + 1] = (byte) ~TCP_FREE_FLAGS;
            free(transport + TcpHeader.CHECKSUM_OFFSET, 2);
        } else {
            free(transport + HeaderFields.UDP_LENGTH, 2);
            free(transport + UdpHeader.CHECKSUM_OFFSET, 2);
        }
    }

    private void free(int from, int count) {
        Arrays.fill(bytes, from, from + count, (byte) 0);
    }

    /** Whether two headers of this shape are equal where they must be; the caller has checked the bounds. */
    boolean matches(byte[] a, long aAddress, byte[] b, long bAddress) {
        int last = length - WORD;
        long difference = (UnsafeApi.getLong(a, aAddress + last) ^ UnsafeApi.getLong(b, bAddress + last))
                & UnsafeApi.getLong(bytes, address + last);
        for (int i = 0; i < last; i += WORD) {
            difference |= (UnsafeApi.getLong(a, aAddress + i) ^ UnsafeApi.getLong(b, bAddress + i))
                    & UnsafeApi.getLong(bytes, address + i);
        }
        return difference == 0;
    }
}
