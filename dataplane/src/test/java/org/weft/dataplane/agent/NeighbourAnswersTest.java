package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.bytes;
import static org.weft.testing.Frames.hex;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;

/**
 * Requests for neighbours that a VTEP answers itself, or drops, and those that it takes for other
 * traffic.
 */
class NeighbourAnswersTest {
    private static final String ARP = "ffffffffffff eeee0aff6300 0806 0001 0800 06 04 0001".replace(" ", "")
            + "eeee0aff6300" + "0aff6300" + "000000000000" + "0aff8400";
    private static final String SOLICITATION = ("3333ff000002 eeee0aff6300 86dd 60000000 0020 3a ff"
                    + "fd000000000000000000000000000001 ff0200000000000000000001ff000002"
                    + "8700 1234 00000000 fd000000000000000000000000000002 0101 eeee0aff6300")
            .replace(" ", "");

    private final MemoryTap tap = new MemoryTap();
    private final MemorySender sender = new MemorySender();
    private final FrameSlab slab = new FrameSlab(8);
    private final FrameRing ring = new FrameRing(8, 1);
    private final Vtep vtep = new Vtep(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST));
    private final TapReader reader = new TapReader(tap, slab, ring, vtep.counters());
    private final Encapsulator encapsulator =
            new Encapsulator(vtep, tap, slab, ring, sender, new AgentContext(vtep.counters(), new Capture()));

    @BeforeEach
    void allIsForwardedThatIsNotAnswered() {
        vtep.fdb().append(FdbTable.DEFAULT_MAC, new Remote(DESTINATION_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse("10.255.132.0"), DESTINATION_MAC);
        vtep.neighbours().replace(IpAddress.parse("fd00::2"), DESTINATION_MAC);
    }

    /** Each frame of the host ends in one counter. */
    private void assertEnd(Counter counter, String frame) {
        tap.hostSends(bytes(frame));
        reader.doWork();
        encapsulator.doWork();
        assertEquals(1, vtep.counters().get(counter), counter.name());
        assertEquals(counter == Counter.TX_SENT ? 1 : 0, sender.sent().size());
    }

    @Test
    void answersASolicitationForAKnownNeighbour() {
        assertEnd(Counter.NEIGHBOUR_ANSWERED, SOLICITATION);
        String answer = hex(tap.delivered().get(0).bytes());
        assertEquals("eeee0aff6300" + "eeee0aff8400" + "86dd", answer.substring(0, 28));
        assertEquals("fd000000000000000000000000000002", answer.substring(44, 76));
        assertEquals("88", answer.substring(108, 110));
    }

    @Test
    void forwardsNoSolicitationThatItCannotAnswer() {
        vtep.neighbours().remove(IpAddress.parse("fd00::2"));
        assertEnd(Counter.NEIGH_UNKNOWN, SOLICITATION);
        assertEquals(List.of(), tap.delivered());
    }

    @Test
    void forwardsOtherMessagesOfIcmpv6() {
        assertEnd(Counter.TX_SENT, SOLICITATION.replace("87001234", "80001234"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 27})
    void dropsArpThatIsCut(int missing) {
        byte[] whole = bytes(ARP);
        assertEnd(Counter.TX_HDR_TRUNC, hex(Arrays.copyOf(whole, whole.length - missing)));
    }

    /** An answer of another host, and a request about an address that no neighbour can have. */
    @ParameterizedTest
    @ValueSource(strings = {"0002eeee0aff6300 0aff8400", "0001eeee0aff6300 7f000001", "0001eeee0aff6300 e0000001"})
    void forwardsNoArpThatAsksForNoNeighbour(String change) {
        String[] parts = change.split(" ");
        String frame = ARP.replace("0001eeee0aff6300", parts[0]);
        assertEnd(Counter.NEIGH_UNKNOWN, frame.substring(0, frame.length() - 8) + parts[1]);
        assertEquals(List.of(), tap.delivered());
    }
}
