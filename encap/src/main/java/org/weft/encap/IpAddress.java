package org.weft.encap;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * An IPv4 or IPv6 address as 128 bits, IPv4 as {@code ::ffff:a.b.c.d}, so that tables and devices need one form only.
 *
 * @param high the first 64 bits
 * @param low the last 64 bits
 */
public record IpAddress(long high, long low) {
    /** What the low 64 bits of a mapped IPv4 address start with. */
    public static final long IPV4_PREFIX = 0xffff_0000_0000L;

    public static final IpAddress ANY_IPV4 = ofIpv4(0);
    public static final IpAddress ANY_IPV6 = new IpAddress(0, 0);

    /** The low 64 bits of an IPv4 address given in host byte order; the high ones are 0. */
    public static long ipv4Low(int address) {
        return IPV4_PREFIX | address & 0xffff_ffffL;
    }

    public static IpAddress ofIpv4(int address) {
        return new IpAddress(0, ipv4Low(address));
    }

    public static boolean isIpv4(long high, long low) {
        return high == 0 && low >>> 32 == 0xffffL;
    }

    /**
     * Reads a numeric address; names are never looked up.
     *
     * @throws IllegalArgumentException in one sentence, if it is not one
     */
    public static IpAddress parse(String text) {
        long ipv4 = parseIpv4(text);
        if (ipv4 >= 0) {
            return ofIpv4((int) ipv4);
        }
        if (!text.matches("[0-9a-fA-F:]*:[0-9a-fA-F:.]*")) {
            throw notAnAddress(text);
        }
        try {
            byte[] bytes = InetAddress.getByName(text).getAddress();
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return bytes.length == 4 ? ofIpv4(buffer.getInt()) : new IpAddress(buffer.getLong(), buffer.getLong());
        } catch (UnknownHostException e) {
            throw notAnAddress(text);
        }
    }

    /**
     * Four numbers up to 255 without leading zeros and with dots between, in host byte order; -1 if it is not that. Strict:
     * {@code InetAddress} would look 10.0.0.256 up as a name, and read 010 as 10 where others read 8.
     */
    private static long parseIpv4(String text) {
        long address = 0;
        int octet = -1;
        int dots = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '.' && octet >= 0 && dots < 3) {
                address = address << 8 | octet;
                octet = -1;
                dots++;
            } else if (c >= '0' && c <= '9' && octet != 0) {
                octet = Math.max(octet, 0) * 10 + c - '0';
                if (octet > 255) {
                    return -1;
                }
            } else {
                return -1;
            }
        }
        return dots == 3 && octet >= 0 ? address << 8 | octet : -1;
    }

    private static IllegalArgumentException notAnAddress(String text) {
        return new IllegalArgumentException("\"" + text + "\" is not an IP address such as 10.0.16.14 or 2001:db8::1");
    }

    public boolean isIpv4() {
        return isIpv4(high, low);
    }

    /** The IPv4 address in host byte order; only for an IPv4 address. */
    public int ipv4() {
        return (int) low;
    }

    /** 0.0.0.0 or ::. */
    public boolean isAny() {
        return equals(ANY_IPV4) || equals(ANY_IPV6);
    }

    public boolean isMulticast() {
        return isIpv4() ? (low >>> 28 & 0xf) == 0xe : high >>> 56 == 0xff;
    }

    /** An address of 127.0.0.0/8, or ::1. */
    public boolean isLoopback() {
        return isIpv4() ? (low >>> 24 & 0xff) == 127 : high == 0 && low == 1;
    }

    /** 255.255.255.255. */
    public boolean isBroadcast() {
        return isIpv4() && (int) low == -1;
    }

    /** 32 or 128. */
    public int bits() {
        return isIpv4() ? 32 : 128;
    }

    /** As {@code ip} prints it: dotted, or IPv6 with the longest run of zeros left out (RFC 5952). */
    @Override
    public String toString() {
        if (isIpv4()) {
            int a = ipv4();
            return (a >>> 24) + "." + (a >>> 16 & 0xff) + "." + (a >>> 8 & 0xff) + "." + (a & 0xff);
        }
        return ipv6Text();
    }

    private String ipv6Text() {
        int runStart = -1;
        int runLength = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && group(end) == 0) {
                end++;
            }
            if (end - i > runLength) {
                runStart = i;
                runLength = end - i;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == runStart) {
                text.append("::");
                i += runLength - 1;
            } else {
                if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                    text.append(':');
                }
                text.append(Integer.toHexString(group(i)));
            }
        }
        return text.toString();
    }

    private int group(int index) {
        return (int) ((index < 4 ? high : low) >>> 48 - 16 * (index & 3)) & 0xffff;
    }

    /** As the JDK's type, for sockets; an IPv4-mapped address becomes an IPv4 one. */
    public InetAddress toInetAddress() {
        try {
            if (isIpv4()) {
                return InetAddress.getByAddress(
                        ByteBuffer.allocate(4).putInt(ipv4()).array());
            }
            return Inet6Address.getByAddress(
                    null, ByteBuffer.allocate(16).putLong(high).putLong(low).array(), -1);
        } catch (UnknownHostException e) {
            throw new AssertionError("4 or 16 bytes are always an address", e);
        }
    }
}
