package org.weft.dataplane.io.linux;

import org.agrona.BitUtil;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.OffHeap;

/**
 * An array of struct mmsghdr (include/linux/socket.h) for recvmmsg and sendmmsg, each with a socket address and room for
 * control messages, and the iovecs that they share. Layout of 64-bit Linux.
 */
final class MessageVector implements AutoCloseable {
    /** sizeof(struct mmsghdr): a struct user_msghdr, the length transferred, padding. */
    static final int HEADER_LENGTH = 64;

    static final int NAME_OFFSET = 0;
    static final int NAME_LENGTH_OFFSET = 8;
    static final int IOV_OFFSET = 16;
    static final int IOV_COUNT_OFFSET = 24;
    static final int CONTROL_OFFSET = 32;
    static final int CONTROL_LENGTH_OFFSET = 40;
    static final int TRANSFERRED_OFFSET = 56;

    /** struct iovec (include/uapi/linux/uio.h). */
    static final int IOVEC_LENGTH = 16;

    static final int IOVEC_LENGTH_OFFSET = 8;

    /** struct cmsghdr (include/linux/socket.h): length with header, level, type; then the data. */
    static final int CONTROL_HEADER_LENGTH = 16;

    static final int CONTROL_LEVEL_OFFSET = 8;
    static final int CONTROL_TYPE_OFFSET = 12;

    /** CMSG_SPACE(sizeof(int)). */
    static final int CONTROL_INT_LENGTH = 24;

    private static final int NAME_SPACE = 32;

    /** For three control messages: TOS, TTL, and the length of segments. */
    private static final int CONTROL_SPACE = 3 * CONTROL_INT_LENGTH;

    private final OffHeap memory;
    private final UnsafeBuffer buffer;
    private final int iovecs;
    private final int names;
    private final int controls;

    /** Message i has iovec i, until told otherwise. */
    MessageVector(int count) {
        this(count, count);
    }

    MessageVector(int count, int iovecCount) {
        iovecs = count * HEADER_LENGTH;
        names = iovecs + iovecCount * IOVEC_LENGTH;
        controls = names + count * NAME_SPACE;
        memory = OffHeap.take(controls + count * CONTROL_SPACE);
        buffer = memory.buffer();
        for (int i = 0; i < count; i++) {
            int header = i * HEADER_LENGTH;
            buffer.putLong(header + NAME_OFFSET, buffer.addressOffset() + name(i));
            firstPiece(i, i);
            pieceCount(i, 1);
            buffer.putLong(header + CONTROL_OFFSET, buffer.addressOffset() + control(i));
        }
    }

    /** Sends messages without waiting. Returns how many the socket took, or a negative errno. */
    int send(int fd, int first, int count) {
        return LibC.sendmmsg(fd, buffer, first * HEADER_LENGTH, count, LibC.MSG_DONTWAIT);
    }

    /**
     * Receives messages from the first on, without waiting. Returns how many, or a negative errno.
     */
    int receive(int fd, int count) {
        return LibC.recvmmsg(fd, buffer, 0, count, LibC.MSG_DONTWAIT);
    }

    /** What the offsets of names and control messages count in. */
    UnsafeBuffer buffer() {
        return buffer;
    }

    /** Says which iovec a message begins with. */
    void firstPiece(int index, int iovec) {
        buffer.putLong(index * HEADER_LENGTH + IOV_OFFSET, buffer.addressOffset() + iovecs + iovec * IOVEC_LENGTH);
    }

    /** Says how many iovecs make up a message. */
    void pieceCount(int index, int count) {
        buffer.putLong(index * HEADER_LENGTH + IOV_COUNT_OFFSET, count);
    }

    /** Where a piece of payload is, or goes. */
    void piece(int iovec, long address, int length) {
        int offset = iovecs + iovec * IOVEC_LENGTH;
        buffer.putLong(offset, address);
        buffer.putLong(offset + IOVEC_LENGTH_OFFSET, length);
    }

    /**
     * Where headers and what follows each of them are, in turn: as {@link #piece} for each, with one check for all.
     *
     * @param lastLength the length of the last payload; the others have {@code length}
     */
    void pairs(
            int iovec,
            int count,
            long header,
            int headerLength,
            int headerStride,
            long payload,
            int length,
            int lastLength) {
        int offset = iovecs + iovec * IOVEC_LENGTH;
        buffer.boundsCheck(offset, 2 * count * IOVEC_LENGTH);
        long at = buffer.addressOffset() + offset;
        for (int i = 0; i < count; i++) {
            UnsafeApi.putLong(at, header + (long) i * headerStride);
            UnsafeApi.putLong(at + IOVEC_LENGTH_OFFSET, headerLength);
            UnsafeApi.putLong(at + IOVEC_LENGTH, payload + (long) i * length);
            UnsafeApi.putLong(at + IOVEC_LENGTH + IOVEC_LENGTH_OFFSET, i < count - 1 ? length : lastLength);
            at += 2 * IOVEC_LENGTH;
        }
    }

    /** Offset of the socket address. */
    int name(int index) {
        return names + index * NAME_SPACE;
    }

    void nameLength(int index, int length) {
        buffer.putInt(index * HEADER_LENGTH + NAME_LENGTH_OFFSET, length);
    }

    /** Bytes received. */
    int transferred(int index) {
        return buffer.getInt(index * HEADER_LENGTH + TRANSFERRED_OFFSET);
    }

    /** Makes a message ready to be received again: what the last one shortened has its full length. */
    void resetForReceive(int index) {
        nameLength(index, NAME_SPACE);
        controlLength(index, CONTROL_SPACE);
    }

    void clearControl(int index) {
        controlLength(index, 0);
    }

    /** Appends a control message that carries an int. */
    void addControl(int index, int level, int type, int value) {
        buffer.putInt(appendControl(index, level, type, Integer.BYTES), value);
    }

    /** Appends a control message that carries 16 bits; the kernel accepts no longer ones for UDP_SEGMENT. */
    void addShortControl(int index, int level, int type, int value) {
        buffer.putShort(appendControl(index, level, type, Short.BYTES), (short) value);
    }

    /** Returns where the data goes. */
    private int appendControl(int index, int level, int type, int dataLength) {
        int used = controlLength(index);
        int offset = control(index) + used;
        buffer.putLong(offset, CONTROL_HEADER_LENGTH + dataLength);
        buffer.putInt(offset + CONTROL_LEVEL_OFFSET, level);
        buffer.putInt(offset + CONTROL_TYPE_OFFSET, type);
        controlLength(index, used + CONTROL_INT_LENGTH);
        return offset + CONTROL_HEADER_LENGTH;
    }

    /** First byte of the data of a received control message, unsigned; 0 if there is none of this kind. */
    int controlByte(int index, int level, int type) {
        int data = findControl(index, level, type);
        return data < 0 ? 0 : buffer.getByte(data) & 0xff;
    }

    /** The int that a received control message carries; 0 if there is none of this kind. */
    int controlInt(int index, int level, int type) {
        int data = findControl(index, level, type);
        return data < 0 ? 0 : buffer.getInt(data);
    }

    /** Offset of the data; negative if there is none of this kind. */
    private int findControl(int index, int level, int type) {
        int offset = control(index);
        int end = offset + controlLength(index);
        while (offset + CONTROL_HEADER_LENGTH < end) {
            if (buffer.getInt(offset + CONTROL_LEVEL_OFFSET) == level
                    && buffer.getInt(offset + CONTROL_TYPE_OFFSET) == type) {
                return offset + CONTROL_HEADER_LENGTH;
            }
            offset += BitUtil.align((int) buffer.getLong(offset), Long.BYTES);
        }
        return -1;
    }

    private int control(int index) {
        return controls + index * CONTROL_SPACE;
    }

    private int controlLength(int index) {
        return (int) buffer.getLong(index * HEADER_LENGTH + CONTROL_LENGTH_OFFSET);
    }

    private void controlLength(int index, int length) {
        buffer.putLong(index * HEADER_LENGTH + CONTROL_LENGTH_OFFSET, length);
    }

    /** Gives the memory back, once no system call uses it any more. */
    @Override
    public void close() {
        memory.close();
    }
}
