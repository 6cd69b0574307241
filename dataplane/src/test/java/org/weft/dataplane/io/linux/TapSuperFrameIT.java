package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.Outer;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Await;
import org.weft.testing.Commands;
import org.weft.testing.RequiresRoot;

/** Super-frames through a TAP, in both directions. */
@RequiresRoot
class TapSuperFrameIT {
    private static final int IP = TapHost.IP_OFFSET;
    private static final int TCP = IP + 20;
    private static final int TCP_HEADER_LENGTH = 20;
    private static final int MSS = 1_000;
    private static final int SYN_ACK = 0x12;
    private static final int LENGTH = 10 * MSS;

    private final TapHost host = new TapHost();
    private final byte[] bytes = new byte[LENGTH];
    private final UnsafeBuffer payload = new UnsafeBuffer(BufferUtil.allocateDirectAligned(LENGTH, Long.BYTES));

    TapSuperFrameIT() {
        new SplittableRandom(3).nextBytes(bytes);
        payload.putBytes(0, bytes);
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void grantsWhatTheKernelHas() {
        Offloads all = new Offloads(true, true, true, true);
        assertEquals(all, host.tap.offloads());
        host.tap.offloads(false, true);
        assertEquals(new Offloads(true, false, false, true), host.tap.offloads());
        host.tap.offloads(true, false);
        assertEquals(new Offloads(true, true, true, false), host.tap.offloads());
        host.tap.offloads(true, true);
        assertEquals(all, host.tap.offloads());
    }

    @Test
    void readsTcpUncutOrCutAsItIsSwitched() throws IOException {
        try (SocketChannel client = SocketChannel.open()) {
            int sequence = connect(client);
            client.write(ByteBuffer.wrap(bytes, 0, LENGTH / 2));
            assertTrue(readTcp(sequence, 0, LENGTH / 2), "nothing came uncut");
            host.tap.offloads(false, true);
            client.write(ByteBuffer.wrap(bytes, LENGTH / 2, 2 * MSS));
            assertFalse(readTcp(sequence, LENGTH / 2, 2 * MSS), "something came uncut");
        }
    }

    /** Reads all that the connection sends from one place to another. Returns whether any super-frame was among it. */
    private boolean readTcp(int sequence, int from, int length) {
        BitSet missing = new BitSet();
        missing.set(from, from + length);
        boolean uncut = false;
        while (!missing.isEmpty()) {
            read(() -> isTcp() && host.frame.length() > TCP + TCP_HEADER_LENGTH);
            int at = sequence() - sequence;
            byte[] read = new byte[host.frame.length() - TCP - TCP_HEADER_LENGTH];
            host.frame.buffer().getBytes(host.frame.offset() + TCP + TCP_HEADER_LENGTH, read);
            assertArrayEquals(Arrays.copyOfRange(bytes, at, at + read.length), read);
            assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, host.frame.vnetFlags());
            assertEquals(TCP, host.frame.checksumStart());
            assertEquals(16, host.frame.checksumOffset());
            if (host.frame.gsoType() != VirtioNetHeader.GSO_NONE && at >= from) {
                assertEquals(VirtioNetHeader.GSO_TCPV4, host.frame.gsoType());
                assertEquals(MSS, host.frame.gsoSize());
                uncut = true;
            }
            missing.clear(at, at + read.length);
        }
        return uncut;
    }

    /** The neighbour takes a connection. Returns the sequence number of its first byte. */
    private int connect(SocketChannel client) throws IOException {
        client.configureBlocking(false);
        client.connect(new InetSocketAddress(host.neighbour.toInetAddress(), 7));
        read(this::isTcp);
        int port = host.uint16(TCP);
        int sequence = sequence() + 1;
        host.putTcp(synAck(port, sequence));
        assertTrue(host.tap.write(host.frame) > 0);
        Await.until("a connection", () -> {
            try {
                return client.finishConnect();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        return sequence;
    }

    /** A SYN-ACK with a maximum segment size. */
    private static UnsafeBuffer synAck(int port, int acknowledged) {
        UnsafeBuffer tcp = new UnsafeBuffer(new byte[TCP_HEADER_LENGTH + 4]);
        TapHost.putUint16(tcp, 0, 7);
        TapHost.putUint16(tcp, 2, port);
        TapHost.putUint16(tcp, 8, acknowledged >>> 16);
        TapHost.putUint16(tcp, 10, acknowledged);
        TapHost.putUint16(tcp, 12, 6 << 12 | SYN_ACK);
        TapHost.putUint16(tcp, 14, 0xffff);
        TapHost.putUint16(tcp, 20, 2 << 8 | 4);
        TapHost.putUint16(tcp, 22, MSS);
        return tcp;
    }

    private boolean isTcp() {
        return host.uint16(12) == 0x0800 && host.uint8(IP + 9) == 6;
    }

    private int sequence() {
        return host.uint16(TCP + 4) << 16 | host.uint16(TCP + 6);
    }

    private void read(BooleanSupplier wanted) {
        Await.until("a frame on " + host.name, () -> {
            int length = host.tap.read(host.frame);
            assertTrue(length >= 0, () -> Errno.name(-length));
            return length > 0 && wanted.getAsBoolean();
        });
    }

    private LinuxUnderlaySender sender(IpAddress local) {
        return LinuxUnderlaySender.open(
                new SocketPools(), new SenderOptions(local, host.name, true, false, 41_000, 41_001, 1));
    }

    private void add(LinuxUnderlaySender sender, IpAddress to, int count, int length) {
        for (int i = 0; i < count; i++) {
            sender.to(new Outer().remote(to.high(), to.low(), 4789), 0);
            sender.add(payload.addressOffset() + i * length, length, 0, 0, 0, 0);
        }
        assertEquals(count, sender.flush((tag, errno) -> {
            throw new AssertionError(Errno.name(errno));
        }));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void readsUdpUncut(boolean ipv4) {
        int udp = IP + (ipv4 ? 20 : 40);
        try (LinuxUnderlaySender sender = sender(ipv4 ? host.local : host.local6)) {
            add(sender, ipv4 ? host.neighbour : host.neighbour6, 10, MSS);
            host.readUdp();
            assertEquals(VirtioNetHeader.GSO_UDP_L4, host.frame.gsoType());
            assertEquals(MSS, host.frame.gsoSize());
            assertEquals(udp, host.frame.checksumStart());
            assertEquals(6, host.frame.checksumOffset());
            byte[] read = new byte[LENGTH];
            assertEquals(udp + 8 + LENGTH, host.frame.length());
            host.frame.buffer().getBytes(host.frame.offset() + udp + 8, read);
            assertArrayEquals(bytes, read);
        }
    }

    /** Before Linux 6.12 the kernel refuses to cut for an interface without checksum offload, and all leave singly. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void losesNothingWhereTheInterfaceHelpsNot(boolean checksum) {
        host.tap.offloads(true, false);
        if (!checksum) {
            Commands.run("ethtool -K " + host.name + " tx off");
        }
        try (LinuxUnderlaySender sender = sender(host.local)) {
            add(sender, host.neighbour, 10, MSS);
            assertEquals(sender.gso(), sender.gsoRefused() == 0);
            for (int i = 0; i < 10; i++) {
                host.readUdp();
                assertEquals(VirtioNetHeader.GSO_NONE, host.frame.gsoType());
                byte[] read = new byte[MSS];
                assertEquals(IP + 28 + MSS, host.frame.length());
                host.frame.buffer().getBytes(host.frame.offset() + IP + 28, read);
                assertArrayEquals(Arrays.copyOfRange(bytes, i * MSS, (i + 1) * MSS), read);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void learnsWhatTheInterfaceDoesNotTake(boolean ipv4) {
        Link.of(host.name).mtu(1_400);
        IpAddress to = ipv4 ? host.neighbour : host.neighbour6;
        try (LinuxUnderlaySender sender = sender(ipv4 ? host.local : host.local6)) {
            for (int round = 0; round < 2; round++) {
                add(sender, to, 2, 2_000);
                // Two fragments of each.
                for (int i = 0; i < 4; i++) {
                    host.readUdp();
                    assertEquals(VirtioNetHeader.GSO_NONE, host.frame.gsoType());
                }
                assertEquals(1, sender.gsoRefused());
                assertTrue(sender.gso());
                add(sender, to, 2, MSS);
                host.readUdp();
                assertEquals(VirtioNetHeader.GSO_UDP_L4, host.frame.gsoType());
            }
            // The local address may be on lo; packets leave by the interface that the route names.
            sender.underlayMtu(65_536);
            add(sender, to, 2, 2_000);
            for (int i = 0; i < 4; i++) {
                host.readUdp();
            }
            assertEquals(1, sender.gsoRefused());
            Link.of(host.name).mtu(2_100);
            sender.underlayMtu(65_536);
            add(sender, to, 2, 2_000);
            host.readUdp();
            assertEquals(2_000, host.frame.gsoSize());
        }
    }

    @Test
    void writesUdpUncut() {
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        try (Worker worker = new Worker("weft-test");
                LinuxUnderlay receiver = LinuxUnderlay.bind(worker, host.local, host.name, 0, false)) {
            host.putDatagram(7_777, receiver.port(), 0, bytes);
            UnsafeBuffer buffer = host.frame.buffer();
            int start = host.frame.start();
            int pseudo = TapHost.sum(buffer, start + IP + 12, 8) + 17 + 8 + LENGTH;
            TapHost.putUint16(buffer, start + IP + 26, (pseudo & 0xffff) + (pseudo >>> 16));
            int headers = IP + 28;
            host.frame.vnet(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, VirtioNetHeader.GSO_UDP_L4, headers, MSS, IP + 20, 6);
            assertEquals(headers + LENGTH, host.tap.write(host.frame));
            Frame received = new Frame();
            List<Integer> lengths = new ArrayList<>();
            byte[] read = new byte[LENGTH];
            Await.until("all datagrams", () -> {
                if (receiver.receive(slab, slots, 1) == 1) {
                    received.wrap(slab, slots[0]);
                    int done = lengths.stream().mapToInt(i -> i).sum();
                    received.buffer().getBytes(received.offset(), read, done, received.length());
                    lengths.add(received.length());
                    assertEquals(MSS, received.segmentLength());
                }
                return lengths.stream().mapToInt(i -> i).sum() == LENGTH;
            });
            assertEquals(List.of(LENGTH), lengths);
            assertArrayEquals(bytes, read);
        }
    }
}
