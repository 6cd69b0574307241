package org.weft.bench;

import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.encap.InternetChecksum;

/** How fast is the Internet checksum over a small packet, one of full size and a super-frame? Bytes per ns are GB/s. */
@State(Scope.Thread)
public class ChecksumBenchmark {
    @Param({"64", "1400", "65536"})
    int bytes;

    private UnsafeBuffer buffer;

    @Setup
    public void fill() {
        buffer = new UnsafeBuffer(BufferUtil.allocateDirectAligned(bytes, 64));
        for (int i = 0; i < bytes; i++) {
            buffer.putByte(i, (byte) (i * 31));
        }
    }

    @Benchmark
    public int checksum() {
        return InternetChecksum.of(buffer, 0, bytes);
    }
}
