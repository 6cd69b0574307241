package org.weft.dataplane.io.linux;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Await;
import org.weft.testing.RequiresRoot;

/**
 * Two threads write one queue of a TAP, as a TAP writer and an encapsulator that answers ARP do
 * with {@code threading: dedicated}. A packet socket shows each frame, and the offload state that
 * the kernel gave it.
 */
@RequiresRoot
class TapWritersIT {
    private static final int ROUNDS = 100;
    private static final int FRAMES = 250;
    private static final int HEADERS_LENGTH = 54;
    private static final int PAYLOAD_LENGTH = 64;
    private static final int LENGTH = HEADERS_LENGTH + PAYLOAD_LENGTH;
    private static final int TCP_OFFSET = 34;
    private static final int CHECKSUM_OFFSET = 16;
    private static final int SEQUENCE_OFFSET = TCP_OFFSET + 4;
    private static final int NUMBER_OFFSET = HEADERS_LENGTH;

    /** The header of each writer's frames, which the kernel keeps with a frame. */
    private static final int[] GSO_SIZES = {10, 20};

    // include/uapi/linux/if_packet.h, if_ether.h, and struct sockaddr_ll
    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_VNET_HDR = 15;
    private static final short ETH_P_ALL = 3;
    private static final int SOCKADDR_LENGTH = 20;
    private static final int PROTOCOL_OFFSET = 2;
    private static final int INTERFACE_OFFSET = 4;
    private static final int BUFFER_LENGTH = 64 << 20;

    private final TapHost host = new TapHost();
    private final UnsafeBuffer received = new UnsafeBuffer(BufferUtil.allocateDirectAligned(2048, Long.BYTES));
    private int packets = -1;

    /** The exception of a writer; null if none. */
    private volatile Throwable failure;

    @AfterEach
    void close() {
        if (packets >= 0) {
            LibC.close(packets);
        }
        host.close();
    }

    /** Writes frames of its own, numbered, each with the header of a super-frame. */
    private final class Writer implements Runnable {
        private final Frame frame = new Frame();
        private final int number;
        private final CyclicBarrier barrier;
        private int written;

        Writer(int number, CyclicBarrier barrier) {
            this.number = number;
            this.barrier = barrier;
            FrameSlab slab = new FrameSlab(1);
            frame.wrap(slab, slab.claim());
        }

        @Override
        public void run() {
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    barrier.await(1, TimeUnit.MINUTES);
                    for (int i = 0; i < FRAMES; i++) {
                        write();
                    }
                    barrier.await(1, TimeUnit.MINUTES);
                }
            } catch (Throwable t) {
                failure = t;
            }
        }

        private void write() {
            UnsafeBuffer buffer = frame.buffer();
            int offset = frame.start();
            buffer.putBytes(offset, superFrame());
            buffer.putByte(offset + 11, (byte) number);
            buffer.putInt(offset + NUMBER_OFFSET, written++, BIG_ENDIAN);
            frame.offset(offset)
                    .length(LENGTH)
                    .vnet(
                            VirtioNetHeader.FLAG_NEEDS_CHECKSUM,
                            VirtioNetHeader.GSO_TCPV4,
                            HEADERS_LENGTH,
                            GSO_SIZES[number],
                            TCP_OFFSET,
                            CHECKSUM_OFFSET);
            int result = host.tap.write(frame);
            if (result != LENGTH) {
                throw new AssertionError("write " + written + ": " + Errno.name(-result));
            }
        }
    }

    /** TCP over IPv4, which the host leaves alone because it is for another MAC address. */
    private static byte[] superFrame() {
        return ByteBuffer.allocate(LENGTH)
                .put(new byte[] {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 9, 0, 8, 0})
                .put(new byte[] {0x45, 0})
                .putShort((short) (LENGTH - 14))
                .putInt(0)
                .putInt(0x40060000)
                .putInt(0xc6120001)
                .putInt(0xc6120002)
                .putShort((short) 4000)
                .putShort((short) 7777)
                .putLong(0)
                .putInt(0x50101000)
                .array();
    }

    @Test
    void eachFrameOfTwoThreadsKeepsItsBytesAndItsHeader() throws Exception {
        openPacketSocket();
        CyclicBarrier barrier = new CyclicBarrier(3);
        List<Writer> writers = List.of(new Writer(0, barrier), new Writer(1, barrier));
        writers.forEach(writer -> new Thread(writer, "writer-" + writer.number).start());
        int[] seen = new int[2];
        for (int round = 1; round <= ROUNDS; round++) {
            barrier.await(1, TimeUnit.MINUTES);
            while (seen[0] + seen[1] < 2 * round * FRAMES) {
                seen[receive(seen)]++;
            }
            barrier.await(1, TimeUnit.MINUTES);
        }
        for (Writer writer : writers) {
            assertEquals(ROUNDS * FRAMES, seen[writer.number]);
        }
    }

    /** Compares the next frame with what its writer wrote; returns which one that is. */
    private int receive(int[] seen) {
        Await.until("a frame", this::readOne);
        int frame = VirtioNetHeader.LENGTH;
        int number = received.getByte(frame + 11);
        byte[] expected = superFrame();
        UnsafeBuffer wanted = new UnsafeBuffer(expected);
        wanted.putByte(11, (byte) number);
        wanted.putInt(NUMBER_OFFSET, seen[number], BIG_ENDIAN);
        byte[] actual = new byte[LENGTH];
        received.getBytes(frame, actual);
        assertEquals(HexFormat.of().formatHex(expected), HexFormat.of().formatHex(actual));
        VirtioNetHeader header = new VirtioNetHeader().wrap(received, 0);
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, header.flags());
        assertEquals(VirtioNetHeader.GSO_TCPV4, header.gsoType());
        assertEquals(GSO_SIZES[number], header.gsoSize());
        assertEquals(TCP_OFFSET, header.checksumStart());
        assertEquals(CHECKSUM_OFFSET, header.checksumOffset());
        return number;
    }

    /** Skips frames that the host itself sends. */
    private boolean readOne() {
        if (failure != null) {
            throw new AssertionError(failure);
        }
        int read = LibC.read(packets, received, 0, received.capacity());
        return read == VirtioNetHeader.LENGTH + LENGTH && received.getByte(VirtioNetHeader.LENGTH + 10) == 9;
    }

    private void openPacketSocket() {
        packets = LinuxException.check(
                LibC.socket(AF_PACKET, LibC.SOCK_RAW | LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC, 0),
                "socket",
                "AF_PACKET");
        SocketOptions options = new SocketOptions(packets, "AF_PACKET");
        options.set("PACKET_VNET_HDR", SOL_PACKET, PACKET_VNET_HDR, 1);
        options.receiveBuffer(BUFFER_LENGTH);
        UnsafeBuffer address = new UnsafeBuffer(ByteBuffer.allocateDirect(SOCKADDR_LENGTH));
        address.putShort(0, (short) AF_PACKET);
        address.putShort(PROTOCOL_OFFSET, ETH_P_ALL, BIG_ENDIAN);
        address.putInt(INTERFACE_OFFSET, Link.of(host.name).index());
        LinuxException.check(LibC.bind(packets, address, SOCKADDR_LENGTH), "bind", host.name);
    }
}
