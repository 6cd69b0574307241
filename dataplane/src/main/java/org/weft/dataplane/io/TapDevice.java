package org.weft.dataplane.io;

/**
 * The inside: a device that the host's network stack sends Ethernet frames to and takes them from.
 *
 * <p>A TAP moves one frame per system call, so frames come singly here and agents loop over a bounded number. One
 * thread reads; any thread may write.
 */
public interface TapDevice extends AutoCloseable {
    /** Name of the network interface. */
    String name();

    /** What may cross this device unfinished; changes only when an operator switches an offload. */
    Offloads offloads();

    /**
     * Reads the next frame into a slot. Sets its offset, length and virtio-net fields.
     *
     * @return the frame's length; 0 if there is none now; a negative errno if the device failed
     */
    int read(Frame frame);

    /**
     * Writes a frame with its virtio-net fields. Uses up to 16 bytes in front of the frame; what stood there is lost.
     * The frame may be changed or reused as soon as this returns.
     *
     * @return the frame's length; a negative errno if the kernel did not take it (EIO: the device is down)
     */
    int write(Frame frame);

    @Override
    void close();
}
