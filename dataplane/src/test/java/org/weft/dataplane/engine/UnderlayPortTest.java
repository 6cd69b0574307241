package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.linux.LinuxUnderlaySender;
import org.weft.dataplane.io.linux.SenderOptions;
import org.weft.dataplane.io.linux.SocketPools;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Await;
import org.weft.testing.Frames;
import org.weft.testing.MemoryTap;
import org.weft.testing.OpenFiles;

class UnderlayPortTest {
    private static final IpAddress LOCAL = IpAddress.parse("127.0.0.1");
    private static final byte[] DATAGRAM = Frames.bytes(Frames.VXLAN + Frames.INNER);

    /** So many messages as one turn receives, each as long as the kernel makes them. */
    private static final int MESSAGES = 16;

    private static final int FRAMES_PER_MESSAGE = 64;
    private static final int FRAMES = MESSAGES * FRAMES_PER_MESSAGE;
    private static final int FRAME_LENGTH = 60;

    /**
     * A detached VTEP that kept nine of the port's 64 slots would make the port deaf before that.
     */
    private static final int DETACHES = 10;

    private final Stages stages = new Stages(EngineConfig.DEFAULT);
    private final Vtep vtep = new Vtep(Frames.silkVtep(Frames.DESTINATION_MAC, LOCAL));
    private int number;

    @BeforeEach
    void chooseAPort() throws IOException {
        try (DatagramChannel free = DatagramChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
            number = ((InetSocketAddress) free.getLocalAddress()).getPort();
        }
    }

    @AfterEach
    void close() {
        stages.close();
    }

    private UnderlayPort port(boolean held) {
        return new UnderlayPort(new UnderlayPort.Key(LOCAL, null, number, false), stages, new Capture(), held);
    }

    private void attach(UnderlayPort port) {
        port.attach(vtep, List.of(new MemoryTap()), Collections.singletonList(null));
    }

    private void peerSends() throws IOException {
        try (DatagramChannel peer = DatagramChannel.open()) {
            peer.send(ByteBuffer.wrap(DATAGRAM), new InetSocketAddress(InetAddress.getLoopbackAddress(), number));
        }
    }

    private void awaitFrames(long count) {
        Await.until(count + " frames", () -> vtep.counters().get(Counter.RX_FRAMES) == count);
    }

    /** As when memory is short. */
    @Test
    void aVtepThatCannotBeAttachedLeavesTheOthersReceiving() throws IOException {
        try (UnderlayPort port = port(false)) {
            attach(port);
            peerSends();
            awaitFrames(1);
            assertThrows(
                    NullPointerException.class,
                    () -> port.attach(null, List.of(new MemoryTap()), Collections.singletonList(null)));
            peerSends();
            awaitFrames(2);
        }
    }

    @Test
    void aPortWhoseLinesCannotBeStoppedClosesItsSockets() {
        Map<String, String> before = OpenFiles.now();
        UnderlayPort port;
        try (Stages ended = new Stages(EngineConfig.DEFAULT)) {
            port = new UnderlayPort(new UnderlayPort.Key(LOCAL, null, number, false), ended, new Capture(), false);
            attach(port);
        }
        assertThrows(RejectedExecutionException.class, port::close);
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void whatArrivesBeforeTheVtepsAreAttachedWaits() throws IOException {
        try (UnderlayPort port = port(true)) {
            peerSends();
            attach(port);
            peerSends();
            assertEquals(0, port.counters().get(Counter.RX_DATAGRAMS));
            port.release();
            awaitFrames(2);
            assertEquals(0, port.counters().get(Counter.VXLAN_VNI_NOT_FOUND));
        }
    }

    @Test
    void aPortWithoutVtepsLeavesDatagramsToTheNextOne() throws IOException {
        try (UnderlayPort port = port(false)) {
            attach(port);
            port.detach(vtep);
            peerSends();
            attach(port);
            awaitFrames(1);
        }
    }

    /**
     * More frames than a TAP writer takes at once come in one turn; each detached VTEP would keep
     * the slots of some.
     */
    @Test
    void aVtepThatIsDetachedInABurstKeepsNoSlotsOfThePort() throws IOException {
        UnsafeBuffer messages = messages();
        try (UnderlayPort port = port(false);
                LinuxUnderlaySender peer = LinuxUnderlaySender.open(
                        new SocketPools(), new SenderOptions(LOCAL, null, true, false, 0, 0, 1))) {
            for (int i = 1; i <= DETACHES; i++) {
                attach(port);
                CountDownLatch sent = new CountDownLatch(1);
                stages.workers().get(0).execute(() -> await(sent));
                peerSends(peer, messages);
                sent.countDown();
                awaitFrames((long) i * FRAMES);
                port.detach(vtep);
                assertEquals((long) i * FRAMES, vtep.counters().get(Counter.RX_DELIVERED));
            }
            attach(port);
            peerSends();
            awaitFrames(DETACHES * FRAMES + 1);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A VXLAN header, and frames of an EtherType that Weft does not merge. */
    private static UnsafeBuffer messages() {
        UnsafeBuffer buffer =
                new UnsafeBuffer(ByteBuffer.allocateDirect(VxlanHeader.LENGTH + FRAMES_PER_MESSAGE * FRAME_LENGTH));
        buffer.putBytes(0, Frames.bytes(Frames.VXLAN));
        byte[] header = Frames.bytes("eeee0aff8400eeee0aff630088b5");
        for (int i = 0; i < FRAMES_PER_MESSAGE; i++) {
            buffer.putBytes(VxlanHeader.LENGTH + i * FRAME_LENGTH, header);
        }
        return buffer;
    }

    private void peerSends(LinuxUnderlaySender peer, UnsafeBuffer message) {
        long address = message.addressOffset();
        for (int i = 0; i < MESSAGES; i++) {
            peer.to(new Outer().remote(LOCAL.high(), LOCAL.low(), number), 0);
            int length = FRAMES_PER_MESSAGE * FRAME_LENGTH;
            peer.add(address, VxlanHeader.LENGTH, 0, address + VxlanHeader.LENGTH, length, FRAME_LENGTH);
        }
        int left = peer.flush((tag, errno) -> {
            throw new AssertionError("errno " + errno);
        });
        assertEquals(FRAMES, left);
        assertEquals(0, peer.gsoRefused());
    }
}
