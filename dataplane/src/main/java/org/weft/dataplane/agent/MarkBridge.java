package org.weft.dataplane.agent;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.encap.EthernetHeader;
import org.weft.encap.VxlanHeader;

/**
 * Carries a packet's mark over the TAP device, which has no place for it, in the inner source MAC address: the host's
 * netfilter has rules at the device ({@code host.MarkRules}). Towards the host they take it from the last four bytes, in
 * host byte order, after two that say so; from the host they give a marked frame a source MAC address with a prefix of three
 * bytes and the low three bytes of the mark.
 */
public final class MarkBridge {
    /** The first three bytes of the source MAC address of a marked frame: locally administered, unicast. */
    public static final int PREFIX = 0x06_57_46;

    /** The first two bytes of that of every frame for the host. */
    public static final int TOWARDS_HOST = PREFIX >>> 8;

    /** The frame has no room for a mark, for netfilter does not ask. */
    static final int NO_MARK = -1;

    /** A mark none of whose bits is carried still makes the header one with a group policy id, of 0. */
    private static final int MARKED = 1 << 24;

    private static final int MARK_BITS = 24;
    private static final int SOURCE_OFFSET = 6;
    private static final int MARK_OFFSET = SOURCE_OFFSET + 2;

    private MarkBridge() {}

    /** The mark that a kernel device would give a received packet; {@link #NO_MARK} if nobody asks. */
    static int towardsHost(Enforcement enforcement, long word) {
        if (enforcement.mode() != Mode.NETFILTER) {
            return NO_MARK;
        }
        return VxlanHeader.hasGroupPolicy(word) ? VxlanHeader.mark(word) : 0;
    }

    /** Writes a mark into a frame for the host: 0, too, or its MAC address might be one. */
    static void put(Frame frame, int mark) {
        if (mark != NO_MARK) {
            frame.buffer().putShort(frame.offset() + SOURCE_OFFSET, (short) TOWARDS_HOST, ByteOrder.BIG_ENDIAN);
            frame.buffer().putInt(frame.offset() + MARK_OFFSET, mark, ByteOrder.nativeOrder());
        }
    }

    /** Takes the mark of a frame from the host, and gives the frame back the MAC address of its device. */
    static int fromHost(UnsafeBuffer buffer, int offset, long mac) {
        long source = EthernetHeader.source(buffer, offset);
        if (source >>> MARK_BITS != PREFIX) {
            return 0;
        }
        EthernetHeader.source(buffer, offset, mac);
        return MARKED | (int) source & (1 << MARK_BITS) - 1;
    }
}
