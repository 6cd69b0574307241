package org.weft.dataplane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.config.ConfigFile;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.Frames;
import org.weft.testing.MemoryTap;

class UnderlayPortTest {
    private static final IpAddress LOCAL = IpAddress.parse("127.0.0.1");
    private static final byte[] DATAGRAM = Frames.bytes(Frames.VXLAN + Frames.INNER);

    private final Stages stages = new Stages(ConfigFile.none());
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
}
