package org.weft.fuzz;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Makes frames of all kinds that hosts send, from few addresses so that they meet table entries and each other's flows. */
final class Drafts {
    /** Where payload comes from, as making random bytes would take most of the time. */
    private static final byte[] NOISE = new byte[1 << 18];

    static {
        new SplittableRandom(0).nextBytes(NOISE);
    }

    private static final int[] PORTS = {7777, 7778, 53, 80, 40000, 40001, 4789, 0};
    private static final int[] OTHER_PROTOCOLS = {132, 33, 136, 47, 50, 2, 59, 255, 4, 41};
    private static final int[] TOS = {0, 0, 0, 1, 2, 3, 0xb8, 0xfe};
    private static final int[] EXTENSIONS = {0, 43, 60, 60, 51, 44};
    private static final int RARELY = 12;

    private final SplittableRandom random;
    private final Neighbourhood places;

    Drafts(SplittableRandom random, Neighbourhood places) {
        this.random = random;
        this.places = places;
    }

    static byte[] noise(SplittableRandom random, int length) {
        int from = random.nextInt(NOISE.length - length);
        return Arrays.copyOfRange(NOISE, from, from + length);
    }

    private boolean rarely() {
        return random.nextInt(RARELY) == 0;
    }

    private int one(int... of) {
        return of[random.nextInt(of.length)];
    }

    private int payloadLength() {
        return switch (random.nextInt(20)) {
            case 0 -> 0;
            case 1 -> random.nextInt(9000);
            case 2, 3 -> random.nextInt(1500);
            default -> random.nextInt(120);
        };
    }

    /** One frame, or the fragments of one. */
    byte[][] frames(boolean outbound) {
        return switch (random.nextInt(16)) {
            case 0 -> new byte[][] {arp(outbound)};
            case 1 -> new byte[][] {solicitation(outbound)};
            case 2 -> fragments(outbound);
            case 3 -> new byte[][] {other(outbound)};
            default -> new byte[][] {draft(outbound).build()};
        };
    }

    /** An IP packet. */
    Draft draft(boolean outbound) {
        Draft draft = addressed(outbound);
        switch (random.nextInt(10)) {
            case 0 -> icmp(draft);
            case 1 -> error(draft, addressed(!outbound));
            case 2 -> draft.protocol = one(OTHER_PROTOCOLS);
            case 3, 4, 5 -> draft.protocol = Parsed.UDP;
            default -> draft.flags = one(0x10, 0x10, 0x18, 0x02, 0x12, 0x11, 0x04, 0xd0, 0x3f, random.nextInt(0x1000));
        }
        draft.payload = draft.payload.length > 0 ? draft.payload : noise(random, payloadLength());
        draft.checksum = switch (random.nextInt(12)) {
            case 0, 1 -> Draft.Checksum.PARTIAL;
            case 2 -> Draft.Checksum.ZERO;
            case 3 -> Draft.Checksum.WRONG;
            default -> Draft.Checksum.RIGHT;
        };
        if (!draft.ipv4 && random.nextInt(5) == 0) {
            extend(draft);
        }
        return draft;
    }

    /** Everything in front of the transport header. */
    private Draft addressed(boolean outbound) {
        Draft draft = new Draft();
        draft.destinationMac = places.destinationMac(random, outbound);
        draft.sourceMac = places.sourceMac(random, outbound);
        draft.tags = tags();
        draft.ipv4 = random.nextInt(3) != 0;
        draft.source = places.address(random, draft.ipv4, outbound);
        draft.destination = places.address(random, draft.ipv4, !outbound);
        draft.tos = one(TOS);
        draft.ttl = rarely() ? random.nextInt(256) : 63;
        draft.id = random.nextInt(0x10000);
        draft.fragmentField = random.nextBoolean() ? 0x4000 : 0;
        draft.flowLabel = random.nextBoolean() ? 0 : random.nextInt(1 << 20);
        draft.sourcePort = one(PORTS);
        draft.destinationPort = one(PORTS);
        draft.sequence = random.nextInt();
        draft.acknowledgment = random.nextInt();
        draft.tcpOptions = rarely() ? noise(random, 4 * random.nextInt(11)) : new byte[random.nextInt(2) * 12];
        if (draft.ipv4 && rarely()) {
            draft.ipOptions = noise(random, 4 * random.nextInt(1, 11));
        }
        return draft;
    }

    private int[] tags() {
        int count =
                switch (random.nextInt(12)) {
                    case 0, 1 -> 1;
                    case 2 -> 2;
                    case 3 -> random.nextInt(3, 10);
                    default -> 0;
                };
        int[] tags = new int[count];
        for (int i = 0; i < count; i++) {
            tags[i] = one(0x8100, 0x88a8) << 16 | (random.nextBoolean() ? 0 : random.nextInt(0x10000));
        }
        return tags;
    }

    /** Puts extension headers between the IPv6 header and what follows. */
    private void extend(Draft draft) {
        int count = random.nextInt(1, 4);
        byte[] chain = {};
        int[] kinds = new int[count];
        Arrays.setAll(kinds, i -> one(EXTENSIONS));
        draft.firstExtension = kinds[0];
        for (int i = 0; i < count; i++) {
            byte[] header = new byte[kinds[i] == 44 ? 8 : 8 * random.nextInt(1, 4)];
            header[0] = (byte) (i + 1 < count ? kinds[i + 1] : draft.protocol);
            header[1] = (byte) (kinds[i] == 44 ? 0 : kinds[i] == 51 ? header.length / 4 - 2 : header.length / 8 - 1);
            if (kinds[i] == 43) {
                header[3] = (byte) random.nextInt(2);
            }
            chain = Octets.join(chain, header);
        }
        draft.extensions = chain;
    }

    private void icmp(Draft draft) {
        draft.protocol = draft.ipv4 ? Parsed.ICMP : Parsed.ICMPV6;
        draft.header = new byte[8];
        draft.header[0] =
                (byte) (draft.ipv4 ? one(8, 0, 13, 14, random.nextInt(256)) : one(128, 129, random.nextInt(256)));
        Octets.put16(draft.header, 4, one(1, 2, random.nextInt(0x10000)));
    }

    private void error(Draft draft, Draft about) {
        boolean same = about.ipv4 == draft.ipv4;
        draft.protocol = draft.ipv4 ? Parsed.ICMP : Parsed.ICMPV6;
        draft.header = new byte[8];
        draft.header[0] = (byte) (draft.ipv4 ? one(3, 4, 5, 11, 12) : one(1, 2, 3, 4));
        draft.header[1] = (byte) random.nextInt(6);
        about.tags = new int[0];
        about.protocol = one(Parsed.TCP, Parsed.UDP);
        if (same && !rarely()) {
            about.source = draft.destination;
            about.destination = draft.source;
        }
        byte[] quoted = about.build();
        draft.payload =
                Arrays.copyOfRange(quoted, 14, rarely() ? random.nextInt(14, quoted.length) + 1 : quoted.length);
    }

    private byte[][] fragments(boolean outbound) {
        Draft draft = draft(outbound);
        draft.fragmentField = 0;
        draft.payload = noise(random, random.nextInt(1, 600));
        byte[][] fragments = draft.fragments(random.nextInt(8, 400));
        if (rarely()) {
            byte[] first = fragments[0];
            fragments[0] = fragments[fragments.length - 1];
            fragments[fragments.length - 1] = first;
        }
        return rarely() ? Arrays.copyOf(fragments, random.nextInt(1, fragments.length + 1)) : fragments;
    }

    private byte[] arp(boolean outbound) {
        byte[] frame = new byte[42 + one(0, 0, 18, random.nextInt(100))];
        boolean broadcast = random.nextInt(3) != 0;
        long destination = broadcast ? 0xffff_ffff_ffffL : places.destinationMac(random, outbound);
        long source = places.sourceMac(random, outbound);
        Draft.putEthernet(frame, destination, source, new int[0], Parsed.ARP);
        Octets.put16(frame, 14, one(1, 1, 1, 6, 2));
        Octets.put32(frame, 16, rarely() ? random.nextInt() : 0x0800_0604);
        Octets.put16(frame, 20, one(1, 1, 1, 2, 3));
        Octets.put48(frame, 22, source);
        System.arraycopy(places.address(random, true, outbound), 0, frame, 28, 4);
        System.arraycopy(places.address(random, true, !outbound), 0, frame, 38, 4);
        return frame;
    }

    private byte[] solicitation(boolean outbound) {
        Draft draft = addressed(outbound);
        draft.tags = rarely() ? draft.tags : new int[0];
        draft.ipv4 = false;
        draft.ttl = rarely() ? 64 : 255;
        draft.source = rarely() ? new byte[16] : places.address(random, false, outbound);
        draft.destination = places.address(random, false, !outbound);
        draft.protocol = Parsed.ICMPV6;
        draft.header = new byte[] {(byte) (rarely() ? 136 : 135), (byte) (rarely() ? 1 : 0), 0, 0, 0, 0, 0, 0};
        byte[] option = new byte[8 * random.nextInt(3)];
        if (option.length > 0) {
            option[0] = (byte) one(1, 1, 1, 2, 14);
            option[1] = (byte) (rarely() ? random.nextInt(256) : 1);
            Octets.put48(option, 2, draft.sourceMac);
        }
        draft.payload = Octets.join(places.address(random, false, !outbound), option);
        return draft.build();
    }

    private byte[] other(boolean outbound) {
        int[] tags = tags();
        byte[] frame = noise(random, random.nextInt(14 + 4 * tags.length, 200));
        if (random.nextInt(4) != 0) {
            int type = one(0x88cc, 0x8847, 0x0003, 0x8864, Parsed.IPV4, Parsed.IPV6, 0x8100, 0x88a8);
            Draft.putEthernet(
                    frame, places.destinationMac(random, outbound), places.sourceMac(random, outbound), tags, type);
        }
        return frame;
    }
}
