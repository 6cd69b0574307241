package org.weft.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.weft.encap.IpAddress;

/** Makes the messages that come from the underlay, and the frames that the host sends, alone and as runs of one flow. */
final class Bursts {
    static final int[] VNIS = {1, 2, 0xff_fffe};
    private static final int UNKNOWN_VNI = 77;
    private static final int[] TOS = {0, 0, 0, 0, 1, 2, 3, 0xb8, 0xbb};
    private static final int TCP_V4 = 1;
    private static final int TCP_V6 = 4;
    private static final int UDP_L4 = 5;
    private static final int[] GSO_TYPES = {0, 1, 2, 3, 4, 5, 6, 0x81, 0x84, 0x85, 0x80, 0xff};
    private static final int PARTIAL = 1;
    private static final int LONGEST = 64_900;

    private final SplittableRandom random;
    private final Drafts drafts;
    private final Damage damage;

    Bursts(SplittableRandom random) {
        this.random = random;
        this.drafts = new Drafts(random, new Neighbourhood());
        this.damage = new Damage(random);
    }

    static IpAddress host(int number) {
        return IpAddress.parse("10.0.0." + (2 + number));
    }

    private byte[] perhapsDamaged(byte[] frame) {
        return random.nextInt(4) == 0 ? damage.damage(frame) : frame;
    }

    /** Messages that arrive one after the other. */
    List<Message> arriving() {
        int tos = TOS[random.nextInt(TOS.length)];
        List<Message> messages = new ArrayList<>();
        switch (random.nextInt(8)) {
            case 0 -> messages.add(nonsense());
            case 1, 2 -> messages.addAll(run(tos));
            case 3 -> messages.add(alone(uncutFrame(), tos));
            default -> {
                for (byte[] frame : drafts.frames(false)) {
                    messages.add(alone(perhapsDamaged(frame), tos));
                }
            }
        }
        return messages;
    }

    private IpAddress source(byte[] frame) {
        long mac = frame.length >= 12 ? Octets.get48(frame, 6) - Neighbourhood.THEIR_MAC : -1;
        boolean honest = mac >= 0 && mac < Neighbourhood.THEIR_COUNT && random.nextInt(12) != 0;
        return host(honest ? (int) mac : random.nextInt(Neighbourhood.THEIR_COUNT + 1));
    }

    private Message alone(byte[] frame, int tos) {
        byte[] datagram = Octets.join(vxlan(), frame);
        if (random.nextInt(20) == 0) {
            datagram = damage.damage(datagram);
        }
        return new Message(datagram, source(frame), tos, Math.max(1, datagram.length));
    }

    private byte[] vxlan() {
        byte[] header = new byte[8];
        int flags = 0x0800_0000;
        if (random.nextBoolean()) {
            flags |= 0x8000_0000 | random.nextInt(4);
        }
        switch (random.nextInt(24)) {
            case 0 -> flags = random.nextInt();
            case 1 -> flags ^= 1 << random.nextInt(32);
            case 2 -> flags |= 0x0048_0000 | random.nextInt(0x10000);
            default -> {}
        }
        int vni = random.nextInt(30) == 0 ? UNKNOWN_VNI : VNIS[random.nextInt(VNIS.length)];
        Octets.put32(header, 0, flags);
        Octets.put32(header, 4, vni << 8 | (random.nextInt(40) == 0 ? random.nextInt(256) : 0));
        return header;
    }

    /** Anything, cut anywhere. */
    private Message nonsense() {
        byte[] payload = Drafts.noise(random, random.nextInt(1, 400));
        if (random.nextBoolean()) {
            payload = Octets.join(Octets.join(vxlan(), drafts.draft(false).build()), payload);
        }
        int least = (payload.length + Message.MOST_DATAGRAMS - 1) / Message.MOST_DATAGRAMS;
        return new Message(payload, source(payload), 0, random.nextInt(least, payload.length + 1));
    }

    /** A packet that a kernel on the same machine did not cut, or whose checksum it left to hardware. */
    private byte[] uncutFrame() {
        Draft draft = drafts.draft(false);
        draft.protocol = random.nextBoolean() ? Parsed.TCP : Parsed.UDP;
        draft.checksum = Draft.Checksum.PARTIAL;
        draft.payload = Drafts.noise(random, random.nextInt(4) == 0 ? random.nextInt(60_000) : random.nextInt(3000));
        return draft.build();
    }

    /** Segments of one flow, as one message or several; now and then for another VNI, or one that does not fit in. */
    private List<Message> run(int tos) {
        List<byte[]> frames = segments();
        List<byte[]> datagrams = new ArrayList<>();
        byte[] header = vxlan();
        for (byte[] frame : frames) {
            if (random.nextInt(12) == 0) {
                header = vxlan();
            }
            datagrams.add(Octets.join(header, frame));
        }
        IpAddress source = source(frames.get(0));
        List<Message> messages = new ArrayList<>();
        boolean merged = random.nextInt(4) != 0;
        int from = 0;
        while (from < datagrams.size()) {
            int to = merged ? mergeable(datagrams, from) : from + 1;
            int length = datagrams.get(from).length;
            byte[] payload = new byte
                    [datagrams.subList(from, to).stream()
                            .mapToInt(one -> one.length)
                            .sum()];
            int at = 0;
            for (byte[] datagram : datagrams.subList(from, to)) {
                System.arraycopy(datagram, 0, payload, at, datagram.length);
                at += datagram.length;
            }
            messages.add(new Message(payload, source, tos, Math.max(1, length)));
            from = to;
        }
        return messages;
    }

    /** Up to where datagrams are merged: equal lengths, and at the end a shorter one. */
    private static int mergeable(List<byte[]> datagrams, int from) {
        int length = datagrams.get(from).length;
        int sum = length;
        int to = from + 1;
        while (to < datagrams.size()
                && to - from < Message.MOST_DATAGRAMS
                && datagrams.get(to).length <= length
                && sum + datagrams.get(to).length <= LONGEST) {
            sum += datagrams.get(to).length;
            to++;
            if (datagrams.get(to - 1).length < length) {
                break;
            }
        }
        return to;
    }

    private List<byte[]> segments() {
        Draft flow = drafts.draft(false);
        flow.protocol = random.nextInt(3) == 0 ? Parsed.UDP : Parsed.TCP;
        flow.extensions = random.nextInt(4) == 0 && flow.protocol == Parsed.UDP ? flow.extensions : new byte[0];
        flow.ipOptions = random.nextInt(8) == 0 ? flow.ipOptions : new byte[0];
        flow.checksum = Draft.Checksum.RIGHT;
        flow.flags = 0x10;
        int size = random.nextInt(1, random.nextInt(4) == 0 ? 1400 : 40);
        int count = random.nextInt(1, random.nextInt(6) == 0 ? 150 : 20);
        boolean fixedId = random.nextInt(4) == 0;
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean last = i == count - 1;
            flow.payload = Drafts.noise(random, last ? random.nextInt(size + 1) : size);
            flow.flags = 0x10 | (last && random.nextBoolean() ? 0x08 : 0);
            if (random.nextInt(30) == 0) {
                flow.flags ^= 1 << random.nextInt(9);
            }
            Draft sent = random.nextInt(30) == 0 ? changed(flow) : flow;
            byte[] frame = sent.build();
            frames.add(random.nextInt(40) == 0 ? damage.damage(frame) : frame);
            flow.sequence += flow.payload.length;
            flow.id = fixedId ? flow.id : flow.id + 1 & 0xffff;
        }
        return frames;
    }

    private Draft changed(Draft flow) {
        Draft changed = flow.copy();
        switch (random.nextInt(8)) {
            case 0 -> changed.window++;
            case 1 -> changed.acknowledgment++;
            case 2 -> changed.tos ^= random.nextInt(1, 4);
            case 3 -> changed.ttl--;
            case 4 -> changed.sourcePort ^= 1;
            case 5 -> changed.fragmentField ^= 0x4000;
            case 6 -> changed.id ^= 1;
            default -> changed.checksum = Draft.Checksum.PARTIAL;
        }
        return changed;
    }

    /** Frames that the host sends one after the other. */
    List<Outgoing> leaving() {
        List<Outgoing> frames = new ArrayList<>();
        switch (random.nextInt(6)) {
            case 0 -> frames.add(superFrame());
            case 1 -> {
                Draft draft = drafts.draft(true);
                draft.checksum = Draft.Checksum.PARTIAL;
                int offset = draft.protocol == Parsed.TCP ? 16 : draft.protocol == Parsed.UDP ? 6 : 2;
                frames.add(new Outgoing(perhapsDamaged(draft.build()), PARTIAL, 0, 0, draft.transport(), offset));
            }
            case 2 -> frames.add(odd(perhapsDamaged(drafts.draft(true).build())));
            default -> {
                for (byte[] frame : drafts.frames(true)) {
                    frames.add(new Outgoing(perhapsDamaged(frame), 0, 0, 0, 0, 0));
                }
            }
        }
        frames.removeIf(frame -> frame.frame().length == 0);
        return frames;
    }

    private Outgoing superFrame() {
        Draft draft = drafts.draft(true);
        draft.protocol = random.nextInt(3) == 0 ? Parsed.UDP : Parsed.TCP;
        draft.checksum = Draft.Checksum.PARTIAL;
        draft.fragmentField &= 0x4000;
        int length = random.nextInt(1, random.nextInt(4) == 0 ? 60_000 : 3000);
        draft.payload = Drafts.noise(random, length);
        int least = random.nextInt(50) == 0 ? 1 + length / 3000 : 1 + length / 60;
        int size = random.nextInt(least, Math.max(least, Math.min(length, 1500)) + 1);
        int type = draft.protocol == Parsed.UDP ? UDP_L4 : draft.ipv4 ? TCP_V4 : TCP_V6;
        byte[] frame = draft.build();
        frame = random.nextInt(8) == 0 ? damage.damage(frame) : frame;
        int ecn = draft.protocol == Parsed.TCP && random.nextBoolean() ? 0x80 : 0;
        return new Outgoing(frame, PARTIAL, type | ecn, size, draft.transport(), draft.protocol == Parsed.TCP ? 16 : 6);
    }

    /** A virtio-net header that says anything. */
    private Outgoing odd(byte[] frame) {
        int type = GSO_TYPES[random.nextInt(GSO_TYPES.length)];
        int size = Math.max(frame.length / 40, random.nextInt(random.nextBoolean() ? 100 : 0x10000));
        boolean near = random.nextInt(3) != 0;
        int start = random.nextInt(near ? frame.length + 4 : 0x10000);
        int offset = random.nextInt(near ? 40 : 0x10000);
        return new Outgoing(frame, random.nextInt(8), type, size, start, offset);
    }
}
