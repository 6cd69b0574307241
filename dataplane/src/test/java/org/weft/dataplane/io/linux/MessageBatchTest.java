package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.linux.DatagramQueue.Run;
import org.weft.encap.IpAddress;

/** Runs laid out as messages, in memory, beside a model that packs datagram by datagram. */
class MessageBatchTest {
    private static final int CAPACITY = 2048;
    private static final int HEADER_LENGTH = 62;
    private static final int STRIDE = 64;
    private static final int MAX_LENGTH = 65_535 - 20 - 30;
    private static final IpAddress[] REMOTES = {IpAddress.parse("10.0.0.1"), IpAddress.parse("10.0.0.2")};

    /** What is expected of a datagram, or of a message: its bytes are those of its datagrams. */
    private record Datagram(byte[] bytes, int tag, String outer) {}

    private final DatagramQueue queue = new DatagramQueue(CAPACITY, 1, true);
    private final MessageBatch batch = new MessageBatch(CAPACITY, true);
    private final UnsafeBuffer memory = random(1 << 20);
    private final UnsafeBuffer view = new UnsafeBuffer();
    private final List<Datagram> datagrams = new ArrayList<>();

    private static UnsafeBuffer random(int length) {
        byte[] bytes = new byte[length];
        new SplittableRandom(1).nextBytes(bytes);
        UnsafeBuffer buffer = new UnsafeBuffer(BufferUtil.allocateDirectAligned(length, Long.BYTES));
        buffer.putBytes(0, bytes);
        return buffer;
    }

    private void add(int remote, int tos, int tag, int payloadLength, int segmentLength) {
        int headers = tag * 1000;
        int payload = 500_000 + tag * 777;
        queue.to(
                new Outer()
                        .remote(REMOTES[remote].high(), REMOTES[remote].low(), 4789)
                        .tos(tos),
                0,
                tag);
        long address = memory.addressOffset();
        queue.add(address + headers, HEADER_LENGTH, STRIDE, address + payload, payloadLength, segmentLength);
        for (int done = 0, header = headers; done < payloadLength; done += segmentLength, header += STRIDE) {
            byte[] bytes = new byte[HEADER_LENGTH + Math.min(segmentLength, payloadLength - done)];
            memory.getBytes(header, bytes, 0, HEADER_LENGTH);
            memory.getBytes(payload + done, bytes, HEADER_LENGTH, bytes.length - HEADER_LENGTH);
            datagrams.add(new Datagram(bytes, tag, remote + " " + tos));
        }
    }

    private void layOut(int longestSegment) {
        assertEquals(datagrams.size(), queue.count());
        batch.clear();
        for (Run run = queue.first(0); run != null; run = run.next) {
            batch.append(run, 0, run.count, longestSegment);
        }
    }

    /** How many datagrams each message should have. */
    private List<Integer> model(int longestSegment) {
        List<Integer> counts = new ArrayList<>();
        for (int first = 0, end; first < datagrams.size(); first = end) {
            int segment = datagrams.get(first).bytes.length;
            int total = segment;
            end = first + 1;
            int last = segment <= longestSegment ? segment : 0;
            while (last == segment && end < datagrams.size() && end - first < 64) {
                Datagram next = datagrams.get(end);
                if (next.bytes.length > segment
                        || total + next.bytes.length > MAX_LENGTH
                        || !next.outer.equals(datagrams.get(first).outer)) {
                    break;
                }
                last = next.bytes.length;
                total += last;
                end++;
            }
            counts.add(end - first);
        }
        return counts;
    }

    private List<Integer> counts() {
        List<Integer> counts = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            counts.add(batch.count(i));
        }
        return counts;
    }

    private byte[] bytes(int message) {
        UnsafeBuffer header = new UnsafeBuffer();
        header.wrap(batch.messages().buffer(), message * MessageVector.HEADER_LENGTH, MessageVector.HEADER_LENGTH);
        int count = (int) header.getLong(MessageVector.IOV_COUNT_OFFSET);
        UnsafeBuffer iovecs = new UnsafeBuffer();
        iovecs.wrap(header.getLong(MessageVector.IOV_OFFSET), count * MessageVector.IOVEC_LENGTH);
        byte[] bytes = new byte[0];
        for (int at = 0; at < iovecs.capacity(); at += MessageVector.IOVEC_LENGTH) {
            int length = (int) iovecs.getLong(at + MessageVector.IOVEC_LENGTH_OFFSET);
            view.wrap(iovecs.getLong(at), length);
            int end = bytes.length;
            bytes = Arrays.copyOf(bytes, end + length);
            view.getBytes(0, bytes, end, length);
        }
        return bytes;
    }

    /** The length that the kernel is to cut a message by; 0 for none. */
    private int segment(int message) {
        view.wrap(batch.messages().buffer(), message * MessageVector.HEADER_LENGTH, MessageVector.HEADER_LENGTH);
        int length = (int) view.getLong(MessageVector.CONTROL_LENGTH_OFFSET);
        view.wrap(view.getLong(MessageVector.CONTROL_OFFSET), length);
        int last = length - MessageVector.CONTROL_INT_LENGTH;
        return length == 0
                        || view.getInt(last + MessageVector.CONTROL_TYPE_OFFSET) != SocketOptions.UDP_SEGMENT
                        || view.getInt(last + MessageVector.CONTROL_LEVEL_OFFSET) != SocketOptions.IPPROTO_UDP
                ? 0
                : view.getShort(last + MessageVector.CONTROL_HEADER_LENGTH) & 0xffff;
    }

    /** Whose datagrams a message has, as failures are reported. */
    private List<Integer> tags(int message) {
        List<Integer> tags = new ArrayList<>();
        Run run = batch.run(message);
        for (int i = 0, index = batch.start(message); i < batch.count(message); i++, index++) {
            if (index == run.count) {
                run = run.next;
                index = 0;
            }
            tags.add(run.tag);
        }
        return tags;
    }

    private void assertMessagesAre(List<Integer> counts) {
        assertEquals(counts, counts());
        int first = 0;
        for (int message = 0; message < batch.size(); message++) {
            List<Datagram> part = datagrams.subList(first, first + batch.count(message));
            first += part.size();
            UnsafeBuffer expected = new UnsafeBuffer(
                    new byte[part.stream().mapToInt(d -> d.bytes.length).sum()]);
            int end = 0;
            for (Datagram datagram : part) {
                expected.putBytes(end, datagram.bytes);
                end += datagram.bytes.length;
            }
            assertArrayEquals(expected.byteArray(), bytes(message), "message " + message);
            assertEquals(part.size() > 1 ? part.get(0).bytes.length : 0, segment(message), "message " + message);
            assertEquals(part.stream().map(Datagram::tag).toList(), tags(message));
        }
    }

    @Test
    void goesOnWithTheNextRunWhereAMessageEndsInTheMiddleOfOne() {
        add(0, 0, 0, 48 * 1_358, 1_358);
        add(0, 0, 1, 48 * 1_358, 1_358);
        layOut(1_450);
        assertMessagesAre(List.of(46, 46, 4));
    }

    @Test
    void endsAMessageWithTheShorterLastDatagramOfARun() {
        add(0, 0, 0, 3 * 100 + 10, 100);
        add(0, 0, 1, 10, 10);
        add(0, 0, 2, 70 * 10, 10);
        layOut(1_450);
        assertMessagesAre(List.of(4, 64, 7));
    }

    @Test
    void takesAShorterLastDatagramWhereAFullOneHasNoRoom() {
        int room = MAX_LENGTH - 46 * (HEADER_LENGTH + 1_358);
        add(0, 0, 0, 46 * 1_358 + room - HEADER_LENGTH, 1_358);
        layOut(1_450);
        assertMessagesAre(List.of(47));
    }

    @Test
    void laysOutEachDatagramOfARunAloneWhereNoneMayShare() {
        add(0, 0, 0, 5 * 1_358 + 7, 1_358);
        layOut(0);
        assertMessagesAre(List.of(1, 1, 1, 1, 1, 1));
    }

    @Test
    void doesNotGoOnBehindARunThatWasLeftOut() {
        for (int tag = 0; tag < 3; tag++) {
            add(0, 0, tag, 300, 100);
        }
        batch.clear();
        Run first = queue.first(0);
        batch.append(first, 0, first.count, 1_450);
        Run third = first.next.next;
        batch.append(third, 0, third.count, 1_450);
        assertEquals(List.of(3, 3), counts());
        assertEquals(List.of(2, 2, 2), tags(1));
    }

    @Test
    void laysOutARefusedMessageInPartsOfItsRuns() {
        add(0, 0, 0, 300, 100);
        add(0, 0, 1, 300, 100);
        batch.clear();
        Run first = queue.first(0);
        batch.append(first, 2, 1, 0);
        batch.append(first.next, 0, 1, 0);
        datagrams.subList(4, 6).clear();
        datagrams.subList(0, 2).clear();
        assertMessagesAre(List.of(1, 1));
    }

    @RepeatedTest(200)
    void packsWhatPackingDatagramByDatagramWould(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        int[] lengths = {random.nextInt(1, 1_500), random.nextInt(1, 200), 1_358};
        int runs = random.nextInt(1, 40);
        for (int tag = 0; tag < runs; tag++) {
            int length = lengths[random.nextInt(lengths.length)];
            int count = random.nextInt(8) == 0 ? 1 : random.nextInt(1, 49);
            int last = random.nextBoolean() ? length : random.nextInt(1, length + 1);
            add(random.nextInt(8) / 7, random.nextInt(8) / 7, tag, (count - 1) * length + last, length);
        }
        int longestSegment = random.nextInt(4) == 0 ? 1_000 : 1_450;
        layOut(longestSegment);
        assertMessagesAre(model(longestSegment));
    }
}
