package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.testing.Commands;
import org.weft.testing.LogLines;
import org.weft.testing.OpenFiles;
import org.weft.testing.RequiresRoot;
import org.weft.testing.VtepConfigs;

/** Devices that fail while they are closed or made again. */
@RequiresRoot
class OpenDevicesIT {
    private static final int LOOKS = 3;

    private final String name = "weft%04x".formatted(ThreadLocalRandom.current().nextInt(0x10000));
    private int port;

    @BeforeEach
    void chooseAPort() throws IOException {
        try (DatagramChannel free = bound()) {
            port = port(free);
        }
    }

    private static DatagramChannel bound() throws IOException {
        return DatagramChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
    }

    private static int port(DatagramChannel channel) throws IOException {
        return ((InetSocketAddress) channel.getLocalAddress()).getPort();
    }

    private Vtep add(Engine engine) {
        VtepConfig config = VtepConfigs.onLoopback(name, null, port);
        return engine.add(new VtepEntries(config, List.of(), List.of(), List.of(), false));
    }

    /** The other VTEP of the port has no configuration, so the port cannot receive for it again. */
    @Test
    void aPortThatCannotStartAgainLeavesNoDeviceOfAnotherVtepOpen() {
        Map<String, String> before = OpenFiles.now();
        try (OpenDevices devices = new OpenDevices(EngineConfig.DEFAULT, new Capture())) {
            Vtep vtep = new Vtep(VtepConfigs.onLoopback(name, null, port, 1));
            Vtep other = new Vtep(VtepConfigs.onLoopback(name + "x", null, port, 2));
            VtepConfig config = other.config();
            devices.open(vtep);
            devices.open(other);
            assertThrows(NullPointerException.class, () -> other.config(null));
            assertThrows(NullPointerException.class, () -> devices.shut(vtep));
            assertFalse(Link.of(name).exists());
            assertNull(devices.of(vtep));
            other.config(config);
            devices.open(vtep);
            assertTrue(Link.of(name).exists());
        }
        assertFalse(Link.of(name).exists());
        assertEquals(before, OpenFiles.now());
    }

    /** The kernel refuses to forget a device whose descriptor is closed. */
    @Test
    void aVtepThatCannotBeForsakenIsRemoved() {
        Map<String, String> before = OpenFiles.now();
        try (Engine engine = new Engine(EngineConfig.DEFAULT, new Capture())) {
            Vtep vtep = add(engine);
            engine.tap(vtep).queues().get(0).close();
            assertThrows(LinuxException.class, () -> engine.remove(vtep));
            assertNull(engine.vtep(name));
            assertEquals(Map.of(), engine.underlays());
            engine.remove(add(engine));
        }
        assertEquals(before, OpenFiles.now());
    }

    /** Another socket has the port that the VTEP needs. */
    @Test
    void aDeviceThatCannotBeMadeAgainIsAnObstacleAndIsLoggedOnce() throws IOException {
        try (Engine engine = new Engine(EngineConfig.DEFAULT, new Capture());
                LogLines log = LogLines.of(Watch.class)) {
            Vtep vtep = add(engine);
            Commands.run("ip link del " + name);
            try (DatagramChannel holder = bound()) {
                vtep.config(VtepConfigs.onLoopback(name, null, port(holder)));
                for (int i = 0; i < LOOKS; i++) {
                    engine.watch().look();
                    assertNotNull(engine.obstacle(vtep));
                }
                assertEquals(2, log.lines().size(), log.lines()::toString);
                assertEquals(name + ": the TAP device is gone", log.lines().get(0));
                assertTrue(log.lines().get(1).contains("EADDRINUSE"), log.lines()::toString);
            }
            engine.watch().look();
            assertTrue(Link.of(name).exists());
            assertEquals(name + ": all is well again", log.lines().get(2));
            assertNull(engine.obstacle(vtep));
        }
    }
}
