package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** Containers on the hosts of real daemons, attached by {@code scripts/weft-cni}. */
@RequiresRoot
class CellContainersIT {
    private static final Path PLUGIN = Path.of(WeftDaemon.script() + "-cni");

    private CellLab lab;
    private CellHost first;
    private CellHost second;

    @BeforeEach
    void start() {
        lab = CellLab.plumb(Subject.WEFT, Subject.WEFT);
        first = lab.hosts.get(0);
        second = lab.hosts.get(1);
        lab.start(first);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void containersOfARuntimeOnTwoHostsTalk() {
        lab.start(second);
        try (Podman one = new Podman(first.netns, first.daemon().socket());
                Podman two = new Podman(second.netns, second.daemon().socket())) {
            one.run(
                    List.of("--detach", "--ip", "10.255.108.184"),
                    "nc",
                    "-ll",
                    "-p",
                    "7777",
                    "-e",
                    "echo",
                    "with silk!");
            Await.until("the service answers on its host", () -> first.netns
                    .attempt("busybox", "nc", "-w1", "10.255.108.184", "7777")
                    .output()
                    .contains("with silk!"));

            String heard = two.run(List.of("--rm"), "nc", "-w2", "10.255.108.184", "7777");
            assertEquals("with silk!", heard.strip());
            assertTrue(first.netns.hasDevice("s-010255108184"));

            one.removeAll();
            assertFalse(first.netns.hasDevice("s-010255108184"));
        }
    }

    @Test
    void containersOutliveADaemonThatIsKilled() {
        try (Netns app = Netns.create("app");
                Netns other = Netns.create("other")) {
            JsonObject result = plugin(app).add(null);
            JsonObject gone = plugin(other).add(null);
            first.daemon().kill();
            plugin(other).run("DEL", gone);
            assertFalse(first.netns.hasDevice("s-010255108002"));

            first.restartWeft();
            plugin(app).run("CHECK", result);
            assertEquals(result, plugin(app).add(null));
            assertEquals(3, plugin(other).error("CHECK", gone).get("code").getAsInt());
        }
    }

    private CniPlugin plugin(Netns app) {
        return new CniPlugin(
                        first.netns,
                        PLUGIN,
                        "1.0.0",
                        "silk",
                        "{\"type\": \"weft-cni\", \"control\": \""
                                + first.daemon().socket() + "\"}")
                .container(app.name(), app);
    }
}
