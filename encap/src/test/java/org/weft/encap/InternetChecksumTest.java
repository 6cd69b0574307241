package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InternetChecksumTest {
    private static final int LONGEST = 2048;

    /** RFC 1071 by the letter: 16 bits at a time, the carry added at once. */
    private static int naive(byte[] bytes, int offset, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            int octet = bytes[offset + i] & 0xff;
            sum += i % 2 == 0 ? octet << 8 : octet;
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return ~sum & 0xffff;
    }

    @Test
    void agreesWithTheExampleOfRfc1071() {
        UnsafeBuffer buffer = Bytes.hex("0001 f203 f4f5 f6f7");
        assertEquals(0xddf2, InternetChecksum.fold(InternetChecksum.sum(buffer, 0, 8, 0)));
    }

    @Test
    void agreesWithNaiveSumAtEveryLengthAndAlignment() {
        byte[] bytes = Bytes.random(new SplittableRandom(1071), LONGEST + 8);
        UnsafeBuffer heap = new UnsafeBuffer(bytes);
        UnsafeBuffer direct = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes.length));
        direct.putBytes(0, bytes);
        for (int length = 0; length <= LONGEST; length++) {
            for (int alignment = 0; alignment < 8; alignment++) {
                int expected = naive(bytes, alignment, length);
                assertEquals(expected, InternetChecksum.of(heap, alignment, length));
                assertEquals(expected, InternetChecksum.of(direct, alignment, length));
            }
        }
    }

    @Test
    void agreesWithNaiveSumWhereEveryCarryIsTaken() {
        byte[] bytes = new byte[65_535];
        Arrays.fill(bytes, (byte) 0xff);
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        for (int length : new int[] {1, 2, 3, 31, 32, 33, 1400, 65_534, 65_535}) {
            assertEquals(naive(bytes, 0, length), InternetChecksum.of(buffer, 0, length));
        }
    }

    @Test
    void partialSumsOfEvenPiecesAddUp() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 2000; i++) {
            int length = random.nextInt(LONGEST);
            byte[] bytes = Bytes.random(random, length);
            UnsafeBuffer buffer = new UnsafeBuffer(bytes);
            int split = random.nextInt(length + 1) & ~1;
            long first = InternetChecksum.sum(buffer, 0, split, 0);
            long both = InternetChecksum.sum(buffer, split, length - split, first);
            assertEquals(naive(bytes, 0, length), InternetChecksum.finish(both));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0xffff, 0xffff", "0x10000, 1", "0xffffffff, 0xffff", "0x1fffe, 0xffff", "0xffff0001, 1"})
    void foldsWithEndAroundCarry(String partial, String folded) {
        assertEquals(Integer.decode(folded), InternetChecksum.fold(Long.decode(partial)));
    }

    @Test
    void foldsEvery64BitPatternAsRemainderOf65535() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 100_000; i++) {
            long partial = random.nextLong() >>> random.nextInt(1, 64);
            int folded = InternetChecksum.fold(partial);
            assertEquals(partial % 0xffff, folded % 0xffff);
            assertTrue(folded >= 0 && folded <= 0xffff);
            assertEquals(partial == 0, folded == 0);
        }
    }

    @Test
    void refusesBytesOutsideTheBuffer() {
        UnsafeBuffer buffer = Bytes.dirty(16);
        assertThrows(IndexOutOfBoundsException.class, () -> InternetChecksum.sum(buffer, 8, 9, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> InternetChecksum.sum(buffer, -1, 2, 0));
    }

    /** The example of RFC 1624 section 4, for which equation 4 of RFC 1141 gives 0xffff. */
    @Test
    void updateGivesPlusZeroInTheCornerOfRfc1624() {
        assertEquals(0x0000, InternetChecksum.update(0xdd2f, 0x5555, 0x3285));
    }

    @Test
    void updateAgreesWithSummingAgain() {
        SplittableRandom random = new SplittableRandom(1624);
        for (int i = 0; i < 100_000; i++) {
            byte[] bytes = Bytes.random(random, 20);
            UnsafeBuffer buffer = new UnsafeBuffer(bytes);
            Ipv4Header header =
                    new Ipv4Header().wrap(buffer, 0).headerLength(20).updateChecksum();
            int before = header.checksum();
            int oldWord = header.identification();
            int newWord = random.nextInt(4) == 0 ? ~oldWord & 0xffff : random.nextInt(0x10000);
            header.identification(newWord).updateChecksum();
            assertEquals(header.checksum(), InternetChecksum.update(before, oldWord, newWord));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 17, 58})
    void pseudoHeadersSumTheFieldsOfTheRfcs(int protocol) {
        SplittableRandom random = new SplittableRandom(protocol);
        for (int i = 0; i < 1000; i++) {
            int length = random.nextInt(0x10000);
            UnsafeBuffer header = new UnsafeBuffer(Bytes.random(random, 40));
            byte[] ipv4 = new byte[12];
            header.getBytes(12, ipv4, 0, 8);
            ipv4[9] = (byte) protocol;
            new UnsafeBuffer(ipv4).putShort(10, (short) length, BIG_ENDIAN);
            assertEquals(
                    naive(ipv4, 0, 12),
                    InternetChecksum.finish(InternetChecksum.pseudoHeaderIpv4(header, 0, protocol, length)));
            byte[] ipv6 = new byte[40];
            header.getBytes(8, ipv6, 0, 32);
            new UnsafeBuffer(ipv6).putInt(32, length, BIG_ENDIAN);
            ipv6[39] = (byte) protocol;
            assertEquals(
                    naive(ipv6, 0, 40),
                    InternetChecksum.finish(InternetChecksum.pseudoHeaderIpv6(header, 0, protocol, length)));
        }
    }

    @Test
    void completesUdpChecksumOfZeroAsAllOnes() {
        UnsafeBuffer buffer = Bytes.hex("ffff" + "0000 0000 0000 0000" + "00");
        assertTrue(InternetChecksum.complete(buffer, 0, 11, 0, 6));
        assertEquals("ffff" + "00000000" + "ffff" + "000000", Bytes.toHex(buffer));
        assertEquals(0, InternetChecksum.finish(0xffff));
        assertEquals(0xffff, InternetChecksum.finishNonZero(0xffff));
        assertEquals(0xfffe, InternetChecksum.finishNonZero(1));
    }

    @Test
    void completesFromStartToEndOnly() {
        byte[] bytes = Bytes.random(new SplittableRandom(5), 60);
        UnsafeBuffer frame = new UnsafeBuffer(bytes);
        byte[] before = bytes.clone();
        assertTrue(InternetChecksum.complete(frame, 4, 50, 10, 6));
        int expected = naive(before, 14, 40);
        assertEquals(expected == 0 ? 0xffff : expected, frame.getShort(20, BIG_ENDIAN) & 0xffff);
        before[20] = bytes[20];
        before[21] = bytes[21];
        assertEquals(Bytes.toHex(new UnsafeBuffer(before)), Bytes.toHex(frame));
    }

    @ParameterizedTest
    @CsvSource({"50, 0", "49, 0", "40, 9", "65535, 65535", "0, 49", "-1, 4", "4, -1", "2147483647, 2147483647"})
    void completesNothingOutsideTheFrame(int start, int field) {
        UnsafeBuffer frame = Bytes.dirty(50);
        assertFalse(InternetChecksum.complete(frame, 0, 50, start, field));
        assertEquals("a5".repeat(50), Bytes.toHex(frame));
    }
}
