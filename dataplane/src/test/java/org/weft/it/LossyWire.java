package org.weft.it;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A bad cable: a relay in a namespace of its own between the hosts' underlays. It looks at every frame, then loses some,
 * and reorders, repeats and damages others. The hosts' interfaces have no offload for sending, so that what it sees is
 * what a wire would see.
 */
final class LossyWire implements AutoCloseable {
    /** What became of frames. */
    enum Fate {
        SEEN,
        LOST,
        REORDERED,
        REPEATED,
        DAMAGED,
        /** Damaged, with an outer checksum that fits the damage: only the inner packet's tells. */
        DAMAGED_UNDER_VALID_CHECKSUM,
        /** The device that it was to leave by had no room. */
        REFUSED
    }

    private static final double LOSS = 0.01;
    private static final double REORDER = 0.05;
    private static final double REPEAT = 0.01;
    private static final double DAMAGE = 0.005;

    /** A frame is overtaken by at most so many others, and kept no longer than this if none come. */
    private static final int MAX_OVERTAKERS = 8;

    private static final long MAX_DELAY_NS = 2_000_000;
    private static final long PAUSE_NS = 20_000;
    private static final int KEPT_FAULTS = 10;
    private static final int KEPT_FRAMES = 4_000;
    private static final int ETHERNET = 14;
    private static final int UDP_CHECKSUM = ETHERNET + 20 + 6;
    private static final int VXLAN = UDP_CHECKSUM + 2;

    private final Netns relay = Netns.create("relay");
    private final int mtu;
    private final Map<Fate, AtomicLong> fates = new EnumMap<>(Fate.class);
    private final Map<String, AtomicLong> faults = new ConcurrentSkipListMap<>();
    private final ConcurrentLinkedQueue<String> faultyFrames = new ConcurrentLinkedQueue<>();
    private final List<byte[]> frames = Collections.synchronizedList(new ArrayList<>());
    private Thread thread;
    private volatile boolean closed;
    private volatile Throwable failure;

    /**
     * @param mtu of the underlay
     */
    LossyWire(int mtu) {
        this.mtu = mtu;
        for (Fate fate : Fate.values()) {
            fates.put(fate, new AtomicLong());
        }
    }

    /** Puts itself between two hosts and starts. */
    void plumb(OverlayLab lab, long seed) {
        for (OverlayHost host : lab.hosts()) {
            String end = "to" + (lab.hosts().indexOf(host) + 1);
            host.host.ip("link add eth0 type veth peer name " + end + " netns " + relay.name());
            host.host.exec("ethtool", "-K", "eth0", "tx", "off", "gro", "on");
            relay.exec("ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off");
            relay.ip("link set " + end + " mtu " + mtu + " arp off up");
            host.plumbUnderlay();
            OverlayHost peer = lab.peerOf(host);
            host.host.ip(
                    "neigh replace " + peer.underlayIp() + " lladdr " + peer.underlayMac() + " dev eth0 nud permanent");
        }
        PacketSocket first = PacketSocket.open(relay, "to1");
        PacketSocket second = PacketSocket.open(relay, "to2");
        SplittableRandom random = new SplittableRandom(seed);
        Lane there = new Lane(first, second, random.split());
        Lane back = new Lane(second, first, random.split());
        thread = new Thread(() -> run(there, back), relay.name());
        thread.start();
    }

    private void run(Lane there, Lane back) {
        try {
            while (!closed) {
                if (there.forward() + back.forward() == 0) {
                    LockSupport.parkNanos(PAUSE_NS);
                }
            }
        } catch (Throwable e) {
            failure = e;
        } finally {
            there.in.close();
            back.in.close();
        }
    }

    long count(Fate fate) {
        return fates.get(fate).get();
    }

    /** How often each fault was seen on frames as they came. */
    Map<String, AtomicLong> faults() {
        if (failure != null) {
            throw new AssertionError("the relay failed", failure);
        }
        return faults;
    }

    /** Some of the frames with faults, in hexadecimal digits. */
    String faultyFrames() {
        return String.join("\n", faultyFrames);
    }

    /** The first frames that came, as they came. */
    List<byte[]> frames() {
        return List.copyOf(frames);
    }

    private void count(Fate fate, boolean happened) {
        if (happened) {
            fates.get(fate).incrementAndGet();
        }
    }

    private void inspect(byte[] frame) {
        count(Fate.SEEN, true);
        if (frames.size() < KEPT_FRAMES) {
            frames.add(frame);
        }
        if (!WireFault.isTunnelled(frame)) {
            return;
        }
        List<String> found = WireFault.of(frame, mtu);
        found.forEach(
                fault -> faults.computeIfAbsent(fault, name -> new AtomicLong()).incrementAndGet());
        if (!found.isEmpty() && faultyFrames.size() < KEPT_FAULTS) {
            faultyFrames.add(found + " " + new WirePacket(frame));
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            if (thread != null) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        relay.close();
    }

    @Override
    public String toString() {
        return fates + ", faults " + faults;
    }

    /** One direction. */
    private final class Lane {
        private final PacketSocket in;
        private final PacketSocket out;
        private final SplittableRandom random;
        private final Deque<Held> held = new ArrayDeque<>();
        private long sequence;

        /** A frame to be sent after others. */
        private record Held(byte[] frame, long sequence, long time) {}

        Lane(PacketSocket in, PacketSocket out, SplittableRandom random) {
            this.in = in;
            this.out = out;
            this.random = random;
        }

        int forward() {
            List<byte[]> arrived = in.take();
            for (byte[] frame : arrived) {
                inspect(frame);
                pass(frame);
            }
            release();
            return arrived.size();
        }

        private void pass(byte[] frame) {
            sequence++;
            if (happens(LOSS)) {
                count(Fate.LOST, true);
                return;
            }
            byte[] passed = happens(DAMAGE) ? damaged(frame) : frame;
            if (happens(REORDER)) {
                count(Fate.REORDERED, true);
                held.add(new Held(
                        passed, sequence + random.nextInt(1, MAX_OVERTAKERS), System.nanoTime() + MAX_DELAY_NS));
                return;
            }
            send(passed);
            if (happens(REPEAT)) {
                count(Fate.REPEATED, true);
                send(passed);
            }
            release();
        }

        private boolean happens(double probability) {
            return random.nextDouble() < probability;
        }

        private void release() {
            while (!held.isEmpty() && isDue(held.peek())) {
                send(held.poll().frame);
            }
        }

        private boolean isDue(Held frame) {
            return frame.sequence <= sequence || frame.time - System.nanoTime() <= 0;
        }

        private void send(byte[] frame) {
            count(Fate.REFUSED, !out.offer(frame));
        }

        /** Flips a bit behind the Ethernet header; where it can, hides it from the outer checksum every other time. */
        private byte[] damaged(byte[] frame) {
            int bit = random.nextInt(ETHERNET * 8, frame.length * 8);
            byte[] damaged = frame.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            boolean hidden = random.nextBoolean()
                    && bit / 8 >= VXLAN
                    && WireFault.isTunnelled(frame)
                    && Bytes.u16(frame, UDP_CHECKSUM) != 0;
            if (hidden) {
                fixChecksum(frame, damaged, bit / 16 * 2);
            }
            count(hidden ? Fate.DAMAGED_UNDER_VALID_CHECKSUM : Fate.DAMAGED, true);
            return damaged;
        }

        /** RFC 1624, equation 3, for the 16-bit word at an offset. */
        private static void fixChecksum(byte[] frame, byte[] damaged, int word) {
            int sum = ~Bytes.u16(frame, UDP_CHECKSUM) & 0xffff;
            sum += ~word(frame, word) & 0xffff;
            sum += word(damaged, word);
            sum = (sum & 0xffff) + (sum >>> 16);
            sum = (sum & 0xffff) + (sum >>> 16);
            int checksum = ~sum & 0xffff;
            ByteBuffer.wrap(damaged).putShort(UDP_CHECKSUM, (short) (checksum == 0 ? 0xffff : checksum));
        }

        private static int word(byte[] bytes, int offset) {
            return Bytes.u8(bytes, offset) << 8 | (offset + 1 < bytes.length ? Bytes.u8(bytes, offset + 1) : 0);
        }
    }
}
