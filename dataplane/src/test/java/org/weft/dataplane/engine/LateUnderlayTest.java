package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.testing.Frames;

class LateUnderlayTest {
    private static final int UNDERLAY_MTU = 9000;
    private static final int OVERHEAD = 50;

    private final LateUnderlay late = new LateUnderlay();
    private final Vtep vtep = new Vtep(Frames.silkVtep(Frames.SOURCE_MAC, IpAddress.parse("127.0.0.1")));
    private final int assumed = vtep.mtu();

    private void changeMtu(int mtu) {
        VtepConfig config = vtep.config();
        vtep.config(config.following(config.name(), config.device().mac(), mtu));
    }

    @Test
    void aVtepKeepsAnMtuThatIsNotAssumed() {
        assertEquals(assumed, late.mtu(vtep, UNDERLAY_MTU));
    }

    /** A change that failed is tried again at the next look. */
    @Test
    void anMtuIsAssumedUntilTheVtepHasTheRealOne() {
        late.awaitMtu(vtep);
        assertEquals(UNDERLAY_MTU - OVERHEAD, late.mtu(vtep, UNDERLAY_MTU));
        assertEquals(UNDERLAY_MTU - OVERHEAD, late.mtu(vtep, UNDERLAY_MTU));
        changeMtu(UNDERLAY_MTU - OVERHEAD);
        late.mtuKnown(vtep);
        assertEquals(UNDERLAY_MTU - OVERHEAD, late.mtu(vtep, assumed));
    }

    @Test
    void anMtuThatAnOperatorChoseStays() {
        late.awaitMtu(vtep);
        changeMtu(assumed - 1);
        assertEquals(assumed - 1, late.mtu(vtep, UNDERLAY_MTU));
    }
}
