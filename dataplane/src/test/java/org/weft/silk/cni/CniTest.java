package org.weft.silk.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.silk.container.AddressesTest;
import org.weft.silk.container.AttachRequest;
import org.weft.silk.container.Attachment;
import org.weft.silk.container.Containers;
import org.weft.silk.container.MemoryCellTable;

/** What needs no namespace: reading calls, forming results, and refusing. */
class CniTest {
    private static final String CONFIG = "{\"cniVersion\": \"1.0.0\", \"name\": \"silk\", \"type\": \"weft-cni\"}";
    private static final Attachment ATTACHMENT = new Attachment(
            new Attachment.Key("silk", "4f2a", "eth0"),
            IpAddress.parse("10.255.108.184"),
            Path.of("/run/netns/app"),
            1410,
            true);

    @TempDir
    Path state;

    private Containers containers;
    private Cni cni;
    private final Map<String, String> environment = new TreeMap<>(Map.of(
            "CNI_COMMAND", "ADD",
            "CNI_CONTAINERID", "4f2a",
            "CNI_NETNS", "/run/netns/app",
            "CNI_IFNAME", "eth0",
            "CNI_PATH", "/usr/lib/cni"));

    @BeforeEach
    void open() {
        containers = Containers.open(state, MemoryCellTable.guard());
        cni = new Cni(containers);
    }

    private Cni.Answer call(String command, String config) {
        environment.put("CNI_COMMAND", command);
        return cni.handle(environment, config);
    }

    private JsonObject error(String command, String config) {
        Cni.Answer answer = call(command, config);
        assertFalse(answer.ok(), answer.json());
        return JsonParser.parseString(answer.json()).getAsJsonObject();
    }

    private void assertError(int code, String message, JsonObject error) {
        assertEquals(code, error.get("code").getAsInt(), error.toString());
        assertTrue(error.get("msg").getAsString().contains(message), error.toString());
    }

    private static String config(String more) {
        return CONFIG.replace("}", ", " + more + "}");
    }

    private CniCall read(String config) {
        return new CniCall(environment, config);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | 1.0.0",
                "{} | 1.0.0",
                "{\"cniVersion\": \"0.4.0\"} | 0.4.0",
                "{\"cniVersion\": \"1.1.0\"} | 1.1.0",
                "{\"cniVersion\": \"9.0.0\"} | 1.0.0"
            })
    void tellsItsVersionsInTheConfigurationsOwn(String stdin, String version) {
        Cni.Answer answer = call("VERSION", stdin);
        assertTrue(answer.ok());
        JsonObject result = JsonParser.parseString(answer.json()).getAsJsonObject();
        assertEquals(version, result.get("cniVersion").getAsString());
        assertEquals(
                "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]",
                result.get("supportedVersions").toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\": \"silk\"}",
                "{\"name\": \"silk\", \"cniVersion\": \"0.2.0\"}",
                "{\"name\": \"silk\", \"cniVersion\": \"2.0.0\"}"
            })
    void refusesVersionsItDoesNotSpeak(String config) {
        assertError(1, "is not one of 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0", error("ADD", config));
    }

    @ParameterizedTest
    @CsvSource({"CHECK,0.3.1,0.4.0", "GC,1.0.0,1.1.0", "STATUS,1.0.0,1.1.0"})
    void refusesCommandsNewerThanTheConfiguration(String command, String version, String since) {
        JsonObject error = error(command, CONFIG.replace("1.0.0", version));
        assertError(1, command + " came with CNI " + since, error);
        assertEquals(version, error.get("cniVersion").getAsString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "7", "null", "not json at all {"})
    void refusesWhatIsNoConfiguration(String stdin) {
        assertError(6, "is not a JSON object", error("ADD", stdin));
    }

    @ParameterizedTest
    @CsvSource({
        "CNI_CONTAINERID,''",
        "CNI_CONTAINERID,-x",
        "CNI_CONTAINERID,a/b",
        "CNI_IFNAME,''",
        "CNI_IFNAME,..",
        "CNI_IFNAME,all",
        "CNI_IFNAME,sixteen-letters0",
        "CNI_IFNAME,eth0:1",
        "CNI_IFNAME,eth%d",
        "CNI_NETNS,''",
        "CNI_NETNS,app",
        "CNI_NETNS,'/run/netns/a b'",
        "CNI_ARGS,IP",
        "CNI_COMMAND,REMOVE",
        "CNI_COMMAND,''"
    })
    void namesTheVariableThatIsWrong(String variable, String value) {
        environment.put(variable, value);
        Cni.Answer answer = cni.handle(environment, CONFIG);
        assertError(4, variable, JsonParser.parseString(answer.json()).getAsJsonObject());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"cniVersion\": \"1.0.0\"} | name",
                "{\"cniVersion\": \"1.0.0\", \"name\": \"a b\"} | name",
            })
    void refusesANetworkWithoutAName(String config, String message) {
        assertError(7, message, error("ADD", config));
        assertError(7, message, error("DEL", config));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"runtimeConfig\": {\"ips\": [\"10.255.108.300\"]}",
                "\"runtimeConfig\": {\"ips\": [\"fd00::1/64\"]}",
                "\"runtimeConfig\": {\"ips\": \"10.255.108.3\"}",
                "\"args\": {\"cni\": {\"ips\": [\"10.255.108.3\", \"10.255.108.4\"]}}",
                "\"args\": {\"cni\": {\"ips\": [7, null]}}",
                "\"mtu\": -1",
                "\"mtu\": \"much\"",
                "\"mtu\": 7",
            })
    void refusesWishesItCannotRead(String more) {
        assertEquals(7, error("ADD", config(more)).get("code").getAsInt());
    }

    @Test
    void refusesAMacAddressInsteadOfGivingAnother() {
        environment.put("CNI_ARGS", "IgnoreUnknown=1;MAC=02:00:00:00:00:01");
        assertError(2, "mac: 02:00:00:00:00:01", error("ADD", CONFIG));
        environment.remove("CNI_ARGS");
        assertError(
                2,
                "mac: 02:00:00:00:00:01",
                error("ADD", config("\"runtimeConfig\": {\"mac\": \"02:00:00:00:00:01\"}")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"runtimeConfig\": {\"ips\": [\"10.255.108.184/24\"]}",
                "\"args\": {\"cni\": {\"ips\": [\"10.255.108.184\"]}}",
                "\"args\": {\"cni\": {\"ips\": [\"10.255.108.184\"]}}, \"runtimeConfig\": {\"ips\": [\"10.255.108.184/32\"]}"
            })
    void readsTheAddressThatIsAskedFor(String more) {
        assertEquals(ATTACHMENT.address(), read(config(more)).request().address());
    }

    @Test
    void readsTheAddressInArguments() {
        environment.put("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=app;IP=10.255.108.184");
        assertEquals(ATTACHMENT.address(), read(CONFIG).request().address());
        environment.put("CNI_ARGS", "");
        assertNull(read(CONFIG).request().address());
    }

    @Test
    void passesOverKeysItDoesNotKnow() {
        AttachRequest request = read(config("\"dataDir\": \"/var/vcap\", \"daemonPort\": 23954, \"ipam\": {\"type\":"
                        + " \"host-local\"}, \"runtimeConfig\": {\"bandwidth\": {}}, \"mtu\": 1300"))
                .request();
        assertEquals(new AttachRequest(ATTACHMENT.key(), Path.of("/run/netns/app"), null, 1300), request);
    }

    @Test
    void formsTheResultOfSilkCni() {
        assertEquals(
                JsonParser.parseString(
                        """
                        {"cniVersion": "1.0.0",
                         "interfaces": [{"name": "s-010255108184", "mac": "aa:aa:0a:ff:6c:b8"},
                                        {"name": "eth0", "mac": "ee:ee:0a:ff:6c:b8", "sandbox": "/run/netns/app"}],
                         "ips": [{"interface": 1, "address": "10.255.108.184/32", "gateway": "169.254.0.1"}],
                         "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.0.1"}],
                         "dns": {"nameservers": ["10.0.0.2"], "search": ["apps.internal"]}}
                        """),
                CniResult.of(
                        read(config("\"dns\": {\"nameservers\": [\"10.0.0.2\"], \"search\": [\"apps.internal\"]}")),
                        ATTACHMENT));
    }

    @ParameterizedTest
    @CsvSource({"0.3.0,true,false", "0.3.1,true,false", "0.4.0,true,false", "1.0.0,false,false", "1.1.0,false,true"})
    void formsResultsOfEachVersion(String version, boolean family, boolean mtu) {
        JsonObject result = CniResult.of(read(CONFIG.replace("1.0.0", version)), ATTACHMENT);
        assertEquals(version, result.get("cniVersion").getAsString());
        assertEquals(family, CniCall.objects(result, "ips").get(0).has("version"));
        assertEquals(mtu, CniCall.objects(result, "interfaces").get(1).has("mtu"));
    }

    @Test
    void standsBehindThePluginBeforeIt() {
        JsonObject result = CniResult.of(
                read(
                        config(
                                "\"prevResult\": {\"interfaces\": [{\"name\": \"lo\", \"sandbox\": \"/run/netns/app\"}],"
                                        + " \"ips\": [{\"interface\": 0, \"address\": \"127.0.0.1/8\"}], \"dns\": {\"domain\": \"x\"}}")),
                ATTACHMENT);
        List<JsonObject> ips = CniCall.objects(result, "ips");
        assertEquals(0, ips.get(0).get("interface").getAsInt());
        assertEquals(2, ips.get(1).get("interface").getAsInt());
        assertEquals(
                "eth0", CniCall.objects(result, "interfaces").get(2).get("name").getAsString());
        assertEquals("{\"domain\":\"x\"}", result.get("dns").toString());
    }

    @Test
    void wantsToBeAskedAgainWhileThereIsNoLease() {
        assertError(11, "has no lease yet", error("ADD", CONFIG));
        assertError(50, "has no lease yet", error("STATUS", CONFIG.replace("1.0.0", "1.1.0")));
    }

    @Test
    void isReadyWithALeaseAndNotWhileItDrains() {
        containers.lease(AddressesTest.lease("10.255.108.0/24"), 1410);
        assertEquals(new Cni.Answer(true, ""), call("STATUS", CONFIG.replace("1.0.0", "1.1.0")));
        containers.draining(true);
        assertError(50, "is draining", error("STATUS", CONFIG.replace("1.0.0", "1.1.0")));
        assertError(11, "is draining", error("ADD", CONFIG));
    }

    @Test
    void isNotReadyWhereTheSubnetHasNoAddresses() {
        containers.lease(AddressesTest.lease("10.255.108.0/32"), 1410);
        assertError(50, "has no addresses for containers", error("STATUS", CONFIG.replace("1.0.0", "1.1.0")));
        assertError(11, "has no addresses for containers", error("ADD", CONFIG));
    }

    @Test
    void refusesMtusAboveTheVteps() {
        containers.lease(AddressesTest.lease("10.255.108.0/24"), 1410);
        assertError(7, "mtu 1500 is more than the VTEP's, which is 1410", error("ADD", config("\"mtu\": 1500")));
    }

    @ParameterizedTest
    @CsvSource({"10.255.108.0", "10.255.108.255", "10.255.109.1"})
    void refusesAddressesNoContainerCanHave(String address) {
        containers.lease(AddressesTest.lease("10.255.108.0/24"), 1410);
        environment.put("CNI_ARGS", "IP=" + address);
        assertError(7, "address " + address, error("ADD", CONFIG));
        assertEquals(0, containers.size());
    }

    @Test
    void refusesANamespaceThatIsNotThereOrIsTheHosts() {
        containers.lease(AddressesTest.lease("10.255.108.0/24"), 1410);
        environment.put("CNI_NETNS", "/run/netns/there-is-none");
        assertError(4, "/run/netns/there-is-none does not exist", error("ADD", CONFIG));
        environment.put("CNI_NETNS", "/proc/self/ns/net");
        assertError(4, "is this host's own network namespace", error("ADD", CONFIG));
        assertEquals(0, containers.size());
    }

    @Test
    void deletesWhatWasNeverAddedAsOftenAsAsked() {
        environment.remove("CNI_NETNS");
        assertEquals(new Cni.Answer(true, ""), call("DEL", CONFIG));
        assertEquals(new Cni.Answer(true, ""), call("DEL", CONFIG));
    }

    @Test
    void checksOnlyWhatWasAdded() {
        assertError(7, "prevResult is missing", error("CHECK", CONFIG));
        assertError(
                3,
                "eth0 of container 4f2a (network silk) is not attached",
                error("CHECK", config("\"prevResult\": {\"interfaces\": []}")));
    }

    @Test
    void collectsNothingWithoutAListOfWhatIsValid() {
        String config = CONFIG.replace("1.0.0", "1.1.0");
        assertError(7, "cni.dev/valid-attachments is missing", error("GC", config));
        assertError(
                7,
                "does not have containerID",
                error("GC", config.replace("}", ", \"cni.dev/valid-attachments\": [{\"ifname\": \"eth0\"}]}")));
        assertTrue(call("GC", config.replace("}", ", \"cni.dev/valid-attachments\": []}"))
                .ok());
    }

    @Test
    void readsItsVariablesFromHeadersInAnyCase() {
        assertEquals(
                Map.of("CNI_COMMAND", "ADD", "CNI_CONTAINERID", "4f2a"),
                Cni.environment(List.of(
                        Map.entry("cni-command", "ADD"),
                        Map.entry("CNI-ContainerID", "4f2a"),
                        Map.entry("Host", "weft"))));
    }
}
