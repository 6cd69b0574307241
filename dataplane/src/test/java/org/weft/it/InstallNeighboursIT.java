package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** A VTEP with {@code install-neighbours} keeps its neighbours in the kernel too, as silk does. */
@RequiresRoot
class InstallNeighboursIT {
    private static final String MAC = "ee:ee:0a:ff:63:00";
    private static final String OTHER_MAC = "ee:ee:0a:ff:2b:00";
    private static final Map<String, String> CONFIGURED = Map.of("10.255.99.0", MAC, "fd00:99::3", MAC);
    private static final String CONFIG =
            """
            underlay:
              local: 10.0.16.14
            vteps:
              - name: silk-vtep
                vni: 1
                address: 10.255.126.0/16
                mtu: 1410
                install-neighbours: true
                neighbours:
                  - {ip: 10.255.99.0, mac: "ee:ee:0a:ff:63:00"}
                  - {ip: "fd00:99::3", mac: "ee:ee:0a:ff:63:00"}
            """;

    private HostLab lab;
    private WeftDaemon daemon;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
        lab.host.sysctl("net.ipv6.conf.default.disable_ipv6", "0");
        daemon = new WeftDaemon(lab.host, CONFIG);
        daemon.start();
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        lab.close();
    }

    @Test
    void configuredNeighboursAreTheKernels() {
        assertEquals(CONFIGURED, kernels());
    }

    @Test
    void changesReachTheKernel() {
        neighbour("add", "10.255.43.0", OTHER_MAC);
        neighbour("replace", "10.255.99.0", OTHER_MAC);
        neighbour("del", "fd00:99::3", null);
        assertEquals(Map.of("10.255.43.0", OTHER_MAC, "10.255.99.0", OTHER_MAC), kernels());
        change("{'object':'neigh','action':'flush','dev':'silk-vtep'}");
        assertEquals(Map.of(), kernels());
    }

    @Test
    void switchingItTakesThemOutAndPutsThemIn() {
        install(false);
        assertEquals(Map.of(), kernels());
        neighbour("add", "10.255.43.0", OTHER_MAC);
        assertEquals(Map.of(), kernels());
        neighbour("del", "10.255.43.0", null);
        install(true);
        assertEquals(CONFIGURED, kernels());
    }

    /** The kernel removes neighbours like this after {@code ip link set silk-vtep down}. */
    @Test
    void neighboursThatTheKernelHasForgottenCanBeRemoved() {
        lab.host.ip("neigh flush dev silk-vtep nud permanent");
        assertEquals(Map.of(), kernels());

        neighbour("del", "10.255.99.0", null);
        change("{'object':'neigh','action':'flush','dev':'silk-vtep'}");

        assertEquals("[]", daemon.control().get("/v1/neigh").toString());
    }

    @Test
    void deviceThatIsMadeAgainHasThem() {
        neighbour("add", "10.255.43.0", OTHER_MAC);
        Map<String, String> before = kernels();
        lab.host.ip("link del silk-vtep");
        Await.until(
                "neighbours are there again",
                () -> lab.host.hasDevice("silk-vtep") && kernels().equals(before));
    }

    private void neighbour(String action, String ip, String mac) {
        String lladdr = mac == null ? "" : ",'lladdr':'" + mac + "'";
        change("{'object':'neigh','action':'" + action + "','dev':'silk-vtep','dst':'" + ip + "'" + lladdr + "}");
    }

    private void install(boolean on) {
        change("{'object':'link','action':'set','dev':'silk-vtep','attributes':{'install-neighbours':" + on + "}}");
    }

    private void change(String json) {
        daemon.control().post(json.replace('\'', '"'));
    }

    /** The kernel's permanent neighbours at the device. */
    private Map<String, String> kernels() {
        Map<String, String> neighbours = new TreeMap<>();
        String json = lab.host.ipJson("neigh show dev silk-vtep nud permanent");
        for (JsonElement entry : JsonParser.parseString(json).getAsJsonArray()) {
            JsonObject fields = entry.getAsJsonObject();
            neighbours.put(fields.get("dst").getAsString(), fields.get("lladdr").getAsString());
        }
        return neighbours;
    }
}
