package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.cell.Change.Kind;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.testing.MemoryRegistry;

class ConvergerTest {
    private static final Lease OWN = MemoryLeases.lease(MemoryCell.OWN);
    private static final Lease PEER = MemoryLeases.lease(MemoryCell.PEER);
    private static final Lease MOVED = MemoryLeases.lease("10.0.16.15 10.255.43.0/24");
    private static final Lease SINGLE = MemoryLeases.lease("10.0.16.17 10.255.0.9/32");
    private static final Lease SECOND_NETWORK = MemoryLeases.lease("10.0.16.18 10.254.7.0/24");

    private final MemoryRegistry registry = new MemoryRegistry();
    private final MemoryRoutes host = new MemoryRoutes().recording();
    private final Vtep vtep =
            registry.add("silk-vtep", Map.of("id", "1", "local", "10.0.16.16", "install-neighbours", "true"));
    private Converger converger = converger();

    private Converger converger() {
        Overlay overlay = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16"), IpPrefix.parse("10.254.0.0/16")), 24);
        return new Converger(overlay, OWN, vtep, host, registry);
    }

    /** One pass; what it found, in the words of the log. */
    private List<String> pass(boolean full, Lease... leases) {
        List<Change> changes = converger.plan(Arrays.asList(leases), full);
        converger.apply(changes);
        return changes.stream().map(Change::toString).toList();
    }

    @Test
    void addsRouteNeighbourAndForwardingEntryAsSilkDoes() {
        assertEquals(List.of("added 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00"), pass(true, OWN, PEER));
        assertEquals(
                List.of(
                        "neighbour replace 10.255.43.0 lladdr ee:ee:0a:ff:2b:00 dev silk-vtep nud permanent",
                        "route add 10.255.43.0/24 via 10.255.43.0 dev silk-vtep src 10.255.99.0"),
                host.takeWritten());
        assertEquals(
                List.of(new Remote(PEER.underlay())),
                vtep.fdb().entry(PEER.mac()).remotes());
        assertTrue(vtep.fdb().entry(PEER.mac()).permanent());
        assertEquals(PEER.mac(), neighbour(PEER));
    }

    @Test
    void tellsTheOriginCheckHowLongSubnetsAre() {
        pass(true, OWN, PEER, SINGLE, MemoryLeases.lease("10.0.16.19 10.255.44.64/26"));
        assertEquals(1 << 24 | 1 << 26 | 1, vtep.neighbours().networkLengths(), "bit 0 stands for 32");
    }

    private long neighbour(Lease lease) {
        return vtep.neighbours().lookup(lease.base().high(), lease.base().low());
    }

    @Test
    void writesNothingWhereNothingHasChanged() {
        pass(true, OWN, PEER, SINGLE, SECOND_NETWORK);
        host.takeWritten();

        assertEquals(List.of(), pass(false, OWN, PEER, SINGLE, SECOND_NETWORK));
        assertEquals(List.of(), pass(true, SECOND_NETWORK, SINGLE, PEER, OWN));
        assertEquals(List.of(), host.takeWritten());
    }

    @Test
    void touchesOneLeaseOfAThousandWhenOneHasChanged() {
        Lease[] all = IntStream.range(0, 1000)
                .mapToObj(i -> MemoryLeases.lease("10.1." + i / 250 + "." + (i % 250 + 1) + " 10."
                        + (i < 250 ? 254 : 255) + "." + i % 250 + "." + (i / 250 * 64) + "/26"))
                .toArray(Lease[]::new);
        pass(true, all);
        host.takeWritten();
        all[500] = new Lease(IpAddress.parse("10.2.0.1"), all[500].subnet(), all[500].mac());

        assertEquals(1, pass(false, all).size());
        assertEquals(List.of(), host.takeWritten(), "the route stays, only the forwarding entry follows");
    }

    @Test
    void followsALeaseToAnotherHostWithoutTouchingItsRoute() {
        pass(true, PEER);
        host.takeWritten();

        assertEquals(
                List.of("moved 10.255.43.0/24: 10.0.16.15 ee:ee:0a:ff:2b:00, was 10.0.16.14 ee:ee:0a:ff:2b:00"),
                pass(false, MOVED));
        assertEquals(List.of(), host.takeWritten());
        assertEquals(
                List.of(new Remote(MOVED.underlay())),
                vtep.fdb().entry(PEER.mac()).remotes());
    }

    @Test
    void replacesTheNeighbourWhenTheMacHasChanged() {
        Lease other = new Lease(PEER.underlay(), PEER.subnet(), MacAddress.parse("ee:ee:00:00:00:01"));
        pass(true, PEER);
        host.takeWritten();

        assertEquals(1, pass(false, other).size());
        assertEquals(
                List.of("neighbour replace 10.255.43.0 lladdr ee:ee:00:00:00:01 dev silk-vtep nud permanent"),
                host.takeWritten());
        assertNull(vtep.fdb().entry(PEER.mac()));
        assertNotNull(vtep.fdb().entry(other.mac()));
    }

    @Test
    void followsTwoLeasesThatHaveChangedTheirMacsWithEachOther() {
        Lease peer = new Lease(PEER.underlay(), PEER.subnet(), SECOND_NETWORK.mac());
        Lease second = new Lease(SECOND_NETWORK.underlay(), SECOND_NETWORK.subnet(), PEER.mac());
        pass(true, PEER, SECOND_NETWORK);

        assertEquals(2, pass(false, peer, second).size());

        assertEquals(
                List.of(new Remote(peer.underlay())),
                vtep.fdb().entry(peer.mac()).remotes());
        assertEquals(
                List.of(new Remote(second.underlay())),
                vtep.fdb().entry(second.mac()).remotes());
    }

    @Test
    void removesWhatIsGone() {
        pass(true, PEER, SINGLE);
        host.takeWritten();

        assertEquals(List.of("gone 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00"), pass(false, SINGLE));
        assertEquals(
                List.of(
                        "route del 10.255.43.0/24 via 10.255.43.0 dev silk-vtep",
                        "neighbour del 10.255.43.0 dev silk-vtep"),
                host.takeWritten());
        assertNull(vtep.fdb().entry(PEER.mac()));
        assertTrue(neighbour(PEER) < 0);
    }

    @Test
    void removesWhatAnEarlierDaemonLeft() {
        pass(true, PEER, SINGLE);
        host.takeWritten();
        converger = converger();

        assertEquals(List.of("gone 10.255.43.0/24"), pass(true, SINGLE));
        assertEquals(1, host.read().neighbours().size());
        assertEquals(Map.of(), host.read().routes());
    }

    @Test
    void givesASingleAddressNoRoute() {
        pass(true, SINGLE);

        assertEquals(
                List.of("neighbour replace 10.255.0.9 lladdr ee:ee:0a:ff:00:09 dev silk-vtep nud permanent"),
                host.takeWritten());
    }

    @Test
    void routesAnotherNetworkFromItsFirstAddress() {
        pass(true, SECOND_NETWORK);

        assertTrue(host.takeWritten().contains("route add 10.254.7.0/24 via 10.254.7.0 dev silk-vtep src 10.254.0.0"));
    }

    @Test
    void keepsTheNeighbourThatALargerLeaseOfTheSameBaseNeeds() {
        Lease larger = MemoryLeases.lease("10.0.16.14 10.255.43.0/23");
        pass(true, MemoryLeases.lease("10.0.16.14 10.255.43.0/24"));
        host.takeWritten();

        pass(false, larger);

        assertTrue(host.read().neighbours().containsKey(larger.base()));
        assertEquals(larger.mac(), neighbour(larger));
        assertNotNull(vtep.fdb().entry(larger.mac()));
    }

    @Test
    void leavesAForeignRouteAndTheOtherLeasesAreNotKeptBack() {
        host.occupy(PEER.subnet(), true);
        List<Change> changes = converger.plan(List.of(PEER, SECOND_NETWORK), true);

        Map<IpPrefix, String> refused = converger.apply(changes);

        assertEquals(Set.of(PEER.subnet()), refused.keySet());
        assertTrue(host.read().routes().containsKey(SECOND_NETWORK.subnet()));
        assertTrue(host.takeWritten().stream().noneMatch(line -> line.startsWith("route replace")));
    }

    @Test
    void repairsInAFullPassWhatOthersHaveChanged() {
        pass(true, PEER, SECOND_NETWORK);
        host.removeRoute(PEER.subnet());
        host.removeNeighbour(SECOND_NETWORK.base());
        vtep.fdb().remove(SECOND_NETWORK.mac(), null);
        host.takeWritten();

        assertEquals(List.of(), pass(false, PEER, SECOND_NETWORK), "it is not looked for each time");
        List<Change> changes = converger.plan(List.of(PEER, SECOND_NETWORK), true);
        converger.apply(changes);

        assertTrue(changes.stream().allMatch(change -> change.kind() == Kind.REPAIRED));
        assertEquals(
                List.of(
                        "repaired 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00, route",
                        "repaired 10.254.7.0/24: 10.0.16.18 ee:ee:0a:fe:07:00, neighbour, forwarding entry"),
                changes.stream().map(Change::toString).toList());
        assertEquals(2, host.takeWritten().size());
        assertEquals(List.of(), pass(true, PEER, SECOND_NETWORK));
    }
}
