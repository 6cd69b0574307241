package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real frames with bytes changed at random and cut to every length. Each lies at the very end of its buffer, so that with
 * Agrona's bounds checks a read past its end throws; and each is read again with other bytes behind it, which must not matter.
 */
class MutationTest {
    private static final int ROUNDS = 60;
    private static final int FRONT = 3;

    private static final String MACS = "eeee0aff8400 eeee0aff6300";
    private static final String ADDRESSES = "fd000000000000000000000000000001" + "fd000000000000000000000000000002";

    private final FrameLayout layout = new FrameLayout();
    private final NeighbourDiscovery discovery = new NeighbourDiscovery();
    private final Ipv6ExtensionHeaders extensions = new Ipv6ExtensionHeaders();
    private final FlowKey key = new FlowKey();
    private final IcmpUnreachable unreachable = new IcmpUnreachable();
    private final UnsafeBuffer reply = Bytes.dirty(IcmpUnreachable.MAX_LENGTH);

    @BeforeAll
    static void boundsChecksAreOn() {
        assertTrue(UnsafeBuffer.SHOULD_BOUNDS_CHECK);
    }

    static Stream<UnsafeBuffer> frames() {
        return Stream.of(
                Bytes.seed("2-source-silk-vtep"),
                Bytes.seed("3-source-eth0"),
                Bytes.hex(MACS + "8100 0064 0800 4600 0024 0000 4000 4011 0000 0a000001 0a000002 94040000"
                        + "0001 0002 000c 0000 00000000"),
                Bytes.hex(MACS + "88a8 0064 8100 0065 86dd 60000000 0020 00 40" + ADDRESSES + "3c 00 0502 0000 0100"
                        + "2c 00 0104 00000000" + "11 00 0000 00000007" + "0001 0002 0008 0000"),
                Bytes.hex(MACS + "86dd 60000000 0020 3a ff" + ADDRESSES + "8700 0000 00000000"
                        + "fd000000000000000000000000000002" + "0101 eeee0aff6300"),
                Bytes.hex(MACS + "86dd 60000000 0030 33 40" + ADDRESSES + "06 04 0000" + "00".repeat(20)
                        + "0001 0002 00000000 00000000 5010 0000 0000 0000" + "00000000"),
                Bytes.hex(MACS + "0800 4500 0038 0000 0000 4001 0000 0a000001 0a000002 0303 0000 00000000"
                        + "4500 0080 0000 0000 4011 0000 0a000002 0a000001 0001 0002 0008 0000"),
                Bytes.hex(MACS + "86dd 60000000 0038 3a 40" + ADDRESSES + "0104 0000 00000000" + "60000000 0008 11 40"
                        + ADDRESSES + "0001 0002 0008 0000"),
                Bytes.hex(MACS + "0806 0001 0800 06 04 0001 eeee0aff6300 0aff6300 000000000000 0aff8400"));
    }

    @ParameterizedTest
    @MethodSource("frames")
    void neverReadsPastTheFrame(UnsafeBuffer frame) {
        SplittableRandom random = new SplittableRandom(7);
        byte[] original = new byte[frame.capacity()];
        frame.getBytes(0, original);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] mutated = mutate(original, round == 0 ? 0 : random.nextInt(1, 9), random);
            for (int length = 0; length <= mutated.length; length++) {
                byte[] exact = new byte[FRONT + length];
                System.arraycopy(mutated, 0, exact, FRONT, length);
                byte[] roomy = Bytes.random(random, FRONT + length + 64);
                System.arraycopy(mutated, 0, roomy, FRONT, length);
                List<Object> seen = readAll(new UnsafeBuffer(exact), length);
                assertEquals(seen, readAll(new UnsafeBuffer(roomy), length));
            }
        }
    }

    private static byte[] mutate(byte[] original, int changes, SplittableRandom random) {
        byte[] mutated = original.clone();
        int[] likely = {0, 1, 4, 5, 6, 8, 17, 43, 44, 51, 58, 60, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xf0, 0xff};
        for (int i = 0; i < changes; i++) {
            int value = random.nextBoolean() ? random.nextInt() : likely[random.nextInt(likely.length)];
            mutated[random.nextInt(mutated.length)] = (byte) value;
        }
        return mutated;
    }

    /** Everything that reads, at every place it may be told to. */
    private List<Object> readAll(UnsafeBuffer buffer, int length) {
        List<Object> seen = new ArrayList<>();
        seen.add(layout.parse(buffer, FRONT, length));
        seen.addAll(List.of(layout.etherType(), layout.networkOffset(), layout.networkComplete(), layout.tos()));
        seen.addAll(List.of(layout.isIpv4(), layout.isIpv6(), layout.isFragment(), layout.protocol(), layout.ttl()));
        seen.addAll(List.of(layout.sourceHigh(), layout.sourceLow(), layout.transportOffset()));
        seen.add(FlowHash.of(buffer, layout));
        seen.add(key.read(buffer, layout));
        seen.addAll(EveryField.of(key));
        if (layout.isIpv4() || layout.isIpv6()) {
            int answer = unreachable.put(buffer, layout, FRONT + length, reply, 0, 1, 0, IpAddress.IPV4_PREFIX);
            seen.add(Bytes.toHex(reply, 0, answer));
        }
        seen.add(discovery.readSolicitation(buffer, FRONT, length));
        seen.add(discovery.requesterMac());
        discovery.putAdvertisement(reply, 0, 1, false);
        IntStream.of(0, 14, 18, 22, 34, 38, 42, 54)
                .filter(offset -> offset <= length)
                .forEach(offset -> readHeaders(buffer, FRONT + offset, length - offset, seen));
        return seen;
    }

    private void readHeaders(UnsafeBuffer buffer, int offset, int length, List<Object> seen) {
        int ethernet = EthernetHeader.check(buffer, offset, length);
        if (ethernet != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new EthernetHeader().wrap(buffer, offset, ethernet)));
        }
        if (ArpPacket.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new ArpPacket().wrap(buffer, offset)));
        }
        if (Ipv4Header.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new Ipv4Header().wrap(buffer, offset)));
        }
        if (Ipv6Header.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new Ipv6Header().wrap(buffer, offset)));
            extensions.walk(buffer, offset, length);
            seen.addAll(EveryField.of(extensions));
        }
        if (UdpHeader.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new UdpHeader().wrap(buffer, offset)));
        }
        if (TcpHeader.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new TcpHeader().wrap(buffer, offset)));
        }
        if (VxlanHeader.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new VxlanHeader().wrap(buffer, offset)));
            seen.add(VxlanHeader.word(buffer, offset));
        }
        if (VirtioNetHeader.check(buffer, offset, length) != EthernetHeader.INVALID) {
            seen.addAll(EveryField.of(new VirtioNetHeader().wrap(buffer, offset)));
        }
        seen.add(InternetChecksum.of(buffer, offset, length));
    }
}
