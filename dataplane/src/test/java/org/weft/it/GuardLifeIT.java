package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** How long the rules that guard containers stay, and what is said where there can be none. */
@RequiresRoot
class GuardLifeIT {
    private static final String TABLE = "inet weft-silk-vtep-cell";

    private CellLab lab;
    private CellHost host;

    @BeforeEach
    void plumb() {
        lab = CellLab.plumb(Subject.WEFT);
        host = lab.hosts.get(0);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private boolean stands() {
        return host.netns.exec("nft", "list", "tables").contains(TABLE);
    }

    @Test
    void theTableOutlivesTheDaemonButNotTheCell() {
        lab.populate();
        assertEquals(0, host.daemon().terminate());
        assertTrue(stands(), "containers are still there");
        host.restartWeft();
        assertTrue(stands());
        host.daemon().kill();
        assertTrue(stands());
        host.restartWeft();

        List.copyOf(host.containers()).forEach(host::detach);
        host.weft("drain --timeout 60");
        assertEquals(0, host.daemon().exitCode());
        assertFalse(stands());
    }

    @Test
    void aHostWithoutNftWorksAndSaysWhatItLacks() throws IOException {
        host.sections("policy: {state: " + lab.directory().resolve("policy") + "}\nmetrics: 127.0.0.1:9477");
        host.startWeft(lab.source(), "env", "PATH=" + programsButNft());
        host.attach("10.255.108.9");

        String trouble =
                "containers can forge sources and tags, as nothing keeps them from UDP port 4789: the command nft"
                        + " does not run: install nftables";
        assertEquals(1, host.daemon().log().split(trouble, -1).length - 1, host.daemon()::log);
        ControlClient.Answer ready = host.daemon().control().attempt("GET", "/readyz", "");
        assertEquals(200, ready.status(), "packets pass");
        assertTrue(ready.body().startsWith("ok, but " + trouble), ready.body());
        assertTrue(
                host.netns.exec("curl", "-sS", "http://127.0.0.1:9477/metrics").contains("weft_guard_in_force 0.0"));
        JsonObject cell = host.daemon().control().get("/v1/cell").getAsJsonObject();
        assertTrue(cell.getAsJsonObject("guard").get("trouble").getAsString().startsWith(trouble), cell::toString);
        assertTrue(host.weft("cell show").startsWith("weft: " + trouble));
        Command converge = host.daemon().client("converge");
        assertEquals(71, converge.exitCode(), converge::toString);
        assertTrue(converge.output().startsWith("! table " + TABLE + " (refused: " + trouble), converge::toString);
    }

    /** All that the daemon and its launcher run. */
    private Path programsButNft() throws IOException {
        Path programs = Files.createDirectory(lab.directory().resolve("bin"));
        for (String name : List.of("bash", "env", "head", "ip", "nsenter", "readlink", "sed", "sh")) {
            Path program = Stream.of("/usr/bin", "/usr/sbin")
                    .map(directory -> Path.of(directory, name))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow();
            Files.createSymbolicLink(programs.resolve(name), program);
        }
        return programs;
    }
}
