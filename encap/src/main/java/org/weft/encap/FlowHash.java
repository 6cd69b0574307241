package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A hash of the inner flow, and the outer UDP source port made of it, so that routers and receive queues spread flows while
 * each flow stays in order (RFC 7348 section 5).
 */
public final class FlowHash {
    private static final long PRIME_1 = 0x9e37_79b1_85eb_ca87L;
    private static final long PRIME_2 = 0xc2b2_ae3d_27d4_eb4fL;

    private FlowHash() {}

    /**
     * Hashes addresses, protocol and ports of an IP packet; without ports for fragments, as only the first one has any. All other frames: the two MAC addresses and the EtherType. The directions of a connection differ.
     *
     * @param layout what {@link FrameLayout#parse} found in this very frame; if that was false, the hash is 0
     */
    public static int of(UnsafeBuffer buffer, FrameLayout layout) {
        if (layout.isIpv4() || layout.isIpv6()) {
            long hash = mix(layout.sourceHigh(), layout.sourceLow());
            hash = mix(hash ^ layout.destinationHigh(), layout.destinationLow());
            return finish(mix(hash, upperLayer(buffer, layout)));
        }
        if (layout.etherType() == FrameLayout.NONE) {
            return 0;
        }
        long destination = EthernetHeader.destination(buffer, layout.offset());
        long source = EthernetHeader.source(buffer, layout.offset());
        return finish(mix(mix(layout.etherType(), destination), source));
    }

    /**
     * Protocol and ports. Of IPv6 fragments nothing: what follows the fragment header is known of the first one only, and all
     * have to hash alike.
     */
    private static long upperLayer(UnsafeBuffer buffer, FrameLayout layout) {
        if (layout.isFragment()) {
            return layout.isIpv4() ? layout.protocol() : 0;
        }
        long ports = layout.hasPorts() ? buffer.getInt(layout.transportOffset(), BIG_ENDIAN) : 0;
        return ports << 32 | layout.protocol();
    }

    /**
     * The port for a hash, from {@code min} up to below {@code max}, by the kernel's formula (udp_flow_src_port), which
     * leaves {@code max} itself out.
     */
    public static int sourcePort(int hash, int min, int max) {
        int spread = hash ^ hash << 16;
        return min + (int) ((spread & 0xffff_ffffL) * (max - min) >>> 32);
    }

    private static long mix(long hash, long value) {
        long mixed = (hash ^ Long.rotateLeft(value * PRIME_2, 31)) * PRIME_1;
        return mixed ^ mixed >>> 32;
    }

    /** Stafford's variant 13 of MurmurHash3's finalizer. */
    private static int finish(long hash) {
        long mixed = (hash ^ hash >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d0_49bb_1331_11ebL;
        return (int) (mixed ^ mixed >>> 31);
    }
}
