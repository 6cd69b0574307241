package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EcnTunnelTest {
    private static final int DSCP = 0xb8;
    private static final int OTHER_DSCP = 0x28;

    /** Kernel INET_ECN_encapsulate: the outer codepoint of a packet is the inner one, but ECT(0) for CE. */
    @Test
    void carriesInnerCodepointOut() {
        int[] outer = {EcnTunnel.NOT_ECT, EcnTunnel.ECT_1, EcnTunnel.ECT_0, EcnTunnel.ECT_0};
        for (int configured = 0; configured < 4; configured++) {
            for (int inner = 0; inner < 4; inner++) {
                assertEquals(DSCP | outer[inner], EcnTunnel.encapsulate(DSCP | configured, OTHER_DSCP | inner));
            }
        }
    }

    /** RFC 6040 figure 4, row by row, in the numbers of the codepoints. */
    @ParameterizedTest(name = "inner {0} under outer {1} becomes {2}")
    @CsvSource({
        "0, 0, 0", "0, 2, 0", "0, 1, 0", "0, 3, drop",
        "2, 0, 2", "2, 2, 2", "2, 1, 1", "2, 3, 3",
        "1, 0, 1", "1, 2, 1", "1, 1, 1", "1, 3, 3",
        "3, 0, 3", "3, 2, 3", "3, 1, 3", "3, 3, 3"
    })
    void decapsulatesAsFigure4(int inner, int outer, String result) {
        int action = EcnTunnel.decapsulate(OTHER_DSCP | outer, DSCP | inner);
        assertEquals(result.equals("drop"), action == EcnTunnel.DROP);
        int expected = result.equals("drop") ? inner : Integer.parseInt(result);

        UnsafeBuffer ipv4 = Bytes.seed("2-source-silk-vtep");
        Ipv4Header header = new Ipv4Header().wrap(ipv4, 14).tos(DSCP | inner).updateChecksum();
        EcnTunnel.applyIpv4(action, ipv4, 14);
        assertEquals(DSCP | expected, header.tos());
        assertTrue(header.isChecksumValid());

        UnsafeBuffer ipv6 = Bytes.dirty(40);
        Ipv6Header ipv6Header = new Ipv6Header().wrap(ipv6, 0).trafficClassAndFlowLabel(DSCP | inner, 0xabcde);
        EcnTunnel.applyIpv6(action, ipv6, 0);
        assertEquals(DSCP | expected, ipv6Header.trafficClass());
        assertEquals(0xabcde, ipv6Header.flowLabel());
        assertEquals(6, ipv6Header.version());
    }

    @Test
    void tellsWhatShouldNotHappen() {
        assertEquals(EcnTunnel.KEEP, EcnTunnel.decapsulate(EcnTunnel.NOT_ECT, EcnTunnel.NOT_ECT));
        assertEquals(EcnTunnel.KEEP_UNEXPECTED, EcnTunnel.decapsulate(EcnTunnel.ECT_0, EcnTunnel.NOT_ECT));
        assertEquals(EcnTunnel.KEEP_UNEXPECTED, EcnTunnel.decapsulate(EcnTunnel.ECT_1, EcnTunnel.NOT_ECT));
        assertEquals(EcnTunnel.KEEP, EcnTunnel.decapsulate(EcnTunnel.CE, EcnTunnel.CE));
    }

    @Test
    void leavesPacketAloneUnlessItIsToChange() {
        for (int action : new int[] {EcnTunnel.KEEP, EcnTunnel.KEEP_UNEXPECTED, EcnTunnel.DROP}) {
            UnsafeBuffer frame = Bytes.seed("2-source-silk-vtep");
            EcnTunnel.applyIpv4(action, frame, 14);
            EcnTunnel.applyIpv6(action, frame, 14);
            assertEquals(Bytes.toHex(Bytes.seed("2-source-silk-vtep")), Bytes.toHex(frame));
        }
    }
}
