package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.testing.Await;
import org.weft.testing.Commands;
import org.weft.testing.OpenFiles;
import org.weft.testing.RequiresRoot;

/** One device with a queue for each worker. */
@RequiresRoot
class TapQueuesIT {
    private static final int UDP = TapHost.IP_OFFSET + 20;

    private final TapHost host = new TapHost();
    private final Link link = Link.of(host.name);

    @AfterEach
    void close() {
        host.close();
    }

    private List<LinuxTap> open(int queues) {
        host.tap.close();
        return host.open(queues);
    }

    @Test
    void opensQueuesOfOneDeviceAndClosesThemTogether() {
        Map<String, String> before = OpenFiles.now();
        List<LinuxTap> queues = open(4);
        assertEquals(4, queues.size());
        assertEquals(before.size() + 3, OpenFiles.now().size());
        queues.forEach(queue -> assertEquals(host.name, queue.name()));
        queues.get(2).offloads(false, false);
        queues.forEach(queue -> assertEquals(new Offloads(true, false, false, false), queue.offloads()));
        queues.get(3).close();
        assertTrue(link.exists());
        queues.get(0).close();
        assertFalse(link.exists());
        assertEquals(before.size() - 1, OpenFiles.now().size());
    }

    @Test
    void refusesADeviceThatIsHeldHoweverManyQueuesItHas() {
        for (int held = 1; held <= 3; held++) {
            open(held);
            Map<String, String> before = OpenFiles.now();
            for (int wanted = 1; wanted <= 3; wanted++) {
                int queues = wanted;
                LinuxException e = assertThrows(LinuxException.class, () -> LinuxTap.open(host.name, false, queues));
                assertEquals(Errno.EBUSY, e.errno());
            }
            assertEquals(before, OpenFiles.now());
        }
    }

    @Test
    void refusesSeveralQueuesOfADeviceThatWasMadeForOne() {
        host.tap.close();
        Commands.run("ip tuntap add dev " + host.name + " mode tap");
        try {
            LinuxException e = assertThrows(LinuxException.class, () -> LinuxTap.open(host.name, false, 2));
            assertEquals(
                    "TUNSETIFF " + host.name + ": EINVAL (Invalid argument): the device was made without multi_queue"
                            + " and has one queue for 2 workers; remove it with \"ip link del\", or set workers to 1",
                    e.getMessage());
        } finally {
            Commands.run("ip link del " + host.name);
        }
    }

    @Test
    void takesOverAPersistentDeviceWithAnotherNumberOfQueues() {
        host.tap.close();
        LinuxTap.open(host.name, true, 3).get(0).close();
        int index = link.index();
        host.tap = LinuxTap.open(host.name, false, 2).get(0);
        assertEquals(index, link.index());
    }

    @Test
    void answersComeWhereTheFlowWasWritten() throws IOException {
        List<LinuxTap> queues = open(2);
        try (DatagramChannel local = DatagramChannel.open()) {
            local.bind(new InetSocketAddress(host.local.toInetAddress(), 0));
            int port = ((InetSocketAddress) local.getLocalAddress()).getPort();
            for (int flow = 0; flow < 16; flow++) {
                int queue = flow % 2;
                host.putDatagram(7_000 + flow, port, 0, new byte[8]);
                assertTrue(queues.get(queue).write(host.frame) > 0);
                local.send(
                        ByteBuffer.wrap(new byte[8]),
                        new InetSocketAddress(host.neighbour.toInetAddress(), 7_000 + flow));
                awaitUdp(queues.get(queue), 7_000 + flow);
            }
        }
    }

    private static void awaitUdp(LinuxTap queue, int port) {
        FrameSlab slab = new FrameSlab(1);
        Frame frame = new Frame().wrap(slab, slab.claim());
        Await.until("a datagram to port " + port, () -> {
            int length = queue.read(frame);
            int offset = frame.offset() + UDP + 2;
            return length > UDP + 8
                    && ((frame.buffer().getByte(offset) & 0xff) << 8
                                    | frame.buffer().getByte(offset + 1) & 0xff)
                            == port;
        });
    }
}
