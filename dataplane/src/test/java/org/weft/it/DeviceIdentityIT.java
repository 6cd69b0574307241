package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.testing.RequiresRoot;

/**
 * A VTEP's device is the same one after others renamed it or moved it, as the kernel's vxlan device
 * is.
 */
@RequiresRoot
class DeviceIdentityIT {
    private static final Device VX =
            new Device("vx", "02:00:00:00:09:01", 1450, "id 42 dstport 4789 local 10.0.16.1 learning");
    private static final String ALL = "00:00:00:00:00:00";

    private Netns near;
    private Netns far;
    private Netns other;

    @BeforeEach
    void plumb() {
        near = Netns.create("near");
        far = Netns.create("far");
        other = Netns.create("other");
        near.ip("link add eth0 type veth peer name eth0 netns " + far.name());
        near.ip("link set eth0 up\naddress add 10.0.16.1/24 dev eth0");
        far.ip("link set eth0 up\naddress add 10.0.16.2/24 dev eth0");
        KernelEndpoint peer = new KernelEndpoint(far);
        peer.add(new Device("vx", "02:00:00:00:09:02", 1450, "id 42 dstport 4789 local 10.0.16.2"));
        peer.fdb("append", ALL, "vx", "dst 10.0.16.1");
        far.ip("address add 192.168.9.2/24 dev vx");
    }

    @AfterEach
    void close() {
        near.close();
        far.close();
        other.close();
    }

    private Endpoint open(Subject subject) {
        Endpoint endpoint = Endpoint.open(subject, near);
        endpoint.add(VX);
        endpoint.fdb("append", ALL, "vx", "dst 10.0.16.2");
        return endpoint;
    }

    @ParameterizedTest
    @MethodSource("org.weft.it.Subject#all")
    void aRenamedDeviceKeepsWhatItHas(Subject subject) {
        try (Endpoint endpoint = open(subject)) {
            near.ip("address add 192.168.9.1/24 dev vx");
            expectPings(near);
            int index = index(near, "vx");

            near.ip("link set vx down\nlink set vx name eth9\nlink set eth9 up");
            awaitName(endpoint, "eth9");

            assertEquals(index, index(near, "eth9"));
            assertFalse(near.hasDevice("vx"));
            expectPings(near);
            assertEquals(List.of("10.0.16.2"), endpoint.remotes(ALL, "eth9"));
            endpoint.fdb("append", ALL, "eth9", "dst 10.0.16.77");
            endpoint.fdb("del", ALL, "eth9", "dst 10.0.16.77");
            endpoint.remove("eth9");
            assertFalse(near.hasDevice("eth9"));
        }
    }

    @ParameterizedTest
    @MethodSource("org.weft.it.Subject#all")
    void devicesExchangeTheirNames(Subject subject) {
        try (Endpoint endpoint = open(subject)) {
            addSecond(endpoint, "vy");
            near.ip("address add 192.168.9.1/24 dev vx");
            near.ip(
                    "link set vx down\nlink set vy down\nlink set vx name tmp\nlink set vy name vx\nlink set tmp name vy");
            near.ip("link set vx up\nlink set vy up");
            if (endpoint instanceof WeftEndpoint weft) {
                Await.until(
                        "vy has VNI 42",
                        () -> weft.daemon().control().get("/v1/link"),
                        links -> "42".equals(vni(links, "vy")) && "43".equals(vni(links, "vx")));
            }
            expectPings(near);
            assertEquals(List.of("10.0.16.2"), endpoint.remotes(ALL, "vy"));
            assertEquals(List.of(), endpoint.remotes(ALL, "vx"));
        }
    }

    @ParameterizedTest
    @MethodSource("org.weft.it.Subject#all")
    void aMovedDeviceCarriesPackets(Subject subject) {
        try (Endpoint endpoint = open(subject)) {
            near.ip("link set vx netns " + other.name());
            other.ip("address add 192.168.9.1/24 dev vx\nlink set vx up");
            awaitNote(endpoint, other.name());
            expectPings(other);
            assertFalse(near.hasDevice("vx"));

            other.ip("link set vx netns " + near.name());
            near.ip("address add 192.168.9.1/24 dev vx\nlink set vx up");
            awaitNote(endpoint, null);
            expectPings(near);
        }
    }

    /**
     * Weft refuses settings that it does not reach in another namespace, and changes the others.
     */
    @Test
    void commandsSayWhatTheyDoNotReach() {
        try (WeftEndpoint weft = (WeftEndpoint) open(Subject.WEFT)) {
            near.ip("link set vx netns " + other.name());
            awaitNote(weft, other.name());
            for (String change : List.of("mtu 1300", "address 02:00:00:00:09:0a", "up")) {
                Command refused = weft.daemon().client(("link set vx " + change).split(" "));
                assertEquals(69, refused.exitCode(), refused::toString);
                assertTrue(
                        refused.output().contains("vx: the device is in network namespace " + other.name()),
                        refused::toString);
            }
            Command ttl = weft.daemon().client("link", "set", "vx", "ttl", "7");
            assertEquals(0, ttl.exitCode(), ttl::toString);
            Command shown = weft.daemon().client("link", "show", "vx");
            assertTrue(shown.output().contains("note: the device is in network namespace"), shown::toString);
            assertEquals(
                    200, weft.daemon().control().attempt("GET", "/readyz", "").status());
        }
    }

    /**
     * A deleted device is made again under the name that it had last, without touching another one.
     */
    @Test
    void aDeletedDeviceComesBackUnderItsLastName() {
        try (WeftEndpoint weft = (WeftEndpoint) open(Subject.WEFT)) {
            near.ip("link set vx name eth9");
            awaitName(weft, "eth9");
            near.ip("link add vx type veth peer name stranger");
            near.ip("link del eth9");
            Await.until("the device is there again", () -> near.hasDevice("eth9"));
            near.ip("address add 192.168.9.1/24 dev eth9");
            Await.until("pings are answered", () -> pings(near));
            weft.remove("eth9");
            assertTrue(near.hasDevice("vx"), "what is not Weft's stays");
        }
    }

    /** The kernel reports success for an entry that a TAP has no table for. */
    @Test
    void bridgeFdbOnADeviceIsAnsweredWithTheRightCommand() {
        try (WeftEndpoint weft = (WeftEndpoint) open(Subject.WEFT)) {
            String sentence = "vx: bridge fdb added 02:00:00:00:00:55, which does not reach Weft:"
                    + " enter \"weft fdb append 02:00:00:00:00:55 dev vx dst IP\"";
            near.bridge("fdb append 02:00:00:00:00:55 dev vx dst 10.0.16.2");
            Await.until(sentence, weft.daemon()::log, log -> log.contains(sentence));
            near.bridge("fdb append 02:00:00:00:00:56 dev vx dst 10.0.16.2");
            addSecond(weft, "vy");
            near.bridge("fdb add 02:00:00:00:00:57 dev vy");
            Await.until("a sentence on vy", weft.daemon()::log, log -> log.contains("vy: bridge fdb added"));
            assertFalse(weft.daemon().log().contains("02:00:00:00:00:56"), "said once a device");
            assertEquals(
                    "\"entries of bridge fdb do not reach Weft: use weft fdb\"",
                    weft.daemon()
                            .control()
                            .get("/v1/link?dev=vx")
                            .getAsJsonArray()
                            .get(0)
                            .getAsJsonObject()
                            .getAsJsonObject("weft")
                            .get("note")
                            .toString());
        }
    }

    /**
     * Weft ignores entries of other devices, however many come between its looks.
     */
    @Test
    void aFloodOfBridgeEntriesEndsNothing() {
        try (WeftEndpoint weft = (WeftEndpoint) open(Subject.WEFT)) {
            String pid = Long.toString(weft.daemon().pid());
            near.exec("kill", "-STOP", pid);
            near.bridge(IntStream.range(0, 3000)
                    .mapToObj(i -> String.format("fdb add 02:00:00:01:%02x:%02x dev eth0", i >> 8, i & 0xff))
                    .collect(Collectors.joining("\n")));
            near.exec("kill", "-CONT", pid);
            Await.until("an entry is noticed behind the flood", () -> {
                near.bridge("fdb replace 02:00:00:00:00:55 dev vx");
                return weft.daemon().log().contains("vx: bridge fdb added 02:00:00:00:00:55");
            });
            assertFalse(weft.daemon().log().contains("02:00:00:01"), weft.daemon()::log);
        }
    }

    private static void addSecond(Endpoint endpoint, String name) {
        endpoint.add(new Device(name, "02:00:00:00:09:03", 1450, "id 43 dstport 4789 local 10.0.16.1"));
    }

    @Test
    void aPersistentDeviceThatTheNextDaemonWouldNotFindIsNotLeftBehind() {
        Set<String> before = devices(near);
        try (WeftDaemon daemon = persistent()) {
            daemon.start();
            near.ip("link set vx name eth9");
            awaitName(daemon, "eth9");
            daemon.terminate();
            assertEquals(before, devices(near));

            daemon.start();
            near.ip("link set vx netns " + other.name());
            awaitNote(daemon, other.name());
            daemon.terminate();
            assertEquals(Set.of("lo"), devices(other));
            assertEquals(before, devices(near));
        }
    }

    @Test
    void aPersistentDeviceThatIsNamedBackStays() {
        try (WeftDaemon daemon = persistent()) {
            daemon.start();
            int index = index(near, "vx");
            near.ip("link set vx name eth9");
            awaitName(daemon, "eth9");
            near.ip("link set eth9 name vx");
            awaitName(daemon, "vx");
            daemon.terminate();
            daemon.start();
            assertEquals(index, index(near, "vx"));
        }
    }

    private WeftDaemon persistent() {
        return new WeftDaemon(
                near, "underlay: {local: 10.0.16.1}\nvteps: [{name: vx, vni: 42, mtu: 1450, persist: true}]\n");
    }

    private static void awaitName(Endpoint endpoint, String name) {
        if (endpoint instanceof WeftEndpoint weft) {
            awaitName(weft.daemon(), name);
        }
    }

    private static void awaitName(WeftDaemon daemon, String name) {
        Await.until(
                "the VTEP is called " + name,
                () -> daemon.control().get("/v1/link"),
                links -> vni(links, name) != null && links.getAsJsonArray().size() == 1);
    }

    private static String vni(JsonElement links, String name) {
        for (JsonElement link : links.getAsJsonArray()) {
            JsonObject fields = link.getAsJsonObject();
            if (fields.get("ifname").getAsString().equals(name)) {
                return fields.getAsJsonObject("linkinfo")
                        .getAsJsonObject("info_data")
                        .get("id")
                        .getAsString();
            }
        }
        return null;
    }

    private static void awaitNote(Endpoint endpoint, String netns) {
        if (endpoint instanceof WeftEndpoint weft) {
            awaitNote(weft.daemon(), netns);
        }
    }

    /** @param netns that the note names; null for no note */
    private static void awaitNote(WeftDaemon daemon, String netns) {
        Await.until(
                "a note on " + netns,
                () -> daemon.control()
                        .get("/v1/link?dev=vx")
                        .getAsJsonArray()
                        .get(0)
                        .getAsJsonObject()
                        .getAsJsonObject("weft"),
                weft -> weft.get("trouble").isJsonNull()
                        && (netns == null
                                ? weft.get("note").isJsonNull()
                                : weft.get("note").toString().contains(netns)));
    }

    private static void expectPings(Netns from) {
        String output = from.exec("ping", "-c", "3", "-i", "0.05", "-W", "5", "192.168.9.2");
        assertTrue(output.contains(" 0% packet loss"), output);
    }

    private static boolean pings(Netns from) {
        return from.attempt("ping", "-c", "1", "-W", "1", "192.168.9.2").exitCode() == 0;
    }

    private static int index(Netns netns, String device) {
        return links(netns, device).get(0).getAsJsonObject().get("ifindex").getAsInt();
    }

    private static Set<String> devices(Netns netns) {
        Set<String> names = new TreeSet<>();
        links(netns, "")
                .forEach(link -> names.add(link.getAsJsonObject().get("ifname").getAsString()));
        return names;
    }

    private static JsonArray links(Netns netns, String device) {
        return JsonParser.parseString(netns.ipJson("link show " + device)).getAsJsonArray();
    }
}
