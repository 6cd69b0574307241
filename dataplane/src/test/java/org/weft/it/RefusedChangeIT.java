package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** If the kernel refuses one attribute of a change, Weft changes none. */
@RequiresRoot
class RefusedChangeIT {
    private HostLab lab;
    private WeftDaemon daemon;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
        lab.host.sysctl("net.ipv6.conf.default.disable_ipv6", "0");
        daemon = new WeftDaemon(
                lab.host,
                """
                vteps:
                  - {name: vx, vni: 1, local: 10.0.16.14, address: [10.9.8.1/24, 10.9.7.1/24], mtu: 1410}
                """);
        daemon.start();
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        lab.close();
    }

    private String addresses() {
        return lab.host.exec("ip", "-o", "address", "show", "dev", "vx").replaceAll("valid_lft.*", "");
    }

    private JsonElement shown() {
        JsonObject link =
                daemon.control().get("/v1/link").getAsJsonArray().get(0).getAsJsonObject();
        link.remove("stats64");
        link.getAsJsonObject("weft").remove("counters");
        return link;
    }

    @Test
    void addressThatOthersRemovedCanBeRemoved() {
        lab.host.ip("address del 10.9.7.1/24 dev vx");

        Command set = daemon.client("link", "set", "vx", "address", "10.9.8.1/24");

        assertEquals(0, set.exitCode(), set.output());
        assertTrue(addresses().contains("10.9.8.1/24"), addresses());
    }

    /** The kernel takes ::1 on a loopback device alone (ipv6_add_addr). */
    @Test
    void addressThatTheKernelRefusesLeavesTheOthers() {
        String addresses = addresses();
        JsonElement shown = shown();
        String change = "{\"object\":\"link\",\"action\":\"set\",\"dev\":\"vx\",\"attributes\":{\"mtu\":1300,"
                + "\"mac\":\"02:00:00:00:00:07\",\"ageing\":7,\"address\":[\"10.9.8.1/24\",\"10.9.6.1/24\",\"::1/128\"]}}";

        ControlClient.Answer answer = daemon.control().attempt("POST", "/v1", change);

        assertEquals(500, answer.status(), answer.body());
        assertTrue(answer.body().contains("EADDRNOTAVAIL"), answer.body());
        assertEquals(addresses, addresses());
        assertEquals(shown, shown());
    }

    /** With the first address of a network the kernel removes the others (promote_secondaries is 0). */
    @Test
    void addressIsReplacedByAnotherOfItsNetwork() {
        assertEquals(200, setAddresses("10.9.8.2/24", "10.9.7.2/24").status());
        for (String network : List.of("10.9.8.", "10.9.7.")) {
            assertTrue(addresses().contains(network + "2/24"), addresses());
            assertFalse(addresses().contains(network + "1/24"), addresses());
        }
    }

    @Test
    void refusedChangeWithinANetworkLeavesTheAddress() {
        ControlClient.Answer answer = setAddresses("10.9.8.2/24", "10.9.7.1/24", "::1/128");

        assertEquals(500, answer.status(), answer.body());
        assertTrue(answer.body().contains("EADDRNOTAVAIL"), answer.body());
        assertTrue(addresses().contains("10.9.8.1/24"), addresses());
        assertFalse(addresses().contains("10.9.8.2/24"), addresses());
    }

    private ControlClient.Answer setAddresses(String... addresses) {
        String change = "{\"object\":\"link\",\"action\":\"set\",\"dev\":\"vx\",\"attributes\":{\"address\":[\""
                + String.join("\",\"", addresses) + "\"]}}";
        return daemon.control().attempt("POST", "/v1", change);
    }
}
