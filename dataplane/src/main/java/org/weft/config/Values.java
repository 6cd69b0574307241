package org.weft.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** Reads single values as operators write them. Each throws IllegalArgumentException with one sentence. */
public final class Values {
    private static final int MAX_VNI = 0xff_ffff;
    private static final int MAX_NAME_LENGTH = 15;
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})([smh]?)");

    private static final Pattern PORTS = Pattern.compile("(\\d{1,9})(?: ?- ?(\\d{1,9}))?");

    private Values() {}

    /** A decimal number. */
    public static int integer(String text, int min, int max) {
        if (text.matches("\\d{1,18}")) {
            long value = Long.parseLong(text);
            if (value >= min && value <= max) {
                return (int) value;
            }
        }
        throw new IllegalArgumentException("\"" + text + "\" is not a number from " + min + " to " + max);
    }

    public static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("\"" + text + "\" is not true or false");
        };
    }

    /** As ethtool switches offloads; true and false will do as well. */
    public static boolean onOff(String text) {
        return switch (text) {
            case "on", "true" -> true;
            case "off", "false" -> false;
            default -> throw new IllegalArgumentException("\"" + text + "\" is not on or off");
        };
    }

    public static int vni(String text) {
        return integer(text, 0, MAX_VNI);
    }

    public static int port(String text) {
        return integer(text, 1, 0xffff);
    }

    /** A group policy id. */
    public static int tag(String text) {
        try {
            return integer(text, 1, 0xffff);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    e.getMessage() + ": the group policy extension carries 16 bits, and 0 is no tag", e);
        }
    }

    /** What a policy is about. */
    public static Protocol protocol(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "tcp" -> Protocol.TCP;
            case "udp" -> Protocol.UDP;
            case "icmp" -> Protocol.ICMP;
            default -> throw new IllegalArgumentException("\"" + text + "\" is not tcp, udp or icmp");
        };
    }

    /** The first and the last port of a range, which {@link org.weft.dataplane.policy.Policy} checks. */
    public static int[] ports(String text) {
        Matcher matcher = PORTS.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not a port such as 7777, or a range such as 7777-7779");
        }
        int first = Integer.parseInt(matcher.group(1));
        return new int[] {first, matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2))};
    }

    /** A MAC address that a host can have. */
    public static long hostMac(String text) {
        long mac = MacAddress.parse(text);
        if (!MacAddress.isValidSource(mac)) {
            throw new IllegalArgumentException(
                    text + (mac == 0 ? " is no host's address" : " is a multicast address, not a host's"));
        }
        return mac;
    }

    /** An address that a host can have. */
    public static IpAddress hostAddress(String text) {
        IpAddress address = IpAddress.parse(text);
        if (address.isAny()) {
            throw new IllegalArgumentException(text + " is no host's address");
        }
        if (address.isMulticast()) {
            throw new IllegalArgumentException(text + " is a multicast address, not a host's");
        }
        return address;
    }

    /** What is the VTEP's own is not stored, so that entries given either way are equal. */
    public static Remote remote(VtepConfig vtep, IpAddress address, int port, int vni) {
        return new Remote(
                address, port == vtep.underlay().port() ? 0 : port, vni == vtep.vni() ? Remote.SAME_VNI : vni);
    }

    /** The underlay address of a remote that this VTEP can send to. */
    public static IpAddress remoteAddress(String text, VtepConfig vtep) {
        IpAddress address = hostAddress(text);
        if (address.isIpv4() != vtep.underlay().local().isIpv4()) {
            throw new IllegalArgumentException("Address family not supported by protocol (" + text + " is "
                    + family(address) + ", but " + vtep.name() + " sends from "
                    + vtep.underlay().local() + ", which is "
                    + family(vtep.underlay().local()) + ")");
        }
        return address;
    }

    private static String family(IpAddress address) {
        return address.isIpv4() ? "IPv4" : "IPv6";
    }

    /** An overlay address of a device with its prefix. */
    public static IpPrefix interfaceAddress(String text) {
        IpPrefix prefix = IpPrefix.parse(text);
        hostAddress(prefix.address().toString());
        return prefix;
    }

    /** An address or a network; bits beyond the prefix are refused, as {@code ip route} does. */
    public static IpPrefix network(String text) {
        IpPrefix prefix = IpPrefix.parse(text);
        IpPrefix network = masked(prefix);
        if (!network.equals(prefix)) {
            throw new IllegalArgumentException(text + " has bits set beyond its length; the network is " + network
                    + ", the address " + prefix.address());
        }
        return prefix;
    }

    private static IpPrefix masked(IpPrefix prefix) {
        int length = prefix.mappedLength();
        long highMask = length >= 64 ? -1L : ~(-1L >>> length);
        long lowMask = length <= 64 ? 0 : length == 128 ? -1L : ~(-1L >>> length - 64);
        IpAddress address = prefix.address();
        return new IpPrefix(new IpAddress(address.high() & highMask, address.low() & lowMask), prefix.length());
    }

    /** Name of a network interface (kernel: dev_valid_name; a % would be a template). */
    public static String deviceName(String text) {
        boolean valid = text.matches("[^\\s/:%]{1," + MAX_NAME_LENGTH + "}") && !text.matches("\\.{1,2}");
        if (!valid) {
            throw new IllegalArgumentException("\"" + text + "\" is not a device name: 1 to " + MAX_NAME_LENGTH
                    + " characters, no space, slash, colon or %");
        }
        return text;
    }

    /** A TCP address to listen on; the text itself. */
    public static String hostAndPort(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (!host.matches("[A-Za-z0-9.-]+|\\[[0-9a-fA-F:.]+]")) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not HOST:PORT such as 127.0.0.1:9477 or [::1]:9477");
        }
        port(text.substring(colon + 1));
        return text;
    }

    /** Hours, minutes or seconds: {@code 168h}, {@code 5m}, {@code 30s}; a plain number is seconds. */
    public static Duration duration(String text, Duration min, Duration max) {
        Matcher matcher = DURATION.matcher(text);
        if (matcher.matches()) {
            int factor =
                    switch (matcher.group(2)) {
                        case "h" -> 3600;
                        case "m" -> 60;
                        default -> 1;
                    };
            Duration duration = Duration.ofSeconds(Long.parseLong(matcher.group(1)) * factor);
            if (duration.compareTo(min) >= 0 && duration.compareTo(max) <= 0) {
                return duration;
            }
        }
        throw new IllegalArgumentException("\"" + text + "\" is not a duration from " + durationText(min) + " to "
                + durationText(max) + ", such as 30s, 5m or 168h");
    }

    /** The shortest form that {@link #duration} reads. */
    public static String durationText(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds % 3600 == 0) {
            return seconds / 3600 + "h";
        }
        return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }

    public static Path path(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("\"" + text + "\" is not a path");
        }
        return Path.of(text);
    }

    /** Where a server listens: scheme, host and port, and nothing else. */
    public static URI server(String text, String example, String... schemes) {
        try {
            URI uri = new URI(text);
            boolean bare = uri.getUserInfo() == null
                    && (uri.getPath() == null || uri.getPath().matches("/?"))
                    && uri.getQuery() == null
                    && uri.getFragment() == null;
            if (List.of(schemes).contains(uri.getScheme()) && uri.getHost() != null && uri.getPort() > 0 && bare) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // Told below with all else that it can be wrong in.
        }
        throw new IllegalArgumentException(
                "\"" + text + "\" is not " + String.join(" or ", schemes) + "://HOST:PORT such as " + example);
    }
}
