package org.weft.it;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Predicate;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;

/** Sends whole frames out of one device of a namespace, and keeps what comes in on it. */
final class PacketSocket implements AutoCloseable {
    private static final int SNAPLEN = 70_000;
    private static final int BUFFER = 16 << 20;

    private final String device;
    private final PcapHandle handle;
    private final List<byte[]> received = new ArrayList<>();

    private PacketSocket(String device, PcapHandle handle) {
        this.device = device;
        this.handle = handle;
    }

    static PacketSocket open(Netns netns, String device) {
        return open(netns, device, SNAPLEN);
    }

    /**
     * Keeps at most the first {@code snaplen} bytes of a frame, and so has room for more frames.
     */
    static PacketSocket open(Netns netns, String device, int snaplen) {
        return netns.call(() -> {
            PcapHandle handle = new PcapHandle.Builder(device)
                    .snaplen(snaplen)
                    .bufferSize(BUFFER)
                    .immediateMode(true)
                    .timeoutMillis(1)
                    .build();
            handle.setDirection(org.pcap4j.core.PcapHandle.PcapDirection.IN);
            handle.setBlockingMode(PcapHandle.BlockingMode.NONBLOCKING);
            return new PacketSocket(device, handle);
        });
    }

    void send(byte[] frame) {
        try {
            handle.sendPacket(frame);
        } catch (PcapNativeException | NotOpenException e) {
            throw new AssertionError("send of " + frame.length + " bytes on " + device, e);
        }
    }

    /** As {@link #send}, but a device that has no room for the frame loses it. */
    boolean offer(byte[] frame) {
        try {
            handle.sendPacket(frame);
            return true;
        } catch (PcapNativeException e) {
            return false;
        } catch (NotOpenException e) {
            throw new AssertionError("send on " + device, e);
        }
    }

    /** What came in since the last call, in order; it is not kept. */
    List<byte[]> take() {
        List<byte[]> taken = List.copyOf(received());
        received.clear();
        return taken;
    }

    /** All that came in since the last {@link #clear()}, in order. */
    List<byte[]> received() {
        try {
            for (byte[] frame = handle.getNextRawPacket(); frame != null; frame = handle.getNextRawPacket()) {
                received.add(frame);
            }
        } catch (NotOpenException e) {
            throw new AssertionError("capture on " + device, e);
        }
        return received;
    }

    List<byte[]> received(Predicate<byte[]> filter) {
        return received().stream().filter(filter).toList();
    }

    /** Waits for a frame and gives it. */
    byte[] await(String what, Predicate<byte[]> wanted) {
        if (!Await.holds(Await.PATIENCE, () -> received().stream().anyMatch(wanted))) {
            throw new AssertionError(what + " did not arrive on " + device + "; what did:\n" + dump(received));
        }
        return received.stream().filter(wanted).findFirst().orElseThrow();
    }

    /** Forgets what came in so far. */
    void clear() {
        received();
        received.clear();
    }

    static String dump(List<byte[]> frames) {
        StringBuilder text = new StringBuilder();
        frames.forEach(frame -> text.append(HexFormat.of().formatHex(frame)).append('\n'));
        return text.toString();
    }

    @Override
    public void close() {
        handle.close();
    }
}
