package org.weft.silk.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class LeaseTest {
    private static final IpAddress HOST = IpAddress.parse("10.0.16.14");

    @Test
    void isWrittenAsSilkWritesIt() {
        Lease lease = new Lease(HOST, IpPrefix.parse("10.255.43.0/24"), 0xeeee_0aff_2b00L);

        assertEquals(
                new LeaseRecord("10.0.16.14", "10.255.43.0/24", "ee:ee:0a:ff:2b:00", "somewhere"),
                lease.record("somewhere"));
        assertEquals(IpAddress.parse("10.255.43.0"), lease.base());
        assertFalse(lease.singleIp());
    }

    @Test
    void keepsTheLengthOfASingleAddress() {
        Lease lease = new Lease(HOST, IpPrefix.parse("10.255.0.7/32"), 0xeeee_0aff_0007L);

        assertEquals("10.255.0.7/32", lease.subnetText());
        assertTrue(lease.singleIp());
    }
}
