package org.weft.dataplane.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HexFormat;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.encap.VirtioNetHeader;

class FrameTest {
    private static final String BYTES = "eeee0aff8400";
    private static final int TCP = VirtioNetHeader.GSO_TCPV4;

    private final FrameSlab slab = new FrameSlab(2);
    private final Frame first = frame();
    private final Frame second = frame();

    private Frame frame() {
        Frame frame = new Frame().wrap(slab, slab.claim());
        frame.offset(frame.start()).length(BYTES.length() / 2);
        frame.buffer().putBytes(frame.offset(), HexFormat.of().parseHex(BYTES));
        return frame;
    }

    private static String withHeader(Frame frame) {
        UnsafeBuffer buffer = frame.buffer();
        byte[] bytes = new byte[VirtioNetHeader.LENGTH + frame.length()];
        buffer.getBytes(frame.headerOffset(), bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** The header's fields are flags, type, headers, size, start and offset, each little-endian. */
    @Test
    void putsAHeaderInFrontOfEachFrame() {
        first.vnet(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, TCP, 66, 1398, 34, 16);
        second.plain();
        first.putHeader();
        second.putHeader();
        assertEquals("0101" + "4200" + "7605" + "2200" + "1000" + BYTES, withHeader(first));
        assertEquals("00".repeat(VirtioNetHeader.LENGTH) + BYTES, withHeader(second));
    }

    @Test
    void takesTheHeaderThatItPut() {
        first.vnet(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, TCP, 66, 1398, 34, 16);
        first.putHeader();
        first.takeHeader();
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, first.vnetFlags());
        assertEquals(TCP, first.gsoType());
        assertEquals(66, first.headersLength());
        assertEquals(1398, first.gsoSize());
        assertEquals(34, first.checksumStart());
        assertEquals(16, first.checksumOffset());
        assertEquals(BYTES, withHeader(first).substring(2 * VirtioNetHeader.LENGTH));
    }
}
