package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.encap.IpAddress;

class AddressStateTest {
    /** All of 127.0.0.0/8 is local by a route; one address of it is on an interface. */
    @ParameterizedTest
    @CsvSource({"127.0.0.1, PRESENT", "127.77.5.5, PRESENT", "192.0.2.77, ABSENT", "2001:db8::77, ABSENT"})
    void followsInterfacesAndLocalRoutes(String address, AddressState state) {
        assertEquals(state, AddressState.of(IpAddress.parse(address)));
    }
}
