package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.encap.IpAddress;

class NeighbourTableTest {
    private static final IpAddress IPV4 = IpAddress.parse("10.255.43.0");
    private static final IpAddress IPV6 = IpAddress.parse("2001:db8::43");

    private final NeighbourTable table = new NeighbourTable();

    private long lookup(IpAddress address) {
        return table.lookup(address.high(), address.low());
    }

    @Test
    void addedNeighbourIsFound() {
        assertEquals(Outcome.OK, table.add(IPV4, 0xeeee_0aff_2b00L));
        assertEquals(Outcome.OK, table.add(IPV6, 7));
        assertEquals(0xeeee_0aff_2b00L, lookup(IPV4));
        assertEquals(7, lookup(IPV6));
        assertEquals(2, table.size());
        assertEquals(
                Set.of(new Neighbour(IPV4, 0xeeee_0aff_2b00L), new Neighbour(IPV6, 7)),
                Set.copyOf(table.entries().toList()));
    }

    @Test
    void unknownAddressIsNone() {
        assertEquals(NeighbourTable.NONE, lookup(IPV4));
    }

    @Test
    void addOfAKnownAddressIsEexist() {
        table.add(IPV4, 1);
        assertEquals(Outcome.EXISTS, table.add(IPV4, 2));
        assertEquals(1, lookup(IPV4));
    }

    @Test
    void replaceMakesOrChanges() {
        assertEquals(Outcome.OK, table.replace(IPV4, 1));
        assertEquals(Outcome.OK, table.replace(IPV4, 2));
        assertEquals(2, lookup(IPV4));
        assertEquals(1, table.size());
    }

    @Test
    void removedAddressIsNone() {
        table.add(IPV4, 1);
        assertEquals(Outcome.OK, table.remove(IPV4));
        assertEquals(NeighbourTable.NONE, lookup(IPV4));
        assertEquals(Outcome.NOT_FOUND, table.remove(IPV4));
    }

    @Test
    void flushTakesAll() {
        table.add(IPV4, 1);
        table.add(IPV6, 2);
        assertEquals(2, table.flush());
        assertEquals(List.of(), table.entries().toList());
        assertEquals(0, table.size());
        assertEquals(NeighbourTable.NONE, lookup(IPV6));
    }

    @Test
    void outOfMemoryIsFull() {
        NeighbourTable small = new NeighbourTable(new OffHeapMap(2, 16));
        for (int i = 0; i < 12; i++) {
            assertEquals(Outcome.OK, small.add(IpAddress.ofIpv4(i), i));
        }
        assertEquals(Outcome.FULL, small.add(IPV4, 1));
        assertEquals(Outcome.FULL, small.replace(IPV4, 1));
    }
}
