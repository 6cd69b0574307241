package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class TableGrowthTest {
    private static final int ENTRIES = 1_000_000;
    private static final int MOST_BYTES_PER_ENTRY = 64;

    @Test
    void fdbHoldsAMillionEntriesEachWithItsOwnRemote() {
        FdbTable table = new FdbTable(0);
        for (int i = 1; i <= ENTRIES; i++) {
            assertEquals(Outcome.OK, table.add(mac(i), new Remote(IpAddress.ofIpv4(i)), true, 1));
            assertTrue(i < 10_000 || table.bytes() <= (long) i * MOST_BYTES_PER_ENTRY, "at " + i);
        }
        FdbLookup found = new FdbLookup();
        for (int i = 1; i <= ENTRIES; i++) {
            assertTrue(table.lookup(mac(i), found));
            assertEquals(IpAddress.ipv4Low(i), found.low(0));
        }
        assertFalse(table.lookup(mac(ENTRIES + 1), found));
        assertEquals(ENTRIES, table.size());
    }

    /** Silk's: ee:ee and four bytes of the overlay address. */
    private static long mac(int host) {
        return 0xeeee_0000_0000L | 0x0aff_0000L + host;
    }

    @Test
    void neighboursHoldAMillionIpv6Addresses() {
        NeighbourTable table = new NeighbourTable();
        for (int i = 0; i < ENTRIES; i++) {
            table.add(new IpAddress(0x2001_0db8_0000_0000L | i & 0xffff, i), i);
        }
        for (int i = 0; i < ENTRIES; i++) {
            assertEquals(i, table.lookup(0x2001_0db8_0000_0000L | i & 0xffff, i));
        }
        assertEquals(NeighbourTable.NONE, table.lookup(0x2001_0db8_0000_0000L, ENTRIES));
    }

    @Test
    void tagsHoldAMillionAddressesAndPrefixes() {
        TagTable table = new TagTable();
        for (int i = 0; i < ENTRIES; i++) {
            table.add(new IpPrefix(IpAddress.ofIpv4(source(i)), i % 4 == 0 ? 26 : 32), tag(i));
        }
        for (int i = 0; i < ENTRIES; i++) {
            assertEquals(tag(i), table.lookup(0, IpAddress.ipv4Low(source(i))));
        }
        assertEquals(ENTRIES, table.size());
        assertEquals(TagTable.UNTAGGED, table.lookup(0, IpAddress.ipv4Low(0x0b00_0000)));
    }

    /** Every fourth is of 64 addresses, which have no tag of their own. */
    private static int source(int i) {
        return i % 4 == 0 ? 0x6400_0000 + i * 16 : 0x0a00_0000 + i;
    }

    private static int tag(int i) {
        return 1 + i % 0xffff;
    }
}
