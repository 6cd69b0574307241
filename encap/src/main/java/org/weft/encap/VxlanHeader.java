package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A VXLAN header (RFC 7348) with the group policy extension (draft-smith-vxlan-group-policy).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |G|R|R|R|I|R|R|R|R|D|R|R|A|R|R|R|        Group policy id        |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |            VXLAN network identifier (VNI)     |   Reserved    |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *  G  the group policy id is valid        D  the receiver should not learn from this packet
 *  I  the VNI is valid                    A  policy was applied already
 * </pre>
 *
 * <p>On the receive path, read the header once with {@link #word} and ask the static functions of that {@code long}.
 *
 * <p>A <em>mark</em> is what the kernel keeps in {@code skb->mark}: the id in the low 16 bits, D as 0x400000, A as 0x080000.
 * Those are the places the three have in the flags word, so mark and word differ by a mask.
 */
public final class VxlanHeader {
    public static final int LENGTH = 8;

    public static final int FLAG_G = 0x8000_0000;
    public static final int FLAG_I = 0x0800_0000;
    public static final int FLAG_D = 0x0040_0000;
    public static final int FLAG_A = 0x0008_0000;

    /** The bits of a mark that a header carries: group policy id, D and A (kernel: VXLAN_GBP_MASK). */
    public static final int MARK_MASK = FLAG_D | FLAG_A | 0xffff;

    /** Bits of {@link #word} that must be 0 for a plain device: all but I and the VNI (kernel: reserved_bits, 6.14). */
    public static final long RESERVED_PLAIN = 0xf7ff_ffff_0000_00ffL;

    /** Bits of {@link #word} that must be 0 for a GBP device: also G and the whole of bytes 1 to 3 are allowed. */
    public static final long RESERVED_GBP = 0x7700_0000_0000_00ffL;

    private static final int FLAGS_OFFSET = 0;
    private static final int VNI_OFFSET = FLAGS_OFFSET + 4;

    private UnsafeBuffer buffer;
    private int offset;

    /** {@link #LENGTH}, or {@link EthernetHeader#INVALID} if it is cut. What the flags must be depends on the device. */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        return length >= LENGTH ? LENGTH : INVALID;
    }

    /** The header as one number: flags word in the high half, VNI word in the low one. */
    public static long word(UnsafeBuffer buffer, int offset) {
        return buffer.getLong(offset, BIG_ENDIAN);
    }

    /** Whether the I flag is set; without it the kernel drops the packet (VXLAN_INVALID_HDR). */
    public static boolean hasVni(long word) {
        return (word & (long) FLAG_I << 32) != 0;
    }

    /** Whether the G flag is set. */
    public static boolean hasGroupPolicy(long word) {
        return word < 0;
    }

    /** Whether no bit of {@code reserved} ({@link #RESERVED_PLAIN} or {@link #RESERVED_GBP}) is set. */
    public static boolean isReservedClear(long word, long reserved) {
        return (word & reserved) == 0;
    }

    /** 24 bits. */
    public static int vni(long word) {
        return (int) word >>> 8;
    }

    /** 16 bits; means something only with G. */
    public static int groupPolicyId(long word) {
        return (int) (word >>> 32) & 0xffff;
    }

    /** The mark a GBP device of the kernel gives the packet (vxlan_parse_gbp_hdr); means something only with G. */
    public static int mark(long word) {
        return (int) (word >>> 32) & MARK_MASK;
    }

    /** Writes a plain header: I and the VNI. */
    public static void put(UnsafeBuffer buffer, int offset, int vni) {
        buffer.putLong(offset, (long) FLAG_I << 32 | (vni & 0xff_ffffL) << 8, BIG_ENDIAN);
    }

    /**
     * Writes what a GBP device of the kernel would send (vxlan_build_gbp_hdr).
     *
     * @param mark a group policy id, or one with D and A; of other bits only this counts: the header is plain if the whole mark
     *     is 0, and otherwise has G, be the id 0 or not
     */
    public static void put(UnsafeBuffer buffer, int offset, int vni, int mark) {
        int flags = mark == 0 ? FLAG_I : FLAG_G | FLAG_I | mark & MARK_MASK;
        buffer.putLong(offset, (long) flags << 32 | (vni & 0xff_ffffL) << 8, BIG_ENDIAN);
    }

    public VxlanHeader wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    /** The first four bytes. */
    public int flagsWord() {
        return buffer.getInt(offset + FLAGS_OFFSET, BIG_ENDIAN);
    }

    /** Writes flags, reserved bits and group policy id. */
    public VxlanHeader flagsWord(int flagsWord) {
        buffer.putInt(offset + FLAGS_OFFSET, flagsWord, BIG_ENDIAN);
        return this;
    }

    /** The last four bytes. */
    public int vniWord() {
        return buffer.getInt(offset + VNI_OFFSET, BIG_ENDIAN);
    }

    public boolean hasVni() {
        return (flagsWord() & FLAG_I) != 0;
    }

    public boolean hasGroupPolicy() {
        return (flagsWord() & FLAG_G) != 0;
    }

    public boolean dontLearn() {
        return (flagsWord() & FLAG_D) != 0;
    }

    public boolean policyApplied() {
        return (flagsWord() & FLAG_A) != 0;
    }

    public int groupPolicyId() {
        return flagsWord() & 0xffff;
    }

    public int vni() {
        return vniWord() >>> 8;
    }

    /** Writes the VNI and 0 in the reserved byte. */
    public VxlanHeader vni(int vni) {
        buffer.putInt(offset + VNI_OFFSET, vni << 8, BIG_ENDIAN);
        return this;
    }
}
