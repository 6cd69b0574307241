package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
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
import org.weft.dataplane.io.UnderlaySender.FailureHandler;
import org.weft.encap.IpAddress;
import org.weft.testing.Allocations;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;

/** Sends from the sender to the receiver over loopback. */
class UnderlayTest {
    private static final int MAX_PAYLOAD_LENGTH = 65_507;
    private static final FailureHandler NO_FAILURES = (tag, errno) -> {
        throw new AssertionError("datagram " + tag + ": " + Errno.name(errno));
    };

    private final Worker worker = new Worker("weft-test");
    private final FrameSlab slab = new FrameSlab(64);
    private final Frame frame = new Frame();
    private final int[] slots = new int[64];
    private final UnsafeBuffer payload =
            new UnsafeBuffer(BufferUtil.allocateDirectAligned(MAX_PAYLOAD_LENGTH, Long.BYTES));

    private LinuxUnderlay receiver;
    private final Outer outer = new Outer();
    private LinuxUnderlaySender sender;
    private IpAddress local;

    private void open(String address, int sockets) {
        local = IpAddress.parse(address);
        receiver = LinuxUnderlay.bind(worker, local, null, 0, false);
        sender = LinuxUnderlaySender.open(new SocketPools(), options(local, sockets));
        sender.prepareDontFragment();
        Arrays.setAll(slots, i -> slab.claim());
    }

    private static SenderOptions options(IpAddress local, int sockets) {
        return new SenderOptions(local, null, true, false, 0, 0, sockets);
    }

    @AfterEach
    void close() {
        if (sender != null) {
            sender.close();
        }
        if (receiver != null) {
            receiver.close();
        }
        worker.close();
    }

    private void add(int length, int flowHash, int tos, int ttl, boolean dontFragment, int tag) {
        add(length, local, receiver.port(), flowHash, tos, ttl, dontFragment, tag);
    }

    private void add(
            int length, IpAddress to, int port, int flowHash, int tos, int ttl, boolean dontFragment, int tag) {
        outer.remote(to.high(), to.low(), port)
                .flowHash(flowHash)
                .tos(tos)
                .ttl(ttl)
                .dontFragment(dontFragment);
        sender.to(outer, tag);
        sender.add(payload.addressOffset(), length, 0, 0, 0, 0);
    }

    private int receive(int count) {
        int[] received = new int[1];
        int[] room = slots.clone();
        Await.until(count + " datagrams", () -> {
            int filled = receiver.receive(slab, room, count - received[0]);
            assertTrue(filled >= 0, () -> Errno.name(-filled));
            received[0] += filled;
            // What was received keeps its place; the rest moves up to index 0.
            System.arraycopy(slots, received[0], room, 0, slots.length - received[0]);
            return received[0] == count;
        });
        return received[0];
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesADatagramWithSourceAndTos(String address) {
        open(address, 1);
        payload.setMemory(0, 100, (byte) 0x5a);
        frame.wrap(slab, slots[0]);
        frame.offset(frame.start() - 8).vnet(1, 2, 3, 4, 5, 6);
        add(100, 0, 0xb9, 0, false, 0);
        assertEquals(1, sender.flush(NO_FAILURES));
        receive(1);
        frame.wrap(slab, slots[0]);
        assertEquals(100, frame.length());
        assertEquals(100, frame.segmentLength());
        assertEquals(frame.start() - 8, frame.offset());
        assertEquals(local.high(), frame.sourceHigh());
        assertEquals(local.low(), frame.sourceLow());
        assertEquals(sender.sourcePorts()[0], frame.sourcePort());
        assertEquals(0xb9, frame.outerTos());
        assertEquals(0, frame.vnetFlags() | frame.gsoType() | frame.gsoSize() | frame.headersLength());
        assertEquals(0, frame.checksumStart() | frame.checksumOffset());
        assertEquals(payload.getLong(92), frame.buffer().getLong(frame.offset() + 92));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesEveryTosInTheOrderOfItsFlow(String address) {
        open(address, 4);
        for (int block = 0; block < 256; block += slots.length) {
            for (int i = 0; i < slots.length; i++) {
                add(8, 0x7000_0000, block + i, i % 2 == 0 ? 0 : 64, i % 3 == 0, i);
            }
            assertEquals(slots.length, sender.flush(NO_FAILURES));
            receive(slots.length);
            int port = frame.wrap(slab, slots[0]).sourcePort();
            for (int i = 0; i < slots.length; i++) {
                assertEquals(block + i, frame.wrap(slab, slots[i]).outerTos());
                assertEquals(port, frame.sourcePort());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void sendsTheTtlItIsTold(String address) {
        open(address, 1);
        boolean ipv4 = local.isIpv4();
        int level = ipv4 ? SocketOptions.IPPROTO_IP : SocketOptions.IPPROTO_IPV6;
        // include/uapi/linux/in.h, in6.h: IP_RECVTTL, IPV6_RECVHOPLIMIT
        new SocketOptions(receiver.fd(), "test").set("RECVTTL", level, ipv4 ? 12 : 51, 1);
        for (int ttl : new int[] {0, 1, 5, 128, 255}) {
            add(8, 0, 0, ttl, false, 0);
        }
        assertEquals(5, sender.flush(NO_FAILURES));
        MessageVector messages = new MessageVector(5);
        for (int i = 0; i < 5; i++) {
            messages.resetForReceive(i);
            messages.piece(i, payload.addressOffset(), 8);
        }
        assertEquals(5, LibC.recvmmsg(receiver.fd(), messages.buffer(), 0, 5, 0));
        int[] expected = {64, 1, 5, 128, 255};
        for (int i = 0; i < 5; i++) {
            int type = ipv4 ? SocketOptions.IP_TTL : SocketOptions.IPV6_HOPLIMIT;
            assertEquals(expected[i], messages.controlByte(i, level, type));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 1_500, 60_000, MAX_PAYLOAD_LENGTH})
    void carriesDatagramsOfAllSizesUnchanged(int length) {
        open("127.0.0.1", 1);
        byte[] sent = new byte[length];
        new SplittableRandom(length).nextBytes(sent);
        payload.putBytes(0, sent);
        add(length, 0, 0, 0, false, 0);
        assertEquals(1, sender.flush(NO_FAILURES));
        receive(1);
        byte[] received = new byte[frame.wrap(slab, slots[0]).length()];
        frame.buffer().getBytes(frame.offset(), received);
        assertArrayEquals(sent, received);
    }

    @Test
    void receivesNothingWhereNothingWaits() {
        open("127.0.0.1", 1);
        assertEquals(0, receiver.receive(slab, slots, slots.length));
    }

    @Test
    void fillsNoMoreSlotsThanItMay() {
        open("127.0.0.1", 1);
        add(8, 0, 0, 0, false, 0);
        add(16, 0, 0, 0, false, 1);
        assertEquals(2, sender.flush(NO_FAILURES));
        receive(1);
        assertEquals(8, frame.wrap(slab, slots[0]).length());
        receive(1);
        assertEquals(16, frame.wrap(slab, slots[0]).length());
    }

    @Test
    void spreadsFlowsEvenlyOverThePortsAndKeepsEachInOrder() {
        open("127.0.0.1", 16);
        Map<Integer, Integer> lastOfPort = new HashMap<>();
        Map<Integer, Integer> portOfFlow = new HashMap<>();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < slots.length; i++) {
                int flow = i % 16;
                add(100 + round * slots.length + i, flow << 28, 0, 0, i % 5 == 0, i);
            }
            assertEquals(slots.length, sender.flush(NO_FAILURES));
            receive(slots.length);
            for (int slot : slots) {
                frame.wrap(slab, slot);
                int port = frame.sourcePort();
                Integer last = lastOfPort.put(port, frame.length());
                assertTrue(last == null || last < frame.length(), "out of order on port " + port);
                int flow = (frame.length() - 100) % slots.length % 16;
                Integer before = portOfFlow.put(flow, port);
                assertTrue(before == null || before == port, "flow " + flow + " moved");
            }
        }
        assertEquals(16, lastOfPort.size());
    }

    @Test
    void reportsEachFailedDatagramAndSendsTheOthers() {
        open("127.0.0.1", 1);
        List<String> failures = new ArrayList<>();
        IpAddress ipv6 = IpAddress.parse("2001:db8::1");
        add(8, 0, 0, 0, false, 10);
        add(8, ipv6, 4789, 0, 0, 0, false, 11);
        add(MAX_PAYLOAD_LENGTH + 1, local, 4789, 0, 0, 0, false, 12);
        add(16, 0, 0, 0, false, 13);
        add(8, local, 0, 0, 0, 0, false, 14);
        add(24, 0, 0, 0, false, 15);
        assertEquals(3, sender.flush((tag, errno) -> failures.add(tag + " " + Errno.name(errno))));
        failures.sort(null);
        assertEquals(List.of("11 EAFNOSUPPORT", "12 EMSGSIZE", "14 EINVAL"), failures);
        receive(3);
        assertEquals(8, frame.wrap(slab, slots[0]).length());
        assertEquals(16, frame.wrap(slab, slots[1]).length());
        assertEquals(24, frame.wrap(slab, slots[2]).length());
        assertEquals(0, sender.flush(NO_FAILURES));
    }

    @Test
    void refusesIpv4RemotesOnAnIpv6Socket() {
        open("::1", 1);
        IpAddress ipv4 = IpAddress.parse("127.0.0.1");
        List<String> failures = new ArrayList<>();
        add(8, ipv4, 4789, 0, 0, 0, false, 3);
        assertEquals(0, sender.flush((tag, errno) -> failures.add(tag + " " + Errno.name(errno))));
        assertEquals(List.of("3 EAFNOSUPPORT"), failures);
    }

    @Test
    void queuesNothingOnSendingSockets() {
        open("127.0.0.1", 1);
        int port = sender.sourcePorts()[0];
        add(8, local, port, 0, 0, 0, false, 0);
        sender.flush((tag, errno) -> {});
        // It would have been delivered before the next one, which goes the same way, arrives.
        add(8, 0, 0, 0, false, 1);
        sender.flush(NO_FAILURES);
        receive(1);
        assertEquals(0, queued(port));
    }

    /** Bytes in the receive queue of the socket on this port, by /proc/net/udp. */
    private static long queued(int port) {
        String suffix = ":%04X".formatted(port);
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/net/udp"))) {
            return lines.map(line -> line.strip().split("\\s+"))
                    .filter(fields -> fields[1].endsWith(suffix))
                    .mapToLong(fields -> Long.parseLong(fields[4].split(":")[1], 16))
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void allocatesNothingPerDatagram() {
        open("127.0.0.1", 4);
        long allocated = Allocations.during(2_000, () -> {
            for (int i = 0; i < 8; i++) {
                add(1_450, i << 29, i, i, i % 2 == 0, i);
            }
            if (sender.flush(NO_FAILURES) != 8) {
                throw new AssertionError("not all were sent");
            }
            int received = 0;
            while (received < 8) {
                received += receiver.receive(slab, slots, slots.length);
            }
        });
        assertEquals(0, allocated);
    }

    @Test
    void saysWhoUsuallyHasAPortThatIsTaken() {
        open("127.0.0.1", 1);
        Map<String, String> before = OpenFiles.now();
        LinuxException e = assertThrows(
                LinuxException.class, () -> LinuxUnderlay.bind(worker, local, null, receiver.port(), false));
        assertEquals(Errno.EADDRINUSE, e.errno());
        assertTrue(
                e.getMessage()
                        .startsWith("bind 127.0.0.1:" + receiver.port() + ": EADDRINUSE (Address already in use): "
                                + "another socket has this port, usually the kernel's own vxlan device; find it with"
                                + " \"ip -d link show type vxlan\" or \"ss -lunp\""),
                e.getMessage());
        assertEquals(before, OpenFiles.now());
    }

    /** The address may come later, as for the kernel's vxlan device. */
    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.77", "2001:db8::77"})
    void bindsToAnAddressThatNoInterfaceHas(String address) {
        IpAddress foreign = IpAddress.parse(address);
        try (LinuxUnderlay underlay = LinuxUnderlay.bind(worker, foreign, null, 0, false)) {
            assertNotEquals(0, underlay.port());
        }
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(new SocketPools(), options(foreign, 8))) {
            assertEquals(8, sender.sourcePorts().length);
        }
    }

    @Test
    void saysThatTheUnderlayInterfaceIsMissing() {
        IpAddress any = IpAddress.ANY_IPV4;
        Map<String, String> before = OpenFiles.now();
        LinuxException e =
                assertThrows(LinuxException.class, () -> LinuxUnderlay.bind(worker, any, "weft-missing", 0, false));
        assertEquals(Errno.ENODEV, e.errno());
        assertTrue(e.getMessage().contains("weft-missing"), e.getMessage());
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void leavesNoDescriptorOpen() {
        worker.call(() -> null);
        Map<String, String> before = OpenFiles.now();
        open("127.0.0.1", 32);
        // There are two for each source port, one of them for DF, and two that receive.
        assertEquals(before.size() + 2 * 32 + 2, OpenFiles.now().size());
        sender.close();
        sender.close();
        receiver.close();
        receiver.close();
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void canBeClosedFromTheLoop() {
        worker.call(() -> null);
        Map<String, String> before = OpenFiles.now();
        open("127.0.0.1", 1);
        worker.call(() -> {
            receiver.close();
            return null;
        });
        sender.close();
        assertEquals(before, OpenFiles.now());
        assertEquals(-Errno.EBADF, receiver.receive(slab, slots, 1));
    }

    @Test
    void forgetsABatchWhoseFailureHandlerThrew() {
        open("127.0.0.1", 1);
        add(8, local, 0, 0, 0, 0, false, 1);
        assertThrows(AssertionError.class, () -> sender.flush(NO_FAILURES));
        add(8, 0, 0, 0, false, 2);
        assertEquals(1, sender.flush(NO_FAILURES));
    }
}
