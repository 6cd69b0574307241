package org.weft.dataplane.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;

class HostNetworkTest {
    @Test
    void tellsTheAddressOfADevice() {
        assertEquals(IpAddress.parse("127.0.0.1"), HostNetwork.ipv4Address("lo"));
    }

    @Test
    void aDeviceThatDoesNotExistHasNone() {
        assertNull(HostNetwork.ipv4Address("no-such-dev"));
    }
}
