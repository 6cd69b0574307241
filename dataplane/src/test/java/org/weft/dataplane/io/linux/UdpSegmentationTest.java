package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

class UdpSegmentationTest {
    private static final long REMOTE = 0xffff_0a00_0001L;

    private final UdpSegmentation segmentation = new UdpSegmentation(true, 28);

    /** One remote's path takes less than the interface; older kernels answer EINVAL to that, too. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.EMSGSIZE, Errno.EINVAL})
    void goesOnCuttingShorterDatagramsThanThePathDoesNotTake(int errno) {
        segmentation.mtu(1500);
        segmentation.onRefusal(0, REMOTE, errno, 1400, true);
        assertEquals(new IpAddress(0, REMOTE), segmentation.narrow());
        assertTrue(segmentation.on());
        assertEquals(1399, segmentation.longestSegment());
        assertEquals(1, segmentation.refused());
        segmentation.mtu(1500);
        assertEquals(1472, segmentation.longestSegment());
    }

    @Test
    void endsWhereTheKernelRefusesWhatEveryPathTakes() {
        segmentation.onRefusal(0, REMOTE, Errno.EINVAL, 1252, true);
        assertNull(segmentation.narrow());
        assertFalse(segmentation.on());
        assertEquals(0, segmentation.longestSegment());
        assertEquals(1, segmentation.refused());
    }

    @Test
    void goesOnWhereTheDestinationWasToBlame() {
        segmentation.onRefusal(0, REMOTE, Errno.EINVAL, 1400, false);
        assertTrue(segmentation.on());
        assertNull(segmentation.trouble());
        assertEquals(Integer.MAX_VALUE, segmentation.longestSegment());
    }
}
