package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender.FailureHandler;
import org.weft.encap.IpAddress;
import org.weft.testing.Allocations;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;
import org.weft.testing.ProcessCpu;

/** Many datagrams in one message, over loopback, which hands such a message over uncut. */
class UdpOffloadTest {
    private static final int HEADER_LENGTH = 74;
    private static final FailureHandler NO_FAILURES = (tag, errno) -> {
        throw new AssertionError("datagram " + tag + ": " + Errno.name(errno));
    };

    private final Worker worker = new Worker("weft-test");
    private final FrameSlab slab = new FrameSlab(64);
    private final Frame frame = new Frame();
    private final int[] slots = new int[64];
    private final UnsafeBuffer headers = random(1 << 20, 1);
    private final UnsafeBuffer payloads = random(4 << 20, 2);

    private LinuxUnderlay receiver;
    private LinuxUnderlaySender sender;
    private IpAddress local;
    private Runnable to;
    private int capacity;
    private int header;
    private int payload;

    private static UnsafeBuffer random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        UnsafeBuffer buffer = new UnsafeBuffer(BufferUtil.allocateDirectAligned(length, Long.BYTES));
        buffer.putBytes(0, bytes);
        return buffer;
    }

    private void open(String address, int sockets) {
        open(address, sockets, true);
    }

    private void open(String address, int sockets, boolean checksum) {
        local = IpAddress.parse(address);
        receiver = LinuxUnderlay.bind(worker, local, null, 0, true);
        sender = LinuxUnderlaySender.open(
                new SocketPools(), new SenderOptions(local, null, checksum, !checksum, 0, 0, sockets));
        sender.prepareDontFragment();
        capacity = sender.room();
        Arrays.setAll(slots, i -> slab.claim());
    }

    @AfterEach
    void close() {
        if (sender != null) {
            sender.close();
        }
        if (receiver != null) {
            receiver.close();
        }
        worker.close();
    }

    /** Where the datagrams go that are added from now on. */
    private void to(int flowHash, int tos, boolean dontFragment) {
        to = () -> sender.to(
                new Outer()
                        .remote(local.high(), local.low(), receiver.port())
                        .flowHash(flowHash)
                        .tos(tos)
                        .dontFragment(dontFragment),
                flowHash);
    }

    /** Adds a datagram from two pieces of memory, or one if it is no longer than a header. Returns its bytes. */
    private byte[] add(int length) {
        int headerLength = Math.min(length, HEADER_LENGTH);
        int payloadLength = length - headerLength;
        to.run();
        sender.add(
                headers.addressOffset() + header,
                headerLength,
                0,
                payloads.addressOffset() + payload,
                payloadLength,
                payloadLength);
        byte[] bytes = new byte[length];
        headers.getBytes(header, bytes, 0, headerLength);
        payloads.getBytes(payload, bytes, headerLength, payloadLength);
        header = (header + 128) % (headers.capacity() - HEADER_LENGTH);
        payload = (payload + length) % (payloads.capacity() - 65_536);
        return bytes;
    }

    private List<byte[]> addEach(int count, int length) {
        List<byte[]> added = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            added.add(add(length));
        }
        return added;
    }

    /** Receives until this many datagrams came. Returns how many came in each slot. */
    private List<Integer> receive(int count, List<byte[]> received) {
        List<Integer> batches = new ArrayList<>();
        int end = received.size() + count;
        Await.until(count + " datagrams", () -> {
            int filled = receiver.receive(slab, slots, slots.length);
            assertTrue(filled >= 0, () -> Errno.name(-filled));
            for (int i = 0; i < filled; i++) {
                batches.add(cut(frame.wrap(slab, slots[i]), received));
            }
            return received.size() >= end;
        });
        assertEquals(end, received.size());
        return batches;
    }

    private static int cut(Frame frame, List<byte[]> received) {
        int count = 0;
        assertEquals(frame.start() - 8, frame.offset());
        for (int done = 0; done < frame.length(); done += frame.segmentLength()) {
            byte[] bytes = new byte[Math.min(frame.segmentLength(), frame.length() - done)];
            frame.buffer().getBytes(frame.offset() + done, bytes);
            received.add(bytes);
            count++;
        }
        return count;
    }

    private static void assertSame(List<byte[]> expected, List<byte[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "datagram " + i);
        }
    }

    private List<Integer> carry(List<byte[]> added) {
        assertEquals(capacity - added.size(), sender.room());
        assertEquals(added.size(), sender.flush(NO_FAILURES));
        assertEquals(capacity, sender.room());
        List<byte[]> received = new ArrayList<>();
        List<Integer> batches = receive(added.size(), received);
        assertSame(added, received);
        return batches;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesEqualDatagramsAsOneWithAShorterLast(String address) {
        open(address, 1);
        assertTrue(sender.gso() && receiver.gro());
        to(0, 0xb9, false);
        List<byte[]> added = addEach(20, 1_432);
        added.add(add(500));
        assertEquals(List.of(21), carry(added));
        assertEquals(0xb9, frame.outerTos());
        assertEquals(1_432, frame.segmentLength());
        assertEquals(local.low(), frame.sourceLow());
        assertEquals(sender.sourcePorts()[0], frame.sourcePort());
    }

    @Test
    void packsSmallFramesOfAFlowThatWereAddedApart() {
        open("127.0.0.1", 2);
        List<byte[]> added = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            to(0, 0, false);
            added.add(add(122));
        }
        assertEquals(List.of(10), carry(added));
    }

    /** Adds datagrams of a length as one run, the last of which has another. Returns their bytes. */
    private List<byte[]> addRun(int count, int length, int lastLength) {
        int segment = length - HEADER_LENGTH;
        int payloadLength = (count - 1) * segment + lastLength - HEADER_LENGTH;
        to.run();
        long headersAddress = headers.addressOffset() + header;
        sender.add(headersAddress, HEADER_LENGTH, 128, payloads.addressOffset() + payload, payloadLength, segment);
        List<byte[]> added = new ArrayList<>();
        for (int done = 0; done < payloadLength; done += segment) {
            byte[] bytes = new byte[HEADER_LENGTH + Math.min(segment, payloadLength - done)];
            headers.getBytes(header, bytes, 0, HEADER_LENGTH);
            payloads.getBytes(payload, bytes, HEADER_LENGTH, bytes.length - HEADER_LENGTH);
            header += 128;
            payload += segment;
            added.add(bytes);
        }
        return added;
    }

    @Test
    void splitsRunsWhereAMessageIsFull() {
        open("127.0.0.1", 1);
        to(0, 0, false);
        List<byte[]> added = addRun(48, 1_420, 1_420);
        added.addAll(addRun(48, 1_420, 1_000));
        added.addAll(addRun(2, 1_000, 1_000));
        assertEquals(List.of(46, 46, 4, 2), carry(added));
    }

    @Test
    void takesNoMoreThanSixtyFourDatagramsIntoAMessage() {
        open("127.0.0.1", 1);
        to(0, 0, false);
        assertEquals(List.of(64, 64, 2), carry(addEach(130, 100)));
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1, 44, 1", "::1, 43, 2"})
    void takesNoMoreThanAnInterfacePassesOnUncut(String address, int first, int second) {
        open(address, 1);
        to(0, 0, false);
        assertEquals(List.of(first, second), carry(addEach(45, 1_488)));
    }

    @Test
    void beginsAMessageWhereTheOuterHeadersChange() {
        open("127.0.0.1", 1);
        List<byte[]> added = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            to(0, i / 2, i % 2 == 1);
            added.addAll(addEach(3, 100));
        }
        assertEquals(List.of(3, 3, 3, 3), carry(added));
    }

    @Test
    void beginsAMessageWhereTheLengthGrowsOrAfterAShorterOne() {
        open("127.0.0.1", 1);
        to(0, 0, false);
        List<byte[]> added = new ArrayList<>();
        for (int length : new int[] {100, 100, 90, 100, 100, 110, 110, 0, 0, 50}) {
            added.add(add(length));
        }
        assertEquals(added.size(), sender.flush(NO_FAILURES));
        List<byte[]> received = new ArrayList<>();
        List<Integer> batches = receive(8, received);
        assertEquals(List.of(3, 2, 2, 0, 0, 1), batches);
        added.removeIf(datagram -> datagram.length == 0);
        assertSame(added, received);
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, true, true",
        "127.0.0.1, true, false",
        "127.0.0.1, false, true",
        "127.0.0.1, false, false",
        "::1, true, true",
        "::1, true, false",
        "::1, false, true"
    })
    void keepsBytesAndOrderOfEachFlowWhateverIsSwitchedOn(String address, boolean gso, boolean gro) {
        open(address, 4);
        sender.gso(gso);
        receiver.gro(gro);
        assertEquals(gso, sender.gso());
        assertEquals(gro, receiver.gro());
        SplittableRandom random = new SplittableRandom(0x5eed);
        for (int round = 0; round < 50; round++) {
            List<List<byte[]>> added = addMixed(random);
            int count = added.stream().mapToInt(List::size).sum();
            assertEquals(count, sender.flush(NO_FAILURES));
            receiveByPort(added, count);
        }
    }

    /** Adds datagrams of four flows, in turns of some that are mostly equal. Returns those of each flow. */
    private List<List<byte[]>> addMixed(SplittableRandom random) {
        List<List<byte[]>> added = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        int turns = random.nextInt(1, 12);
        for (int i = 0; i < turns; i++) {
            int flow = random.nextInt(4);
            to(flow << 30, random.nextInt(2), random.nextInt(4) == 0);
            int length = random.nextInt(1, 2_000);
            added.get(flow).addAll(addEach(random.nextInt(1, 80), length));
            if (random.nextBoolean()) {
                added.get(flow).add(add(random.nextInt(1, length + 1)));
            }
        }
        return added;
    }

    private void receiveByPort(List<List<byte[]>> expected, int count) {
        List<List<byte[]>> received =
                List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        int[] total = new int[1];
        Await.until(count + " datagrams", () -> {
            int filled = receiver.receive(slab, slots, slots.length);
            for (int i = 0; i < filled; i++) {
                int flow = Arrays.binarySearch(
                        sender.sourcePorts(), frame.wrap(slab, slots[i]).sourcePort());
                total[0] += cut(frame, received.get(flow));
            }
            return total[0] == count;
        });
        for (int flow = 0; flow < 4; flow++) {
            assertSame(expected.get(flow), received.get(flow));
        }
    }

    @Test
    void receivesOneByOneWithoutGro() {
        open("127.0.0.1", 1);
        receiver.gro(false);
        assertFalse(receiver.gro());
        assertNull(receiver.groTrouble());
        to(0, 0, false);
        assertEquals(List.of(1, 1, 1), carry(addEach(3, 1_000)));
        assertEquals(1_000, frame.segmentLength());
        receiver.gro(true);
        assertEquals(List.of(3), carry(addEach(3, 1_000)));
    }

    @Test
    void losesNothingWhenTheKernelRefusesToCut() {
        Map<String, String> before = OpenFiles.now();
        open("127.0.0.1", 1);
        // A socket that sends no checksum may not use UDP_SEGMENT (EINVAL); SOL_SOCKET, SO_NO_CHECK.
        List<SocketOptions> sockets = OpenFiles.now().entrySet().stream()
                .filter(open ->
                        !before.containsKey(open.getKey()) && open.getValue().startsWith("socket:"))
                .map(open -> new SocketOptions(Integer.parseInt(open.getKey()), "test"))
                .toList();
        sockets.forEach(socket -> socket.set("SO_NO_CHECK", 1, 11, 1));
        to(0, 0, false);
        List<byte[]> added = addRun(40, 1_000, 1_000);
        added.addAll(addRun(31, 1_000, 900));
        added.add(add(1_000));
        assertEquals(72, carry(added).size());
        assertFalse(sender.gso());
        assertEquals(2, sender.gsoRefused());
        assertEquals(
                "the kernel refused UDP_SEGMENT with EINVAL (Invalid argument); datagrams leave one by one",
                sender.gsoTrouble());
        assertEquals(3, carry(addEach(3, 1_000)).size());
        assertEquals(2, sender.gsoRefused());
        sockets.forEach(socket -> socket.set("SO_NO_CHECK", 1, 11, 0));
        sender.gso(true);
        assertTrue(sender.gso());
        assertNull(sender.gsoTrouble());
        assertEquals(List.of(3), carry(addEach(3, 1_000)));
    }

    @Test
    void goesOnCuttingWhereTheDestinationWasToBlame() {
        open("127.0.0.1", 1);
        List<String> failures = new ArrayList<>();
        to = () -> sender.to(new Outer().remote(local.high(), local.low(), 0), 9);
        addEach(2, 1_000);
        to(0, 0, false);
        add(1_000);
        assertEquals(1, sender.flush((tag, errno) -> failures.add(tag + " " + Errno.name(errno))));
        assertEquals(List.of("9 EINVAL", "9 EINVAL"), failures);
        assertTrue(sender.gso());
        assertEquals(0, sender.gsoRefused());
    }

    @Test
    void reportsEachDatagramOfTheRunsThatAFailedMessageHad() {
        open("127.0.0.1", 1);
        List<Integer> failures = new ArrayList<>();
        for (int tag = 1; tag <= 2; tag++) {
            int run = tag;
            to = () -> sender.to(new Outer().remote(local.high(), local.low(), 0), run);
            addRun(40, 1_000, 1_000);
        }
        to(0, 0, false);
        List<byte[]> added = addRun(3, 1_000, 1_000);
        assertEquals(3, sender.flush((tag, errno) -> failures.add(tag)));
        List<Integer> expected = new ArrayList<>(Collections.nCopies(40, 1));
        expected.addAll(Collections.nCopies(40, 2));
        assertEquals(expected, failures);
        List<byte[]> received = new ArrayList<>();
        assertEquals(List.of(3), receive(3, received));
        assertSame(added, received);
    }

    @Test
    void reportsEachDatagramOfARunToAnotherFamily() {
        open("127.0.0.1", 1);
        List<String> failures = new ArrayList<>();
        to(0, 0, false);
        List<byte[]> added = addRun(2, 1_000, 1_000);
        to = () -> sender.to(new Outer().remote(0, 1, 4789), 7);
        addRun(3, 1_000, 1_000);
        to(0, 0, false);
        added.addAll(addRun(2, 1_000, 1_000));
        assertEquals(4, sender.flush((tag, errno) -> failures.add(tag + " " + Errno.name(errno))));
        assertEquals(Collections.nCopies(3, "7 EAFNOSUPPORT"), failures);
        List<byte[]> received = new ArrayList<>();
        assertEquals(List.of(2, 2), receive(4, received));
        assertSame(added, received);
    }

    @Test
    void sendsSinglyWhatExceedsTheUnderlayMtu() {
        open("127.0.0.1", 1);
        sender.underlayMtu(1_028);
        to(0, 0, false);
        List<byte[]> added = addEach(2, 1_001);
        added.addAll(addEach(3, 1_000));
        assertEquals(List.of(1, 1, 3), carry(added));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void sendsSinglyWithoutUdpChecksum(String address) {
        open(address, 1, false);
        assertFalse(sender.gso());
        assertEquals("UDP_SEGMENT needs the outer UDP checksum, which is off", sender.gsoTrouble());
        sender.gso(true);
        assertFalse(sender.gso());
        to(0, 0, false);
        assertEquals(List.of(1, 1), carry(addEach(2, 1_000)));
    }

    @Test
    void fillsItsCapacityWithDifferentDestinations() {
        open("127.0.0.1", 4);
        List<byte[]> added = new ArrayList<>();
        for (int i = 0; i < capacity; i++) {
            to(0, i & 0xff, false);
            added.add(add(8 + i % 7));
        }
        carry(added);
        carry(addEach(2, 10));
    }

    @Test
    void allocatesNothingPerSuperFrame() {
        open("127.0.0.1", 4);
        Outer outer = new Outer().remote(local.high(), local.low(), receiver.port());
        long allocated = Allocations.during(500, () -> {
            for (int flow = 0; flow < 4; flow++) {
                sender.to(outer.flowHash(flow << 30).tos(flow).dontFragment(flow == 3), flow);
                sender.add(headers.addressOffset(), HEADER_LENGTH, 128, payloads.addressOffset(), 47 * 1_358, 1_358);
            }
            if (sender.flush(NO_FAILURES) != 4 * 47) {
                throw new AssertionError("not all were sent");
            }
            int received = 0;
            while (received < 8) {
                received += receiver.receive(slab, slots, slots.length);
            }
        });
        assertEquals(0, allocated);
    }

    @Test
    void countsWhatTheSocketHadNoRoomFor() {
        open("127.0.0.1", 1);
        assertEquals(0, receiver.overflows());
        // SOL_SOCKET, SO_RCVBUF
        new SocketOptions(receiver.fd(), "test").set("SO_RCVBUF", 1, 8, 4_096);
        to(0, 0, false);
        addEach(100, 1_000);
        assertEquals(100, sender.flush(NO_FAILURES));
        Await.until("an overflow", () -> receiver.overflows() > 0);
    }

    @Test
    void findsThatBothOffloadsWorkAndLeavesNothingOpen() {
        OffloadCheck.run();
        Map<String, String> before = OpenFiles.now();
        long start = ProcessCpu.nanos();
        assertEquals(new OffloadCheck(true, true, null), OffloadCheck.run());
        assertTrue(ProcessCpu.nanos() - start < 100_000_000L);
        assertEquals(
                new TreeSet<>(before.keySet()), new TreeSet<>(OpenFiles.now().keySet()));
    }
}
