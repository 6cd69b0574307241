package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The ones' complement checksum of IP, UDP, TCP and ICMPv6 (RFC 1071).
 *
 * <p>A <em>partial sum</em> is an unfolded sum of 16-bit words in network order, not complemented; start with 0. Partial sums
 * of pieces may be added as long as every piece but the last has an even length. There is no overflow below 2^40 pieces.
 */
public final class InternetChecksum {
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final long LOW_HALF = 0xffff_ffffL;
    /** Where the upper half of a word in native order is. */
    private static final int UPPER = LITTLE_ENDIAN ? Integer.BYTES : 0;

    private static final int STRIDE = 64;

    private InternetChecksum() {}

    /**
     * Adds bytes to a partial sum; of an odd last byte, as if a 0 followed. Any alignment, heap or direct.
     *
     * @throws IndexOutOfBoundsException if they are not all in the buffer (unless Agrona's bounds checks are off)
     */
    public static long sum(UnsafeBuffer buffer, int offset, int length, long partial) {
        if (UnsafeBuffer.SHOULD_BOUNDS_CHECK) {
            buffer.boundsCheck(offset, length);
        }
        return sum(buffer.byteArray(), buffer.addressOffset() + offset, length, partial);
    }

    /**
     * One bounds check per call instead of one per word. Of each 64-bit word the whole is added to a sum that may wrap, and its
     * upper half to another that does not; the sum of the lower halves follows from the two. That takes two loads and two
     * additions a word, and no masks: nearly twice as fast as splitting every word.
     */
    private static long sum(byte[] base, long address, int length, long partial) {
        long wordsA = 0;
        long wordsB = 0;
        long upperA = 0;
        long upperB = 0;
        int position = 0;
        for (int end = length & -STRIDE; position < end; position += STRIDE) {
            long at = address + position;
            wordsA += UnsafeApi.getLong(base, at);
            upperA += UnsafeApi.getInt(base, at + UPPER) & LOW_HALF;
            wordsB += UnsafeApi.getLong(base, at + 8);
            upperB += UnsafeApi.getInt(base, at + 8 + UPPER) & LOW_HALF;
            wordsA += UnsafeApi.getLong(base, at + 16);
            upperA += UnsafeApi.getInt(base, at + 16 + UPPER) & LOW_HALF;
            wordsB += UnsafeApi.getLong(base, at + 24);
            upperB += UnsafeApi.getInt(base, at + 24 + UPPER) & LOW_HALF;
            wordsA += UnsafeApi.getLong(base, at + 32);
            upperA += UnsafeApi.getInt(base, at + 32 + UPPER) & LOW_HALF;
            wordsB += UnsafeApi.getLong(base, at + 40);
            upperB += UnsafeApi.getInt(base, at + 40 + UPPER) & LOW_HALF;
            wordsA += UnsafeApi.getLong(base, at + 48);
            upperA += UnsafeApi.getInt(base, at + 48 + UPPER) & LOW_HALF;
            wordsB += UnsafeApi.getLong(base, at + 56);
            upperB += UnsafeApi.getInt(base, at + 56 + UPPER) & LOW_HALF;
        }
        for (int end = length & -Long.BYTES; position < end; position += Long.BYTES) {
            wordsA += UnsafeApi.getLong(base, address + position);
            upperA += UnsafeApi.getInt(base, address + position + UPPER) & LOW_HALF;
        }
        long upper = upperA + upperB;
        long lower = wordsA + wordsB - (upper << 32);
        return partial + tail(base, address + position, length & 7, upper + lower);
    }

    /** Adds the last 0 to 7 bytes to a sum in native order, and turns it into one in network order. */
    private static long tail(byte[] base, long address, int length, long nativeSum) {
        long sum = nativeSum;
        long position = address;
        if ((length & 4) != 0) {
            sum += UnsafeApi.getInt(base, position) & LOW_HALF;
            position += 4;
        }
        if ((length & 2) != 0) {
            sum += UnsafeApi.getShort(base, position) & 0xffff;
            position += 2;
        }
        int folded = fold(sum);
        // RFC 1071 section 2 (B): the sum is the same in either byte order, but for a swap at the end.
        int network = LITTLE_ENDIAN ? Short.reverseBytes((short) folded) & 0xffff : folded;
        return (length & 1) == 0 ? network : network + ((UnsafeApi.getByte(base, position) & 0xff) << 8);
    }

    /** Folds a partial sum to 16 bits; not complemented. 0 only if every byte was 0. */
    public static int fold(long partial) {
        long sum = (partial & LOW_HALF) + (partial >>> 32);
        sum = (sum & 0xffff) + (sum >>> 16 & 0xffff) + (sum >>> 32);
        return (int) ((sum & 0xffff) + (sum >>> 16));
    }

    /** The checksum field for a partial sum: folded and complemented. Verifying over the field as well gives 0. */
    public static int finish(long partial) {
        return ~fold(partial) & 0xffff;
    }

    /** As {@link #finish}, but 0xffff instead of 0, which in UDP means "no checksum" (RFC 768). */
    public static int finishNonZero(long partial) {
        int checksum = finish(partial);
        return checksum == 0 ? 0xffff : checksum;
    }

    /** The checksum of bytes by themselves; 0 if they contain their right checksum. */
    public static int of(UnsafeBuffer buffer, int offset, int length) {
        return finish(sum(buffer, offset, length, 0));
    }

    /**
     * Partial sum of the IPv4 pseudo-header (RFC 768, RFC 9293).
     *
     * @param length of transport header and payload
     */
    public static long pseudoHeaderIpv4(int source, int destination, int protocol, int length) {
        return (source >>> 16)
                + (source & 0xffff)
                + (destination >>> 16)
                + (destination & 0xffff)
                + protocol
                + (long) length;
    }

    /**
     * Partial sum of the IPv6 pseudo-header (RFC 8200 section 8.1).
     *
     * @param length of transport header and payload
     */
    public static long pseudoHeaderIpv6(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int protocol, int length) {
        return halves(sourceHigh)
                + halves(sourceLow)
                + halves(destinationHigh)
                + halves(destinationLow)
                + protocol
                + length;
    }

    private static long halves(long word) {
        return (word & LOW_HALF) + (word >>> 32);
    }

    /** The pseudo-header of the IPv4 header at an offset. */
    public static long pseudoHeaderIpv4(UnsafeBuffer buffer, int networkOffset, int protocol, int length) {
        return pseudoHeaderIpv4(
                Ipv4Header.sourceAddress(buffer, networkOffset),
                Ipv4Header.destinationAddress(buffer, networkOffset),
                protocol,
                length);
    }

    /** The pseudo-header of the IPv6 header at an offset. */
    public static long pseudoHeaderIpv6(UnsafeBuffer buffer, int networkOffset, int protocol, int length) {
        return pseudoHeaderIpv6(
                Ipv6Header.sourceHigh(buffer, networkOffset),
                Ipv6Header.sourceLow(buffer, networkOffset),
                Ipv6Header.destinationHigh(buffer, networkOffset),
                Ipv6Header.destinationLow(buffer, networkOffset),
                protocol,
                length);
    }

    /**
     * The checksum after one 16-bit word changed: RFC 1624 equation 3, HC' = ~(~HC + ~m + m'), which unlike RFC 1141 never makes
     * 0xffff (-0) of a checksum that is 0.
     */
    public static int update(int checksum, int oldWord, int newWord) {
        return finish((~checksum & 0xffff) + (~oldWord & 0xffff) + (newWord & 0xffff));
    }

    /**
     * Completes the checksum of a frame that {@link VirtioNetHeader#FLAG_NEEDS_CHECKSUM} marks: the field holds the sum of the
     * pseudo-header. A result of 0 is written as 0xffff, for UDP's sake, whatever the protocol (kernel: skb_checksum_help).
     *
     * @param start where summing starts, counted from the frame's first byte
     * @param field where the checksum is, counted from {@code start}
     * @return false, and nothing is written, if the two do not lie inside the frame
     */
    public static boolean complete(UnsafeBuffer buffer, int offset, int length, int start, int field) {
        if (start < 0 || field < 0 || (long) start + field + 2 > length) {
            return false;
        }
        int checksum = finishNonZero(sum(buffer, offset + start, length - start, 0));
        buffer.putShort(offset + start + field, (short) checksum, BIG_ENDIAN);
        return true;
    }
}
