package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.control.policy.PolicyOperations;
import org.weft.dataplane.table.FdbEntry;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.testing.MemoryRegistry;

class OperationsTest {
    private static final long MAC = 0xeeee_0aff_2b00L;

    private final MemoryRegistry registry = new MemoryRegistry();
    private final Operations operations = new Operations(registry, (local, dev) -> 1500, new PolicyOperations(null));
    private final List<String> warnings = new ArrayList<>();
    private final Vtep silk = registry.addSilk();

    /** Executes an operation written with single quotes. */
    private String execute(String json) {
        return operations.execute(
                JsonParser.parseString(json.replace('\'', '"')).getAsJsonObject(), warnings::add);
    }

    private void refuses(String json, Kind kind, String sentence) {
        OperatorException e = assertThrows(OperatorException.class, () -> execute(json));
        assertEquals(sentence, e.getMessage());
        assertEquals(kind, e.kind());
    }

    private static String fdb(String action, String rest) {
        return "{'object':'fdb','action':'" + action + "','mac':'ee:ee:0a:ff:2b:00'" + rest + "}";
    }

    @Test
    void addsAForwardingEntry() {
        assertEquals("fdb add", execute(fdb("add", ",'dev':'silk-vtep','dst':'10.0.16.14'")));

        FdbEntry entry = silk.fdb().entry(MAC);
        assertEquals(List.of(new Remote(IpAddress.parse("10.0.16.14"))), entry.remotes());
        assertTrue(entry.permanent());
        assertEquals(1000, entry.updatedSeconds());
    }

    @Test
    void addsAForwardingEntryWithPortVniAndState() {
        execute(fdb("add", ",'dst':'10.0.16.14','port':4790,'vni':7,'state':'reachable'"));

        FdbEntry entry = silk.fdb().entry(MAC);
        assertEquals(List.of(new Remote(IpAddress.parse("10.0.16.14"), 4790, 7)), entry.remotes());
        assertFalse(entry.permanent());
    }

    @Test
    void storesAPortAndAVniThatAreTheVtepsOwnAsSuch() {
        execute(fdb("add", ",'dst':'10.0.16.14','port':4789,'vni':1"));

        assertEquals(
                List.of(new Remote(IpAddress.parse("10.0.16.14"))),
                silk.fdb().entry(MAC).remotes());
    }

    @Test
    void refusesASecondEntryInTheKernelsWords() {
        execute(fdb("add", ",'dst':'10.0.16.14'"));

        refuses(
                fdb("add", ",'dst':'10.0.16.15'"),
                Kind.CANNOT_CREATE,
                "add fdb ee:ee:0a:ff:2b:00: File exists (silk-vtep has an entry for this address; replace it or"
                        + " append)");
    }

    @Test
    void replacesAForwardingEntry() {
        execute(fdb("replace", ",'dst':'10.0.16.14'"));
        execute(fdb("replace", ",'dst':'10.0.16.15'"));

        assertEquals(
                List.of(new Remote(IpAddress.parse("10.0.16.15"))),
                silk.fdb().entry(MAC).remotes());
    }

    @Test
    void appendsRemotesToTheDefaultEntryOnly() {
        execute("{'object':'fdb','action':'append','mac':'00:00:00:00:00:00','dst':'10.0.16.14'}");
        execute("{'object':'fdb','action':'append','mac':'00:00:00:00:00:00','dst':'10.0.16.15'}");
        assertEquals(2, silk.fdb().entry(0).remotes().size());

        execute(fdb("add", ",'dst':'10.0.16.14'"));
        refuses(
                fdb("append", ",'dst':'10.0.16.15'"),
                Kind.BAD_DATA,
                "append fdb ee:ee:0a:ff:2b:00: Operation not supported (only the default entry 00:00:00:00:00:00 and"
                        + " multicast addresses can have several remotes)");
        refuses(
                "{'object':'fdb','action':'replace','mac':'01:00:5e:00:00:01','dst':'10.0.16.15'}",
                Kind.BAD_DATA,
                "replace fdb 01:00:5e:00:00:01: Operation not supported (entries of multicast addresses are changed by"
                        + " append and del)");
    }

    @Test
    void deletesOneRemoteOrAll() {
        for (String dst : List.of("10.0.16.14", "10.0.16.15", "10.0.16.16")) {
            execute("{'object':'fdb','action':'append','mac':'00:00:00:00:00:00','dst':'" + dst + "'}");
        }

        execute("{'object':'fdb','action':'del','mac':'00:00:00:00:00:00','dst':'10.0.16.15'}");
        assertEquals(2, silk.fdb().entry(0).remotes().size());

        execute("{'object':'fdb','action':'del','mac':'00:00:00:00:00:00'}");
        assertNull(silk.fdb().entry(0));

        refuses(
                fdb("del", ""),
                Kind.NO_INPUT,
                "del fdb ee:ee:0a:ff:2b:00: No such file or directory (silk-vtep has no such entry for this"
                        + " address)");
    }

    @Test
    void flushesAllForwardingEntriesButTheDefault() {
        execute(fdb("add", ",'dst':'10.0.16.14'"));
        execute("{'object':'fdb','action':'append','mac':'00:00:00:00:00:00','dst':'10.0.16.14'}");

        execute("{'object':'fdb','action':'flush','dev':'silk-vtep'}");

        assertEquals(1, silk.fdb().size());
        assertEquals(1, silk.fdb().entry(0).remotes().size());
    }

    @Test
    void flushesOnlyLearnedEntriesWhenAsked() {
        execute(fdb("add", ",'dst':'10.0.16.14'"));
        execute("{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2c:00','dst':'10.0.16.15','state':'reachable'}");

        execute("{'object':'fdb','action':'flush','state':'reachable'}");

        assertEquals(1, silk.fdb().size());
    }

    @Test
    void refusesEntriesBeyondTheLimit() {
        registry.vteps.clear();
        registry.add("small", Map.of("id", "1", "maxaddress", "1"));
        execute(fdb("add", ",'dst':'10.0.16.14'"));

        refuses(
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2c:00','dst':'10.0.16.15'}",
                Kind.CANNOT_CREATE,
                "add fdb ee:ee:0a:ff:2c:00: No space left on device (small takes 1 entries, its maxaddress)");
    }

    @Test
    void changesNeighbours() {
        execute("{'object':'neigh','action':'add','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:00'}");
        refuses(
                "{'object':'neigh','action':'add','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:00'}",
                Kind.CANNOT_CREATE,
                "add neigh 10.255.43.0: File exists (silk-vtep has an entry for this address; replace it)");
        execute("{'object':'neigh','action':'replace','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:01'}");
        execute("{'object':'neigh','action':'add','dst':'fd00::1','lladdr':'ee:ee:0a:ff:2b:02'}");

        assertEquals(2, silk.neighbours().size());
        assertTrue(
                silk.neighbours().entries().toList().contains(new Neighbour(IpAddress.parse("10.255.43.0"), MAC + 1)));

        execute("{'object':'neigh','action':'del','dst':'10.255.43.0'}");
        refuses(
                "{'object':'neigh','action':'del','dst':'10.255.43.0'}",
                Kind.NO_INPUT,
                "del neigh 10.255.43.0: No such file or directory (silk-vtep has no such entry for this address)");
        execute("{'object':'neigh','action':'flush'}");
        assertEquals(0, silk.neighbours().size());
        assertEquals(List.of(), registry.host, "neighbours are not installed in the kernel");
    }

    @Test
    void tellsOfNeighboursThatAreInstalledInTheKernel() {
        registry.vteps.clear();
        registry.add("v", Map.of("id", "1", "install-neighbours", "true"));

        execute("{'object':'neigh','action':'add','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:00'}");
        execute("{'object':'neigh','action':'del','dst':'10.255.43.0'}");
        execute("{'object':'neigh','action':'add','dst':'10.255.44.0','lladdr':'ee:ee:0a:ff:2c:00'}");
        execute("{'object':'neigh','action':'flush'}");

        assertEquals(
                List.of(
                        "neighbour 10.255.43.0 ee:ee:0a:ff:2b:00",
                        "neighbour 10.255.43.0 gone",
                        "neighbour 10.255.44.0 ee:ee:0a:ff:2c:00",
                        "neighbour 10.255.44.0 gone"),
                registry.host);
    }

    /** As where ip does not end, and is killed. */
    @Test
    void changesNoNeighbourThatTheKernelRefuses() {
        registry.vteps.clear();
        Vtep vtep = registry.add("v", Map.of("id", "1", "install-neighbours", "true"));
        execute("{'object':'neigh','action':'add','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:00'}");
        List<Neighbour> before = vtep.neighbours().entries().toList();
        registry.failure = new OperatorException(Kind.UNAVAILABLE, "ip did not end");
        for (String operation : List.of(
                "{'object':'neigh','action':'add','dst':'10.255.44.0','lladdr':'ee:ee:0a:ff:2c:00'}",
                "{'object':'neigh','action':'replace','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2c:00'}",
                "{'object':'neigh','action':'replace','dst':'10.255.45.0','lladdr':'ee:ee:0a:ff:2c:00'}",
                "{'object':'neigh','action':'del','dst':'10.255.43.0'}",
                "{'object':'neigh','action':'flush'}")) {
            assertThrows(OperatorException.class, () -> execute(operation));
            assertEquals(before, vtep.neighbours().entries().toList(), operation);
        }
        registry.failure = null;
        execute("{'object':'neigh','action':'flush'}");
        assertEquals(0, vtep.neighbours().size());
    }

    @Test
    void aFlushThatFailsHalfwayGivesNeighboursBack() {
        registry.vteps.clear();
        Vtep vtep = registry.add("v", Map.of("id", "1", "install-neighbours", "true"));
        execute("{'object':'neigh','action':'add','dst':'10.255.43.0','lladdr':'ee:ee:0a:ff:2b:00'}");
        execute("{'object':'neigh','action':'add','dst':'10.255.44.0','lladdr':'ee:ee:0a:ff:2c:00'}");
        List<Neighbour> before = vtep.neighbours().entries().toList();
        registry.kept = before.get(1).address().toString();
        registry.host.clear();

        assertThrows(IllegalStateException.class, () -> execute("{'object':'neigh','action':'flush'}"));

        assertEquals(before, vtep.neighbours().entries().toList());
        String first = "neighbour " + before.get(0).address() + " ";
        assertEquals(
                List.of(
                        first + "gone",
                        first + MacAddress.toString(before.get(0).mac())),
                registry.host);
    }

    @Test
    void changesNothingOfALinkThatCannotBeSetUp() {
        VtepConfig before = silk.config();
        registry.failure = new OperatorException(Kind.OS_ERROR, "no");

        refuses(
                "{'object':'link','action':'set','dev':'silk-vtep','attributes':{'ageing':7,'up':'down'}}",
                Kind.OS_ERROR,
                "set link silk-vtep: no");

        assertEquals(before, silk.config());
        assertEquals(List.of("change silk-vtep", "change silk-vtep"), registry.host);
    }

    @Test
    void changesTags() {
        execute("{'object':'tag','action':'add','source':'10.255.99.3','tag':1}");
        refuses(
                "{'object':'tag','action':'add','source':'10.255.99.3','tag':2}",
                Kind.CANNOT_CREATE,
                "add tag 10.255.99.3: File exists (silk-vtep has an entry for this source; replace it)");
        execute("{'object':'tag','action':'replace','source':'10.255.99.3','tag':65535}");
        execute("{'object':'tag','action':'add','source':'10.255.0.0/16','tag':7}");

        assertEquals(2, silk.tags().size());
        assertTrue(silk.tags().entries().toList().contains(new Tag(IpPrefix.parse("10.255.99.3"), 65535)));
        assertEquals(List.of(), warnings);

        execute("{'object':'tag','action':'del','source':'10.255.99.3'}");
        refuses(
                "{'object':'tag','action':'del','source':'10.255.99.3'}",
                Kind.NO_INPUT,
                "del tag 10.255.99.3: No such file or directory (silk-vtep has no such entry for this source)");
        execute("{'object':'tag','action':'flush'}");
        assertEquals(0, silk.tags().size());
    }

    @Test
    void warnsOfATagThatCannotLeave() {
        registry.add("plain", Map.of("id", "2"));

        execute("{'object':'tag','action':'add','dev':'plain','source':'10.255.99.3','tag':1}");

        assertEquals(List.of("plain runs without gbp, so its packets leave untagged"), warnings);
    }

    @Test
    void addsChangesAndRemovesAVtep() {
        execute("{'object':'link','action':'add','dev':'v2','attributes':{'id':2,'local':'10.0.32.12','gbp':true,"
                + "'address':['10.1.0.1/16','fd00::1/64'],'srcport':'32768 61000'}}");

        VtepConfig config = registry.vtep("v2").config();
        assertEquals(2, config.vni());
        assertTrue(config.encapsulation().gbp());
        assertEquals(
                List.of(IpPrefix.parse("10.1.0.1/16"), IpPrefix.parse("fd00::1/64")),
                config.device().addresses());
        assertEquals(61000, config.underlay().sourcePorts().max());

        execute("{'object':'link','action':'set','dev':'v2','attributes':{'ttl':64,'up':'down'}}");
        assertEquals(64, registry.vtep("v2").config().encapsulation().ttl());
        assertEquals(List.of("change v2", "v2 down"), registry.host);

        execute("{'object':'link','action':'del','dev':'v2'}");
        assertNull(registry.vtep("v2"));
    }

    @Test
    void leavesAVtepAloneThatIsSetToWhatItIs() {
        execute("{'object':'link','action':'set','dev':'silk-vtep','attributes':{'id':1,'up':true}}");

        assertEquals(List.of("silk-vtep up"), registry.host);
    }

    @Test
    void refusesAVtepThatExistsOrOverlaps() {
        refuses(
                "{'object':'link','action':'add','dev':'silk-vtep','attributes':{'id':9}}",
                Kind.CANNOT_CREATE,
                "add link silk-vtep: File exists (this daemon has a VTEP of this name; change it with set)");
        refuses(
                "{'object':'link','action':'add','dev':'v2','attributes':{'id':1}}",
                Kind.CANNOT_CREATE,
                "add link v2: File exists (a VTEP with VNI 1 on 10.0.32.12:4789 exists already: silk-vtep; give v2"
                        + " another vni, port or local address)");
    }

    @Test
    void warnsOfAnMtuTheUnderlayDoesNotCarry() {
        execute("{'object':'link','action':'add','dev':'v2','attributes':{'id':2,'mtu':1500}}");

        assertEquals(
                List.of("mtu 1500 of v2 is larger than the underlay carries: with 1450 no packet needs to be"
                        + " fragmented"),
                warnings);
    }

    @Test
    void changesNothingWhereTheStateIsWrong() {
        VtepConfig before = silk.config();

        refuses(
                "{'object':'link','action':'set','dev':'silk-vtep','attributes':{'ttl':64,'up':'sideways'}}",
                Kind.BAD_DATA,
                "set link silk-vtep: up: \"sideways\" is not up or down");
        assertEquals(before, silk.config());
    }

    @Test
    void namesTheDeviceItNeeds() {
        registry.add("second", Map.of("id", "2"));

        refuses(
                fdb("add", ",'dst':'10.0.16.14'"),
                Kind.USAGE,
                "add fdb ee:ee:0a:ff:2b:00: name the device with \"dev\" (this daemon has second, silk-vtep)");
        refuses(
                fdb("add", ",'dst':'10.0.16.14','dev':'silk'"),
                Kind.NO_INPUT,
                "add fdb ee:ee:0a:ff:2b:00: Cannot find device \"silk\" (this daemon has second, silk-vtep)");
        registry.vteps.clear();
        refuses(
                "{'object':'link','action':'del','dev':'silk-vtep'}",
                Kind.NO_INPUT,
                "del link silk-vtep: Cannot find device \"silk-vtep\" (this daemon has no VTEP)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | USAGE | field \"object\" is missing",
                "{'object':'fbd'} | USAGE | object: \"fbd\" is not one of link, fdb, neigh, tag, policy (did you mean \"fdb\"?)",
                "{'object':'fdb'} | USAGE | field \"action\" is missing",
                "{'object':'fdb','action':'addd'} | USAGE | addd fdb: action: \"addd\" is not one of add, append, replace, del, flush (did you mean \"add\"?)",
                "{'object':'neigh','action':'append'} | USAGE | append neigh: action: \"append\" is not one of add, replace, del, flush",
                "{'object':'fdb','action':'add'} | USAGE | add fdb: field \"mac\" is missing",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00'} | USAGE | add fdb ee:ee:0a:ff:2b:00: field \"dst\" is missing",
                "{'object':'fdb','action':'add','mac':'ee:ee'} | BAD_DATA | add fdb ee:ee: mac: \"ee:ee\" is not a MAC address such as ee:ee:0a:ff:63:00",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'10.0'} | BAD_DATA | add fdb ee:ee:0a:ff:2b:00: dst: \"10.0\" is not an IP address such as 10.0.16.14 or 2001:db8::1",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'239.1.1.1'} | BAD_DATA | add fdb ee:ee:0a:ff:2b:00: dst: 239.1.1.1 is a multicast address, not a host's",
                "{'object':'fdb','action':'append','mac':'00:00:00:00:00:00','dst':'0.0.0.0'} | BAD_DATA | append fdb 00:00:00:00:00:00: dst: 0.0.0.0 is no host's address",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'::'} | BAD_DATA | add fdb ee:ee:0a:ff:2b:00: dst: :: is no host's address",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'10.0.0.1','vni':16777216} | BAD_DATA | add fdb ee:ee:0a:ff:2b:00: vni: \"16777216\" is not a number from 0 to 16777215",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'10.0.0.1','state':'stale'} | BAD_DATA | add fdb ee:ee:0a:ff:2b:00: state: \"stale\" is not permanent or reachable",
                "{'object':'fdb','action':'add','mac':'ee:ee:0a:ff:2b:00','dst':'10.0.0.1','prt':1} | USAGE | add fdb ee:ee:0a:ff:2b:00: field \"prt\" is unknown (did you mean \"port\"?)",
                "{'object':'neigh','action':'add','dst':'10.1.1.1','lladdr':'01:00:5e:00:00:01'} | BAD_DATA | add neigh 10.1.1.1: lladdr: 01:00:5e:00:00:01 is a multicast address, not a host's",
                "{'object':'tag','action':'add','source':'10.1.1.1','tag':65536} | BAD_DATA | add tag 10.1.1.1: tag: \"65536\" is not a number from 1 to 65535: the group policy extension carries 16 bits, and 0 is no tag",
                "{'object':'tag','action':'add','source':'10.1.1.1'} | USAGE | add tag 10.1.1.1: field \"tag\" is missing",
                "{'object':'link','action':'add'} | USAGE | add link: field \"dev\" is missing",
                "{'object':'link','action':'add','dev':'v','attributes':7} | BAD_DATA | add link v: attributes: must be an object",
                "{'object':'link','action':'add','dev':'v','attributes':{'id':{}}} | BAD_DATA | add link v: id: must be a string, a number, true or false",
                "{'object':'link','action':'add','dev':'v','attributes':{'id':2,'up':'up'}} | BAD_DATA | add link v: up: is unknown",
                "{'object':'link','action':'set','dev':'silk-vtep','attributes':{'gbp':false}} | BAD_DATA | set link silk-vtep: gbp: can be set only when the VTEP is added: delete silk-vtep and add it again",
            })
    void refusesBadOperations(String json, Kind kind, String sentence) {
        refuses(json, kind, sentence);

        assertEquals(0, silk.fdb().size());
        assertEquals(List.of(silk), registry.vteps());
    }
}
