package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Outer;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;

/** Several workers that receive on one port. */
class ReusePortTest {
    private final List<Worker> workers = List.of(new Worker("weft-test-0"), new Worker("weft-test-1"));

    @AfterEach
    void close() {
        workers.forEach(Worker::close);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void sharesFlowsOutAndKeepsEachAtOneWorker(String address) {
        IpAddress local = IpAddress.parse(address);
        List<LinuxUnderlay> receivers = LinuxUnderlay.bind(workers, local, null, 0, false);
        try (LinuxUnderlaySender sender =
                LinuxUnderlaySender.open(new SocketPools(), new SenderOptions(local, null, true, false, 0, 0, 64))) {
            assertEquals(receivers.get(0).port(), receivers.get(1).port());
            Map<Integer, Integer> workerOfPort = new HashMap<>();
            for (int round = 0; round < 3; round++) {
                send(sender, local, receivers.get(0).port());
                receive(receivers, workerOfPort);
            }
            assertEquals(64, workerOfPort.size());
            assertTrue(workerOfPort.containsValue(0) && workerOfPort.containsValue(1));
        } finally {
            receivers.forEach(LinuxUnderlay::close);
        }
    }

    private static void send(LinuxUnderlaySender sender, IpAddress local, int port) {
        UnsafeBuffer payload = new UnsafeBuffer(BufferUtil.allocateDirectAligned(8, 8));
        for (int flow = 0; flow < 64; flow++) {
            sender.to(new Outer().remote(local.high(), local.low(), port).flowHash(flow << 26), flow);
            sender.add(payload.addressOffset(), 8, 0, 0, 0, 0);
        }
        assertEquals(64, sender.flush((tag, errno) -> {}));
    }

    private static void receive(List<LinuxUnderlay> receivers, Map<Integer, Integer> workerOfPort) {
        FrameSlab slab = new FrameSlab(64);
        int[] slots = new int[64];
        Arrays.setAll(slots, i -> slab.claim());
        Frame frame = new Frame();
        int[] total = new int[1];
        Await.until("64 datagrams", () -> {
            for (int worker = 0; worker < 2; worker++) {
                int received = receivers.get(worker).receive(slab, slots, slots.length);
                for (int i = 0; i < received; i++) {
                    Integer before = workerOfPort.put(frame.wrap(slab, slots[i]).sourcePort(), worker);
                    assertTrue(before == null || before == worker, "a flow changed its worker");
                }
                total[0] += received;
            }
            return total[0] == 64;
        });
    }

    @Test
    void refusesAPortThatAnotherSocketSharesToo() throws IOException {
        try (DatagramChannel foreign = DatagramChannel.open()) {
            foreign.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            foreign.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
            int port = ((InetSocketAddress) foreign.getLocalAddress()).getPort();
            workers.forEach(worker -> worker.call(() -> null));
            Map<String, String> before = OpenFiles.now();
            LinuxException e = assertThrows(
                    LinuxException.class,
                    () -> LinuxUnderlay.bind(workers, IpAddress.parse("127.0.0.1"), null, port, false));
            assertEquals(Errno.EADDRINUSE, e.errno());
            assertEquals(before, OpenFiles.now());
        }
    }
}
