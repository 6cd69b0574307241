package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** Asks the kernel for routes to addresses of the loopback interface. */
class NetlinkTest {
    private static final int RTM_GETROUTE = 26;
    private static final int ROUTE_LENGTH = 12;
    private static final int RTA_DST = 1;
    private static final int FIRST = 0x7f000001;
    private static final int SECOND = 0x7f000002;
    private static final int THIRD = 0x7f000003;
    private static final byte NO_FAMILY = 99;

    @Test
    void anAnswerThatWasNotReadIsNotTakenForTheNextOne() {
        try (Netlink netlink = new Netlink(Netlink.NETLINK_ROUTE)) {
            askForRoute(netlink, FIRST);
            assertTrue(netlink.send() > 0);
            assertEquals(SECOND, destination(netlink, SECOND));
            assertEquals(THIRD, destination(netlink, THIRD));
        }
    }

    @Test
    void anErrorOfTheRequestBeforeIsSkippedToo() {
        try (Netlink netlink = new Netlink(Netlink.NETLINK_ROUTE)) {
            askForRoute(netlink, FIRST).putByte(Netlink.HEADER_LENGTH, NO_FAMILY);
            assertTrue(netlink.send() > 0);
            assertEquals(SECOND, destination(netlink, SECOND));
            askForRoute(netlink, FIRST).putByte(Netlink.HEADER_LENGTH, NO_FAMILY);
            assertTrue(netlink.exchange() < 0);
        }
    }

    private static int destination(Netlink netlink, int address) {
        askForRoute(netlink, address);
        assertEquals(0, netlink.exchange());
        return netlink.buffer().getInt(netlink.find(RTA_DST, ROUTE_LENGTH), ByteOrder.BIG_ENDIAN);
    }

    private static UnsafeBuffer askForRoute(Netlink netlink, int address) {
        UnsafeBuffer buffer = netlink.begin(RTM_GETROUTE, ROUTE_LENGTH);
        buffer.putByte(Netlink.HEADER_LENGTH, (byte) LibC.AF_INET);
        buffer.putByte(Netlink.HEADER_LENGTH + 1, (byte) Integer.SIZE);
        buffer.putInt(netlink.attribute(RTA_DST, Integer.BYTES), address, ByteOrder.BIG_ENDIAN);
        return buffer;
    }
}
