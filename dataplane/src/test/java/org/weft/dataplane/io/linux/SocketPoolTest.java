package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.linux.LinuxUnderlaySender.Options;
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
        Options options = new Options(LOCAL, "lo", true, false, MIN, MIN + 2, 2);
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(options)) {
            sender.bindToDevice();
            assertFalse(sender.sourcePorts().length == 0);
        }
    }

    private static Options options(int min, int max, int sockets) {
        return new Options(LOCAL, null, true, false, min, max, sockets);
    }

    private static int[] ports(int min, int max, int sockets) {
        try (LinuxUnderlaySender sender = LinuxUnderlaySender.open(options(min, max, sockets))) {
            return sender.sourcePorts();
        }
    }

    private static DatagramChannel taken(int port) throws IOException {
        return DatagramChannel.open().bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
    }
}
