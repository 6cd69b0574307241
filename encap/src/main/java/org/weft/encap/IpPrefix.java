package org.weft.encap;

/**
 * An IP address and how many of its bits matter.
 *
 * @param address the address as written; bits beyond the length are kept
 * @param length 0 to 32 for IPv4, 0 to 128 for IPv6
 */
public record IpPrefix(IpAddress address, int length) {
    public IpPrefix {
        if (length < 0 || length > address.bits()) {
            throw new IllegalArgumentException(
                    "prefix length " + length + " of " + address + " is not in 0 to " + address.bits());
        }
    }

    /**
     * Reads {@code address/length}; without a length, the whole address.
     *
     * @throws IllegalArgumentException in one sentence, if it is neither
     */
    public static IpPrefix parse(String text) {
        int slash = text.indexOf('/');
        IpAddress address = IpAddress.parse(slash < 0 ? text : text.substring(0, slash));
        if (slash < 0) {
            return new IpPrefix(address, address.bits());
        }
        String length = text.substring(slash + 1);
        if (!length.matches("\\d{1,3}")) {
            throw new IllegalArgumentException("\"" + text + "\" is not a prefix such as 10.255.0.0/16");
        }
        return new IpPrefix(address, Integer.parseInt(length));
    }

    /** Whether an address, as {@link IpAddress} has it, begins with the bits that matter. */
    public boolean contains(long high, long low) {
        int bits = mappedLength();
        long highMask = bits == 0 ? 0 : -1L << Math.max(0, Long.SIZE - bits);
        long lowMask = bits <= Long.SIZE ? 0 : -1L << 2 * Long.SIZE - bits;
        return ((high ^ address.high()) & highMask) == 0 && ((low ^ address.low()) & lowMask) == 0;
    }

    /** The length counted in the 128 bits of {@link IpAddress}: an IPv4 /24 is 120. */
    public int mappedLength() {
        return length + 128 - address.bits();
    }

    @Override
    public String toString() {
        return length == address.bits() ? address.toString() : address + "/" + length;
    }
}
