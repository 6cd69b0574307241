package org.weft.encap;

/** MAC addresses as the low 48 bits of a {@code long}, first byte highest: {@code ee:ee:0a:ff:63:00} is 0xeeee0aff6300. */
public final class MacAddress {
    public static final int LENGTH = 6;
    public static final long BROADCAST = 0xffff_ffff_ffffL;

    private MacAddress() {}

    /**
     * Reads six pairs of hexadecimal digits with colons between.
     *
     * @throws IllegalArgumentException in one sentence, if it is anything else
     */
    public static long parse(String text) {
        long mac = 0;
        boolean wellFormed = text.length() == 17;
        for (int i = 0; wellFormed && i < 17; i++) {
            if (i % 3 == 2) {
                wellFormed = text.charAt(i) == ':';
            } else {
                int digit = text.charAt(i) < 0x80 ? Character.digit(text.charAt(i), 16) : -1;
                wellFormed = digit >= 0;
                mac = mac << 4 | digit;
            }
        }
        if (!wellFormed) {
            throw new IllegalArgumentException("\"" + text + "\" is not a MAC address such as ee:ee:0a:ff:63:00");
        }
        return mac;
    }

    /** Lower-case hexadecimal with colons, as {@code ip} prints it. */
    public static String toString(long mac) {
        char[] text = new char[17];
        for (int i = 0; i < LENGTH; i++) {
            int octet = (int) (mac >>> 40 - 8 * i) & 0xff;
            text[3 * i] = Character.forDigit(octet >> 4, 16);
            text[3 * i + 1] = Character.forDigit(octet & 0xf, 16);
            if (i < LENGTH - 1) {
                text[3 * i + 2] = ':';
            }
        }
        return new String(text);
    }

    /** Whether the group bit is set; true of broadcast too. */
    public static boolean isMulticast(long mac) {
        return (mac & 0x0100_0000_0000L) != 0;
    }

    /** Whether it can be the source of a frame: neither multicast nor all zeros (kernel: is_valid_ether_addr). */
    public static boolean isValidSource(long mac) {
        return mac != 0 && !isMulticast(mac);
    }
}
