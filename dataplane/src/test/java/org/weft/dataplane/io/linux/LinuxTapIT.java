package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.linux.Worker.Registration;
import org.weft.encap.MacAddress;
import org.weft.testing.Allocations;
import org.weft.testing.Await;
import org.weft.testing.Commands;
import org.weft.testing.OpenFiles;
import org.weft.testing.RequiresRoot;

@RequiresRoot
class LinuxTapIT {
    private static final int NEEDS_CHECKSUM = 1;
    private static final int UDP_OFFSET = TapHost.IP_OFFSET + 20;
    private static final byte[] PAYLOAD = "cf-networking with silk!".getBytes(StandardCharsets.US_ASCII);

    private final TapHost host = new TapHost();
    private final Link link = Link.of(host.name);

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void grantsChecksumOffload() {
        assertTrue(host.tap.offloads().checksum());
        assertEquals(host.name, host.tap.name());
    }

    @Test
    void leavesWithItsDevice() {
        assertTrue(link.exists());
        Map<String, String> before = OpenFiles.now();
        host.tap.close();
        host.tap.close();
        assertFalse(link.exists());
        assertEquals(before.size() - 1, OpenFiles.now().size());
    }

    @Test
    void takesOverThePersistentDeviceOfADeadDaemon() {
        host.tap.close();
        LinuxTap.open(host.name, true).close();
        assertTrue(link.exists());
        int index = link.index();
        host.tap = LinuxTap.open(host.name, false);
        assertEquals(index, link.index());
        host.tap.close();
        assertFalse(link.exists());
    }

    @Test
    void takesOverADeviceThatAnOperatorMade() {
        host.tap.close();
        Commands.run("ip tuntap add dev " + host.name + " mode tap");
        host.tap = LinuxTap.open(host.name, false);
        assertTrue(host.tap.offloads().checksum());
        LinuxException e = assertThrows(LinuxException.class, () -> LinuxTap.open(host.name, false));
        assertEquals(Errno.EBUSY, e.errno());
    }

    @Test
    void refusesADeviceThatIsHeld() throws IOException {
        Map<String, String> before = OpenFiles.now();
        for (boolean up : new boolean[] {true, false}) {
            link.up(up);
            LinuxException e = assertThrows(LinuxException.class, () -> LinuxTap.open(host.name, false));
            assertEquals(Errno.EBUSY, e.errno());
            assertTrue(e.getMessage().contains("another process holds this TAP"), e.getMessage());
        }
        assertEquals(before, OpenFiles.now());
        link.up(true);
        Commands.run("ip neigh replace " + host.neighbour + " lladdr " + TapHost.NEIGHBOUR_MAC + " dev " + host.name);
        send(PAYLOAD);
        host.readUdp();
    }

    @Test
    void refusesANameThatIsNoTap() {
        Map<String, String> before = OpenFiles.now();
        LinuxException e = assertThrows(LinuxException.class, () -> LinuxTap.open("lo", false));
        assertEquals(
                "TUNSETIFF lo: EINVAL (Invalid argument): the name is taken by a device that is no TAP,"
                        + " see \"ip -d link\"; remove it with \"ip link del\", or choose another name",
                e.getMessage());
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void readsFramesWithTheirPartialChecksum() throws IOException {
        send(PAYLOAD);
        host.readUdp();
        assertEquals(host.frame.start(), host.frame.offset());
        assertEquals(UDP_OFFSET + 8 + PAYLOAD.length, host.frame.length());
        assertEquals(NEEDS_CHECKSUM, host.frame.vnetFlags());
        assertEquals(UDP_OFFSET, host.frame.checksumStart());
        assertEquals(6, host.frame.checksumOffset());
        assertEquals(0, host.frame.gsoType());
        assertEquals(0, host.frame.gsoSize());
        byte[] payload = new byte[PAYLOAD.length];
        host.frame.buffer().getBytes(host.frame.offset() + UDP_OFFSET + 8, payload);
        assertArrayEquals(PAYLOAD, payload);
    }

    @Test
    void writesFramesAndLetsTheKernelFinishTheirChecksum() throws IOException {
        try (DatagramChannel receiver = receiver()) {
            int port = ((InetSocketAddress) receiver.getLocalAddress()).getPort();
            host.putDatagram(7777, port, 0, PAYLOAD);
            UnsafeBuffer buffer = host.frame.buffer();
            int start = host.frame.start();
            // The pseudo-header: both addresses, protocol, UDP length.
            int pseudo = TapHost.sum(buffer, start + TapHost.IP_OFFSET + 12, 8) + 17 + 8 + PAYLOAD.length;
            TapHost.putUint16(buffer, start + UDP_OFFSET + 6, (pseudo & 0xffff) + (pseudo >>> 16));
            host.frame.vnet(NEEDS_CHECKSUM, 0, 0, 0, UDP_OFFSET, 6);
            int length = host.frame.length();
            assertEquals(length, host.tap.write(host.frame));
            assertArrayEquals(PAYLOAD, receive(receiver));
        }
    }

    @Test
    void countsItsFramesWhereIpLinkLooks() {
        host.putDatagram(7777, 9, 0, PAYLOAD);
        host.tap.write(host.frame);
        String statistics = Commands.run("cat /sys/class/net/" + host.name + "/statistics/rx_packets");
        assertEquals("1", statistics.strip());
    }

    @Test
    void readsNothingWhereNothingWaits() {
        drain();
        assertEquals(0, host.tap.read(host.frame));
    }

    @Test
    void saysThatTheDeviceIsDown() {
        link.up(false);
        host.putDatagram(7777, 9, 0, PAYLOAD);
        assertEquals(-Errno.EIO, host.tap.write(host.frame));
    }

    @Test
    void saysThatTheDeviceWasRemoved() {
        AtomicInteger failures = new AtomicInteger();
        host.putDatagram(7777, 9, 0, PAYLOAD);
        try (Worker worker = new Worker("weft-test")) {
            Registration registration = worker.onReadable(host.tap.fd(), () -> {}, failures::incrementAndGet);
            Commands.run("ip link del " + host.name);
            Await.until("a failure", () -> failures.get() > 0);
            registration.close();
        }
        assertEquals(-Errno.EBADFD, host.tap.read(host.frame));
        assertEquals(-Errno.EBADFD, host.tap.write(host.frame));
        assertFalse(link.exists());
    }

    @Test
    void allocatesNothingPerFrame() {
        drain();
        host.putDatagram(7777, 9, 0, PAYLOAD);
        long allocated = Allocations.during(2_000, () -> {
            host.frame.plain();
            if (host.tap.write(host.frame) < 0 || host.tap.read(host.frame) < 0) {
                throw new AssertionError("the device failed");
            }
        });
        assertEquals(0, allocated);
    }

    @Test
    void changesItsAddressMtuAndState() {
        link.mtu(1410);
        assertEquals(1410, link.mtu());
        link.up(false);
        assertFalse(link.up());
        link.mac(MacAddress.parse("ee:ee:0a:ff:7e:00"));
        assertEquals("ee:ee:0a:ff:7e:00", MacAddress.toString(link.mac()));
        link.up(true);
        assertTrue(link.up());
        Await.until("a carrier", link::running);
        assertEquals(host.name, Link.nameOfAddress(host.local));
        LinuxException e = assertThrows(LinuxException.class, () -> link.mtu(1));
        assertEquals(Errno.EINVAL, e.errno());
    }

    private void drain() {
        int length;
        do {
            length = host.tap.read(host.frame);
        } while (length > 0);
    }

    private void send(byte[] payload) throws IOException {
        try (DatagramChannel sender = DatagramChannel.open()) {
            sender.send(ByteBuffer.wrap(payload), new InetSocketAddress(host.neighbour.toInetAddress(), 7777));
        }
    }

    private DatagramChannel receiver() throws IOException {
        DatagramChannel receiver = DatagramChannel.open();
        receiver.bind(new InetSocketAddress(host.local.toInetAddress(), 0));
        receiver.configureBlocking(false);
        return receiver;
    }

    private static byte[] receive(DatagramChannel receiver) {
        ByteBuffer received = ByteBuffer.allocate(2_000);
        Await.until("a datagram", () -> {
            try {
                return receiver.receive(received) != null;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        return Arrays.copyOf(received.array(), received.position());
    }
}
