package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;
import org.weft.testing.OpenFiles;

class SocketPoolTest {
    private static final IpAddress LOCAL = IpAddress.parse("127.0.0.1");

    /** Below the range that the kernel hands out, so that nothing else here has these ports. */
    private static final int MIN = 21_000;

    @Test
    void spreadsPortsEvenlyOverTheRange() {
        assertArrayEquals(new int[] {MIN, MIN + 25, MIN + 50, MIN + 75}, ports(MIN, MIN + 100, 4));
    }

    @Test
    void opensNoMoreSocketsThanTheRangeHasPorts() {
        assertArrayEquals(new int[] {MIN, MIN + 1, MIN + 2}, ports(MIN, MIN + 3, 256));
    }

    @Test
    void usesOnePortWhereTheRangeIsEmpty() {
        assertArrayEquals(new int[] {MIN}, ports(MIN, MIN, 4));
    }

    @Test
    void staysInTheKernelsRangeByDefault() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/sys/net/ipv4/ip_local_port_range"))
                .get(0);
        int[] range = Arrays.stream(line.strip().split("\\s+"))
                .mapToInt(Integer::parseInt)
                .toArray();
        int[] ports = ports(0, 0, 256);
        assertEquals(256, ports.length);
        assertTrue(ports[0] >= range[0] && ports[255] < range[1]);
    }

    @Test
    void leavesOutPortsThatAreInUse() throws IOException {
        try (DatagramChannel taken = taken(MIN + 10);
                DatagramChannel taken2 = taken(MIN + 20)) {
            assertTrue(taken.isOpen() && taken2.isOpen());
            assertArrayEquals(new int[] {MIN + 11, MIN + 15}, ports(MIN + 10, MIN + 20, 2));
            assertArrayEquals(new int[] {MIN + 19, MIN + 21}, ports(MIN + 19, MIN + 22, 3));
        }
    }

    @Test
    void saysThatNoPortIsFree() throws IOException {
        try (DatagramChannel taken = taken(MIN)) {
            assertTrue(taken.isOpen());
            Map<String, String> before = OpenFiles.now();
            LinuxException e = assertThrows(LinuxException.class, () -> ports(MIN, MIN + 1, 4));
            assertEquals(Errno.EADDRINUSE, e.errno());
            assertTrue(e.getMessage().endsWith("no source port is free; widen srcport"), e.getMessage());
            assertEquals(before, OpenFiles.now());
        }
    }

    @Test
    void refusesRangesThatAreNone() {
        assertThrows(IllegalArgumentException.class, () -> options(5, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> options(-1, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> options(1, 65_537, 1));
        assertThrows(IllegalArgumentException.class, () -> options(1, 2, 0));
    }

    @Test
    void bindsToAnInterfaceAgain() {
        SenderOptions options = new SenderOptions(LOCAL, "lo", true, false, MIN, MIN + 2, 2);
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(new SocketPools(), options)) {
            sender.prepareDontFragment();
            sender.followDevice(Link.of("lo").index() + 1);
            assertFalse(sender.sourcePorts().length == 0);
        }
    }

    @Test
    void sendersWithEqualOptionsShareTheirSockets() throws IOException {
        Map<String, String> before = OpenFiles.now();
        SocketPools pools = new SocketPools();
        SenderOptions options = options(MIN, MIN + 8, 8);
        assertEquals(8, pools.missing(options));
        LinuxUnderlaySender first = LinuxUnderlaySender.open(pools, options);
        Map<String, String> open = OpenFiles.now();
        assertEquals(before.size() + 8, open.size());
        assertEquals(0, pools.missing(options(MIN, MIN + 8, 8)));
        LinuxUnderlaySender second = LinuxUnderlaySender.openSmall(pools, options(MIN, MIN + 8, 8));
        assertEquals(open, OpenFiles.now());
        assertArrayEquals(first.sourcePorts(), second.sourcePorts());
        first.close();
        first.close();
        assertEquals(open, OpenFiles.now());
        second.close();
        assertEquals(before, OpenFiles.now());
        assertEquals(8, pools.missing(options));
    }

    @Test
    void aSenderWithoutMemoryGivesItsSocketsBack() {
        Map<String, String> before = OpenFiles.now();
        SocketPools pools = new SocketPools();
        SenderOptions options = options(MIN, MIN + 8, 8);
        assertThrows(OutOfMemoryError.class, () -> new LinuxUnderlaySender(pools, options, Integer.MAX_VALUE));
        assertEquals(before, OpenFiles.now());
        assertEquals(8, pools.missing(options));
    }

    /** The last socket is not bound, first of the pool, then of those that set DF. */
    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void anErrorLeavesNoSocketOfItsKindOpen(int last) {
        Map<String, String> before = OpenFiles.now();
        SocketPools pools = new SocketPools() {
            private int bound;

            @Override
            synchronized int bind(int fd, IpAddress local, int port) {
                if (++bound == last) {
                    throw new OutOfMemoryError("thrown by a test");
                }
                return super.bind(fd, local, port);
            }
        };
        assertThrows(OutOfMemoryError.class, () -> {
            try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(pools, options(MIN, MIN + 4, 4))) {
                assertEquals(before.size() + 4, OpenFiles.now().size());
                try {
                    sender.prepareDontFragment();
                } finally {
                    assertEquals(before.size() + 4, OpenFiles.now().size());
                }
            }
        });
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void socketsOfAnotherKindJoinThePortsOfThisProcessAndForeignOnesCannot() throws IOException {
        Map<String, String> before = OpenFiles.now();
        SocketPools pools = new SocketPools();
        SenderOptions withoutChecksum = new SenderOptions(LOCAL, null, false, false, MIN, MIN + 4, 4);
        SenderOptions anyAddress = new SenderOptions(IpAddress.parse("0.0.0.0"), null, true, false, MIN, MIN + 4, 4);
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(pools, options(MIN, MIN + 4, 4));
                LinuxUnderlaySender other = LinuxUnderlaySender.open(pools, withoutChecksum);
                LinuxUnderlaySender any = LinuxUnderlaySender.open(pools, anyAddress)) {
            sender.prepareDontFragment();
            any.prepareDontFragment();
            assertArrayEquals(sender.sourcePorts(), other.sourcePorts());
            assertArrayEquals(sender.sourcePorts(), any.sourcePorts());
            assertEquals(before.size() + 5 * 4, OpenFiles.now().size());
            for (int port : sender.sourcePorts()) {
                assertThrows(BindException.class, () -> joining(port).close());
            }
        }
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void doesNotJoinAPortThatAnotherProcessShares() throws IOException {
        try (DatagramChannel foreign = joining(MIN)) {
            assertTrue(foreign.isOpen());
            SocketPools pools = new SocketPools();
            assertThrows(LinuxException.class, () -> LinuxUnderlaySender.open(pools, options(MIN, MIN + 1, 1)));
        }
    }

    @Test
    void readsListsOfReservedPorts() {
        assertEquals(new BitSet(), PortRange.ports(""));
        assertEquals(
                "{8080, 9148, 9149, 9150, 65535}",
                PortRange.ports("8080,9148-9150,65535").toString());
    }

    /** A socket that lets others of the same user bind to its port. */
    private static DatagramChannel joining(int port) throws IOException {
        DatagramChannel channel = DatagramChannel.open();
        try {
            return channel.setOption(StandardSocketOptions.SO_REUSEPORT, true)
                    .bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static SenderOptions options(int min, int max, int sockets) {
        return new SenderOptions(LOCAL, null, true, false, min, max, sockets);
    }

    private static int[] ports(int min, int max, int sockets) {
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(new SocketPools(), options(min, max, sockets))) {
            return sender.sourcePorts();
        }
    }

    private static DatagramChannel taken(int port) throws IOException {
        return DatagramChannel.open().bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
    }
}
