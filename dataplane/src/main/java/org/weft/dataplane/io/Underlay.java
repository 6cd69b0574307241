package org.weft.dataplane.io;

/**
 * The outside, receiving half: one UDP socket on the VXLAN port. One thread calls it.
 */
public interface Underlay extends AutoCloseable {
    /**
     * Receives datagrams into free slots. Each frame's offset and length become those of the UDP payload; source,
     * outer TOS and segment length are set; virtio-net fields are cleared.
     *
     * @param slots the slots to fill, from index 0
     * @param count how many of them may be used
     * @return how many were filled; 0 if nothing waits; a negative errno if the socket failed
     */
    int receive(FrameSlab slab, int[] slots, int count);

    /** High 64 bits of the address it is bound to. */
    long localHigh();

    /** Low 64 bits of the address it is bound to; IPv4 as {@code ::ffff:a.b.c.d}. */
    long localLow();

    /** The UDP port it is bound to. */
    int port();

    @Override
    void close();
}
