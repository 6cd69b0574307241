package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender.FailureHandler;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.Commands;
import org.weft.testing.OpenFiles;
import org.weft.testing.RequiresRoot;

/** What the sockets put on the wire and take from it; the wire is a TAP. */
@RequiresRoot
class UnderlayWireIT {
    private static final int IP = TapHost.IP_OFFSET;
    private static final int IPV4_UDP = IP + 20;
    private static final int IPV6_UDP = IP + 40;
    private static final int DONT_FRAGMENT = 0x4000;
    private static final int MORE_FRAGMENTS = 0x2000;
    private static final int MTU = 1400;
    private static final FailureHandler NO_FAILURES = (tag, errno) -> {
        throw new AssertionError("datagram " + tag + ": " + Errno.name(errno));
    };

    private final TapHost host = new TapHost();
    private final UnsafeBuffer payload = new UnsafeBuffer(BufferUtil.allocateDirectAligned(4_000, Long.BYTES));

    UnderlayWireIT() {
        Link.of(host.name).mtu(MTU);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private LinuxUnderlaySender sender(IpAddress local, boolean udpChecksum, boolean ipv6ZeroChecksum) {
        SenderOptions options = new SenderOptions(local, host.name, udpChecksum, ipv6ZeroChecksum, 41_000, 42_000, 4);
        LinuxUnderlaySender sender = LinuxUnderlaySender.open(new SocketPools(), options);
        sender.prepareDontFragment();
        return sender;
    }

    private void add(LinuxUnderlaySender sender, IpAddress to, int length, int tos, int ttl, boolean df, int tag) {
        sender.to(
                new Outer().remote(to.high(), to.low(), 4789).tos(tos).ttl(ttl).dontFragment(df), tag);
        sender.add(payload.addressOffset(), length, 0, 0, 0, 0);
    }

    @Test
    void writesTtlTosAndDontFragmentOfEachDatagramInOrderFromOnePort() {
        try (LinuxUnderlaySender sender = sender(host.local, true, false)) {
            add(sender, host.neighbour, 100, 0, 0, false, 0);
            add(sender, host.neighbour, 101, 0x03, 7, true, 1);
            add(sender, host.neighbour, 102, 0xb8, 255, false, 2);
            assertEquals(3, sender.flush(NO_FAILURES));
            assertIpv4(100, 0, 64, 0);
            assertIpv4(101, 0x03, 7, DONT_FRAGMENT);
            assertIpv4(102, 0xb8, 255, 0);
        }
    }

    private void assertIpv4(int length, int tos, int ttl, int fragment) {
        host.readUdp();
        assertEquals(28 + length, host.uint16(IP + 2));
        assertEquals(tos, host.uint8(IP + 1));
        assertEquals(ttl, host.uint8(IP + 8));
        assertEquals(fragment, host.uint16(IP + 6));
        assertEquals(41_000, host.uint16(IPV4_UDP));
        assertEquals(4789, host.uint16(IPV4_UDP + 2));
    }

    @Test
    void leavesTheChecksumOutWhenTold() {
        try (LinuxUnderlaySender with = sender(host.local, true, false);
                LinuxUnderlaySender without = sender(host.local, false, false)) {
            add(with, host.neighbour, 100, 0, 0, false, 0);
            with.flush(NO_FAILURES);
            host.readUdp();
            assertNotEquals(0, host.uint16(IPV4_UDP + 6));
            add(without, host.neighbour, 100, 0, 0, false, 0);
            without.flush(NO_FAILURES);
            host.readUdp();
            assertEquals(0, host.uint16(IPV4_UDP + 6));
        }
    }

    @Test
    void letsTheKernelFragmentWhatExceedsTheInterface() {
        try (LinuxUnderlaySender sender = sender(host.local, true, false)) {
            add(sender, host.neighbour, MTU, 0, 0, false, 0);
            assertEquals(1, sender.flush(NO_FAILURES));
            host.readUdp();
            assertEquals(MORE_FRAGMENTS, host.uint16(IP + 6));
            host.readUdp();
            assertNotEquals(0, host.uint16(IP + 6) & 0x1fff);
        }
    }

    @Test
    void refusesToFragmentWhatHasDontFragment() {
        try (LinuxUnderlaySender sender = sender(host.local, true, false)) {
            List<String> failures = new ArrayList<>();
            add(sender, host.neighbour, MTU - 28, 0, 0, true, 1);
            add(sender, host.neighbour, MTU - 27, 0, 0, true, 2);
            add(sender, host.neighbour, 50, 0, 0, true, 3);
            assertEquals(2, sender.flush((tag, errno) -> failures.add(tag + " " + Errno.name(errno))));
            assertEquals(List.of("2 EMSGSIZE"), failures);
            host.readUdp();
            assertEquals(MTU, host.uint16(IP + 2));
            host.readUdp();
            assertEquals(78, host.uint16(IP + 2));
        }
    }

    @Test
    void writesHopLimitTrafficClassAndZeroChecksumOverIpv6() {
        try (LinuxUnderlaySender with = sender(host.local6, true, false);
                LinuxUnderlaySender without = sender(host.local6, true, true)) {
            add(with, host.neighbour6, 100, 0xb9, 9, true, 0);
            assertEquals(1, with.flush(NO_FAILURES));
            host.readUdp();
            assertEquals(0x6b90, host.uint16(IP));
            assertEquals(0, host.uint16(IP + 2));
            assertEquals(9, host.uint8(IP + 7));
            assertEquals(41_000, host.uint16(IPV6_UDP));
            assertNotEquals(0, host.uint16(IPV6_UDP + 6));
            add(without, host.neighbour6, 100, 0, 0, false, 0);
            assertEquals(1, without.flush(NO_FAILURES));
            host.readUdp();
            assertEquals(0x6000, host.uint16(IP));
            assertEquals(64, host.uint8(IP + 7));
            assertEquals(0, host.uint16(IPV6_UDP + 6));
        }
    }

    @Test
    void reportsThatTheInterfaceIsDown() {
        try (LinuxUnderlaySender sender = sender(host.local, true, false)) {
            Link.of(host.name).up(false);
            List<Integer> failures = new ArrayList<>();
            add(sender, host.neighbour, 100, 0, 0, false, 5);
            assertEquals(0, sender.flush((tag, errno) -> failures.add(errno)));
            assertEquals(1, failures.size());
            assertTrue(
                    List.of(Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.ENETDOWN, Errno.EINVAL)
                            .contains(failures.get(0)),
                    Errno.name(failures.get(0)));
        }
    }

    @Test
    void givesUpOnWhatDoesNotFitTheSendBuffer() {
        Map<String, String> before = OpenFiles.now();
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(
                new SocketPools(), new SenderOptions(host.local, host.name, true, false, 41_000, 41_001, 1))) {
            sender.prepareDontFragment();
            List<String> sockets = OpenFiles.now().keySet().stream()
                    .filter(open -> !before.containsKey(open))
                    .toList();
            assertEquals(2, sockets.size(), "one sets DF");
            for (String fd : sockets) {
                // include/uapi/asm-generic/socket.h: SOL_SOCKET, SO_SNDBUF
                new SocketOptions(Integer.parseInt(fd), "test").set("SO_SNDBUF", 1, 7, 8_192);
            }
            // What waits for a neighbour to answer stays in the buffer.
            Commands.run("ip neigh del " + host.neighbour + " dev " + host.name);
            List<Integer> failed = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                add(sender, host.neighbour, 1_000, 0, 0, i % 2 == 0, i);
            }
            long start = System.nanoTime();
            int sent = sender.flush((tag, errno) -> {
                assertEquals("EAGAIN", Errno.name(errno));
                failed.add(tag);
            });
            assertTrue(System.nanoTime() - start < 500_000_000L, "waited for each");
            assertTrue(sent > 0 && sent < 100, sent + " sent");
            assertEquals(IntStream.range(sent, 100).boxed().toList(), failed);
            assertEquals(0, sent % 2, "both sockets are full after as many");
        }
    }

    @Test
    void flowsAgainAfterTheInterfaceCameBackWithAnotherIndex() {
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        try (Worker worker = new Worker("weft-test");
                LinuxUnderlay receiver = LinuxUnderlay.bind(worker, host.local, host.name, 0, false);
                LinuxUnderlaySender sender = sender(host.local, true, false)) {
            host.tap.close();
            host.open();
            receiver.bindToDevice();
            sender.followDevice(Link.of(host.name).index());
            host.putDatagram(50_000, receiver.port(), 0x03, new byte[100]);
            assertTrue(host.tap.write(host.frame) > 0);
            Await.until("a datagram", () -> receiver.receive(slab, slots, 1) == 1);
            Frame received = new Frame().wrap(slab, slots[0]);
            assertEquals(100, received.length());
            assertEquals(host.neighbour, new IpAddress(received.sourceHigh(), received.sourceLow()));
            assertEquals(50_000, received.sourcePort());
            assertEquals(0x03, received.outerTos());
            add(sender, host.neighbour, 100, 0, 0, false, 0);
            assertEquals(1, sender.flush(NO_FAILURES));
            host.readUdp();
        }
    }
}
