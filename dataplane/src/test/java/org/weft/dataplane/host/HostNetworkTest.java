package org.weft.dataplane.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.encap.IpAddress;

class HostNetworkTest {
    @Test
    void tellsTheAddressOfADevice() {
        assertEquals(IpAddress.parse("127.0.0.1"), HostNetwork.ipv4Address("lo"));
    }

    @Test
    void namesADeviceThatIsNotThere() {
        OperatorException e = assertThrows(OperatorException.class, () -> HostNetwork.ipv4Address("no-such-dev"));

        assertTrue(e.getMessage().contains("no-such-dev"), e.getMessage());
    }
}
