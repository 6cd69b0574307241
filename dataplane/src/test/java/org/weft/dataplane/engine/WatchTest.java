package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.DatagramChannel;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.testing.LogLines;
import org.weft.testing.VtepConfigs;

class WatchTest {
    private static final int LOOKS = 3;

    /** The VTEP waits for an interface. When that is there, another socket has the port. */
    @Test
    void aVtepThatCannotBeBroughtUpIsAnObstacleAndIsLoggedOnce() throws IOException {
        try (DatagramChannel holder = DatagramChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
                LogLines log = LogLines.of(Watch.class)) {
            int port = ((InetSocketAddress) holder.getLocalAddress()).getPort();
            VtepConfig config = VtepConfigs.onLoopback("weft-absent", "weft-absent", port);
            try (Engine engine = new Engine(EngineConfig.DEFAULT, new Capture())) {
                engine.start(List.of(new VtepEntries(config, List.of(), List.of(), List.of(), false)));
                Vtep vtep = engine.vtep("weft-absent");
                vtep.config(VtepConfigs.onLoopback("weft-absent", "lo", port));
                for (int i = 0; i < LOOKS; i++) {
                    engine.watch().look();
                }
                assertEquals(1, log.lines().size(), log.lines()::toString);
                assertTrue(log.lines().get(0).contains("EADDRINUSE"), log.lines()::toString);
                assertNotNull(engine.obstacle(vtep));
            }
        }
    }
}
