package org.weft.fuzz;

/** Where the models find the headers of a frame, by the rules that the Javadoc of the production code states. */
final class Parsed {
    static final int NONE = -1;
    static final int ARP = 0x0806;
    static final int IPV4 = 0x0800;
    static final int IPV6 = 0x86dd;
    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;
    static final int ICMPV6 = 58;

    /** VLAN tags that belong to the header; further ones are payload. */
    private static final int MAX_TAGS = 7;

    private static final int MAX_EXTENSIONS = 15;

    final byte[] frame;
    /** Behind at most {@link #MAX_TAGS} tags. */
    final int etherType;

    final int network;
    /** False if an IP header is cut off. */
    final boolean complete;

    final boolean ipv4;
    final boolean ipv6;
    int protocol = NONE;
    int transport = NONE;
    int transportLength;
    boolean fragment;
    boolean laterFragment;
    int fragmentId;

    /** Whether the chain of IPv6 headers has only headers that each segment may repeat; true for IPv4. */
    boolean repeatable = true;

    /** Whether the IPv6 destination is not the last one. */
    boolean rerouted;

    /** @param frame of at least 14 bytes */
    Parsed(byte[] frame) {
        this.frame = frame;
        int at = 14;
        for (int tags = 0; tags < MAX_TAGS && at + 4 <= frame.length && isTag(Octets.get16(frame, at - 2)); tags++) {
            at += 4;
        }
        etherType = Octets.get16(frame, at - 2);
        network = at;
        int rest = frame.length - at;
        complete = etherType == IPV4 ? rest >= 20 : etherType != IPV6 || rest >= 40;
        ipv4 = complete && etherType == IPV4;
        ipv6 = complete && etherType == IPV6;
        if (ipv4) {
            findInIpv4(rest);
        } else if (ipv6) {
            findInIpv6(rest);
        }
    }

    static boolean isTag(int etherType) {
        return etherType == 0x8100 || etherType == 0x88a8;
    }

    /** What is behind all VLAN tags, however many: what a receiving kernel would see; NONE if the frame ends before. */
    static int innermostType(byte[] frame) {
        int at = 12;
        while (at + 2 <= frame.length && isTag(Octets.get16(frame, at))) {
            at += 4;
        }
        return at + 2 <= frame.length ? Octets.get16(frame, at) : NONE;
    }

    private void findInIpv4(int rest) {
        protocol = Octets.get8(frame, network + 9);
        int fragmentField = Octets.get16(frame, network + 6);
        fragment = (fragmentField & 0x3fff) != 0;
        laterFragment = (fragmentField & 0x1fff) != 0;
        fragmentId = fragment ? Octets.get16(frame, network + 4) : 0;
        int header = (frame[network] & 15) * 4;
        boolean valid = Octets.get8(frame, network) >> 4 == 4 && header >= 20 && header <= rest;
        if (valid && !laterFragment) {
            int total = Octets.get16(frame, network + 2);
            place(network + header, network + (total == 0 ? rest : Math.min(total, rest)));
        }
    }

    private void findInIpv6(int rest) {
        protocol = Octets.get8(frame, network + 6);
        if (Octets.get8(frame, network) >> 4 != 6) {
            return;
        }
        int claimed = Octets.get16(frame, network + 4);
        int end = network + 40 + (claimed == 0 ? rest - 40 : Math.min(claimed, rest - 40));
        int at = network + 40;
        for (int i = 0; i < MAX_EXTENSIONS; i++) {
            switch (protocol) {
                case 0, 43, 44, 51, 60 -> {}
                default -> {
                    if (protocol != 59 && at <= end) {
                        place(at, end);
                    }
                    return;
                }
            }
            if (end - at < 8) {
                return;
            }
            repeatable &= protocol == 0 || protocol == 43 || protocol == 60;
            rerouted |= protocol == 43 && frame[at + 3] != 0;
            int next = Octets.get8(frame, at);
            if (protocol == 44) {
                fragment = true;
                fragmentId = Octets.get32(frame, at + 4);
                laterFragment = (Octets.get16(frame, at + 2) & 0xfff8) != 0;
                if (laterFragment) {
                    protocol = next;
                    return;
                }
            }
            int length = Octets.get8(frame, at + 1);
            at += protocol == 44 ? 8 : protocol == 51 ? (length + 2) * 4 : (length + 1) * 8;
            protocol = next;
        }
    }

    private void place(int at, int end) {
        int there = end - at;
        boolean whole =
                switch (protocol) {
                    case TCP -> there >= 20 && tcpHeader(at) >= 20 && tcpHeader(at) <= there;
                    case UDP, 136 -> there >= 8;
                    case 132, 33 -> there >= 12;
                    default -> there >= 0;
                };
        if (whole) {
            transport = at;
            transportLength = there;
        }
    }

    private int tcpHeader(int at) {
        return (Octets.get8(frame, at + 12) >> 4) * 4;
    }

    /** From the first byte of the frame to the end of the TCP or UDP header. */
    int headers() {
        return transport + (protocol == TCP ? tcpHeader(transport) : 8);
    }

    /** Whether one more tag follows, or one is cut off: a kernel may find anything behind it. */
    boolean endsInTag() {
        return isTag(etherType);
    }

    boolean hasTcpOrUdp() {
        return transport != NONE && !fragment && (protocol == TCP || protocol == UDP);
    }

    int checksumField() {
        return transport + (protocol == TCP ? 16 : 6);
    }

    /** Folded sum of the pseudo-header of a transport header and payload of this length. */
    int pseudoSum(int length) {
        int addresses = ipv4 ? network + 12 : network + 8;
        return Octets.sum(frame, addresses, addresses + (ipv4 ? 8 : 32), Octets.fold(protocol + length));
    }

    /** Whether the transport checksum is that of what is there. */
    boolean isChecksumRight() {
        return Octets.checksum(frame, transport, transport + transportLength, pseudoSum(transportLength)) == 0;
    }

    int tos() {
        return ipv4 ? Octets.get8(frame, network + 1) : ipv6 ? Octets.get16(frame, network) >> 4 & 0xff : 0;
    }

    int ttl() {
        return ipv4 ? Octets.get8(frame, network + 8) : ipv6 ? Octets.get8(frame, network + 7) : 0;
    }

    boolean dontFragment() {
        return ipv4 && (Octets.get8(frame, network + 6) & 0x40) != 0;
    }

    Address source() {
        return ipv4 ? Address.v4(frame, network + 12) : ipv6 ? Address.v6(frame, network + 8) : Address.ZERO;
    }

    Address destination() {
        return ipv4 ? Address.v4(frame, network + 16) : ipv6 ? Address.v6(frame, network + 24) : Address.ZERO;
    }

    /** An address as the tables keep it: 128 bits, IPv4 as {@code ::ffff:a.b.c.d}. */
    record Address(long high, long low) {
        static final Address ZERO = new Address(0, 0);

        static Address v4(byte[] bytes, int at) {
            return v4(Octets.get32(bytes, at));
        }

        static Address v4(int address) {
            return new Address(0, 0xffff_0000_0000L | address & 0xffff_ffffL);
        }

        static Address v6(byte[] bytes, int at) {
            return new Address(Octets.get64(bytes, at), Octets.get64(bytes, at + 8));
        }

        boolean isV4() {
            return high == 0 && low >>> 32 == 0xffff;
        }

        /** Multicast, broadcast, or of the link: not forwarded to a container. */
        boolean isLinkScope() {
            return isV4()
                    ? low >>> 28 == 0xffff_eL || low == 0xffff_ffff_ffffL
                    : high >>> 56 == 0xff || high >>> 54 == 0xfe80 >>> 6;
        }
    }
}
