package org.weft.dataplane.agent;

import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.OffHeap;

/**
 * Hands frames from one agent to the next by {@linkplain Frame#descriptor descriptor}, and their slots back. One
 * producer, one consumer.
 *
 * <p>Both ways have room for every slot of the slab, so neither can be full; a producer that runs out of free slots
 * stops reading, and the kernel's own queue in front of it holds what comes.
 */
public final class FrameRing implements AutoCloseable {
    private static final int MESSAGE_TYPE = 1;

    /** Ring header 8 bytes, descriptor or slot number 8. */
    private static final int RECORD_LENGTH = 16;

    private final OffHeap forwardMemory;
    private final OffHeap backMemory;
    private final OneToOneRingBuffer forward;
    private final OneToOneRingBuffer back;
    private final int framesPerSlot;
    private final MessageHandler onFrame = this::onFrame;
    private final MessageHandler onReturn = this::onReturn;
    private long[] taken;
    private int takenCount;
    private FrameSlab owner;

    /**
     * @param slots slots of the slab whose frames it carries
     * @param framesPerSlot how many frames one slot can hold, releases included
     */
    public FrameRing(int slots, int framesPerSlot) {
        this.framesPerSlot = framesPerSlot;
        forwardMemory = memory(slots * framesPerSlot);
        backMemory = memory(slots);
        forward = new OneToOneRingBuffer(forwardMemory.buffer());
        back = new OneToOneRingBuffer(backMemory.buffer());
    }

    private static OffHeap memory(int records) {
        int capacity = BitUtil.findNextPositivePowerOfTwo((records + 1) * RECORD_LENGTH);
        return OffHeap.take(capacity + RingBufferDescriptor.TRAILER_LENGTH);
    }

    /** How many descriptors it has room for while one slot is under way, its release included. */
    int framesPerSlot() {
        return framesPerSlot;
    }

    /** Producer: passes a frame on. Its slot belongs to the consumer from the last one on. */
    public void offer(long descriptor) {
        put(forward, descriptor);
    }

    /**
     * Consumer: takes waiting frames.
     *
     * @param descriptors receives them; its length is the limit
     * @return how many
     */
    public int take(long[] descriptors) {
        taken = descriptors;
        takenCount = 0;
        // One read stops where the ring wraps.
        forward.read(onFrame, descriptors.length);
        forward.read(onFrame, descriptors.length - takenCount);
        return takenCount;
    }

    /** Consumer: gives a slot back when nothing needs the frame any more. */
    public void giveBack(int slot) {
        put(back, slot);
    }

    /** Producer: puts the slots that came back into its slab. */
    public void reclaim(FrameSlab slab) {
        owner = slab;
        while (back.read(onReturn) > 0) {
            // One read stops where the ring wraps.
        }
    }

    private static void put(OneToOneRingBuffer ring, long number) {
        int index = ring.tryClaim(MESSAGE_TYPE, Long.BYTES);
        if (index < 0) {
            throw new IllegalStateException("the ring is full: a slot was handed over twice, or holds too many frames");
        }
        ring.buffer().putLong(index, number);
        ring.commit(index);
    }

    private void onFrame(int type, DirectBuffer buffer, int index, int length) {
        taken[takenCount++] = buffer.getLong(index);
    }

    private void onReturn(int type, DirectBuffer buffer, int index, int length) {
        owner.release((int) buffer.getLong(index));
    }

    /** Gives the memory back, once neither producer nor consumer uses the ring any more. */
    @Override
    public void close() {
        forwardMemory.close();
        backMemory.close();
    }
}
