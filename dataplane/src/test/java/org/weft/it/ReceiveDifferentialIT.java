package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.Packets.IPV4;
import static org.weft.it.Packets.IPV6;
import static org.weft.it.Packets.UDP;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/** Gives the kernel's device and the subject's the same mutated datagrams; both must deliver the same frames. */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
class ReceiveDifferentialIT {
    private static final long SEED = 20261120;
    private static final int BATCH = 50;
    private static final int BATCHES = 80;
    private static final String DEVICE = "silk-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final byte[] MARKER = Packets.ethernet(OWN_MAC, PEER_MAC, Packets.EXPERIMENT, "marker".getBytes());

    private final Subject subject;
    private final SplittableRandom random = new SplittableRandom(SEED);

    ReceiveDifferentialIT(Subject subject) {
        this.subject = subject;
    }

    @Test
    void deliversWhatTheKernelDeliversOnGbpDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning gbp");
    }

    @Test
    void deliversWhatTheKernelDeliversOnPlainDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning");
    }

    @Test
    void deliversWhatTheKernelDeliversOnLearningDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 learning");
    }

    private void compare(String attributes) {
        Device device = new Device(DEVICE, OWN_MAC, 1410, attributes);
        try (HostLab kernel = HostLab.open(Subject.KERNEL);
                HostLab other = HostLab.open(subject);
                PacketSocket kernelDevice = open(kernel, device);
                PacketSocket otherDevice = open(other, device)) {
            int delivered = 0;
            for (int i = 0; i < BATCHES; i++) {
                List<Datagram> batch = mutatedDatagrams();
                List<byte[]> expected = deliver(kernel, kernelDevice, batch);
                List<byte[]> actual = deliver(other, otherDevice, batch);
                assertEquals(PacketSocket.dump(expected), PacketSocket.dump(actual), () -> describe(batch));
                delivered += expected.size();
            }
            assertTrue(delivered > BATCH && delivered < BATCH * BATCHES, delivered + " delivered: nothing tested");
        }
    }

    private static PacketSocket open(HostLab lab, Device device) {
        lab.endpoint.add(device);
        return lab.socket(DEVICE);
    }

    private static List<byte[]> deliver(HostLab lab, PacketSocket device, List<Datagram> batch) {
        device.clear();
        batch.forEach(datagram -> lab.wire.send(datagram.frame()));
        lab.wire.send(Datagram.vxlan(4789, 0x08000000_00000100L, MARKER).frame());
        device.await("marker", frame -> Arrays.equals(frame, MARKER));
        return device.received(frame -> !Arrays.equals(frame, MARKER));
    }

    private static String describe(List<Datagram> batch) {
        StringBuilder text = new StringBuilder("seed " + SEED + ", datagrams:\n");
        batch.forEach(datagram -> text.append(datagram).append('\n'));
        return text.toString();
    }

    private List<Datagram> mutatedDatagrams() {
        List<Datagram> batch = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            byte[] payload = mutate(validPayload());
            batch.add(Datagram.of(4789, payload).tos(random.nextInt(4)));
        }
        return batch;
    }

    private byte[] validPayload() {
        boolean ipv4 = random.nextBoolean();
        Ip ip = (ipv4 ? Ip.of("10.255.99.3", "10.255.132.2") : Ip.of("fd00:99::3", "fd00:132::2"))
                .tos(random.nextInt(256));
        byte[] data = new byte[random.nextInt(64)];
        random.nextBytes(data);
        byte[] packet = Packets.ip(ip, UDP, Packets.udp(ip, 1 + random.nextInt(60000), 9, data));
        byte[] header = HexFormat.of().parseHex(random.nextBoolean() ? "0800000000000100" : "8800000100000100");
        return Bytes.concat(header, Packets.ethernet(OWN_MAC, PEER_MAC, ipv4 ? IPV4 : IPV6, packet));
    }

    /** One to three changes: a bit flipped, a byte or a length field of the first headers overwritten, the end cut off. */
    private byte[] mutate(byte[] payload) {
        byte[] mutated = payload;
        for (int changes = 1 + random.nextInt(3); changes > 0 && mutated.length > 0; changes--) {
            int at = random.nextInt(random.nextBoolean() ? mutated.length : Math.min(60, mutated.length));
            switch (random.nextInt(4)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) random.nextInt();
                case 2 -> mutated = Arrays.copyOf(mutated, at);
                default -> {
                    if (mutated.length >= 22) {
                        int[] types = {IPV4, IPV6, Packets.ARP, Packets.VLAN, 0x88a8, 0x0003, 0x8847};
                        ByteBuffer.wrap(mutated).putShort(20, (short) types[random.nextInt(types.length)]);
                    }
                }
            }
        }
        return mutated;
    }
}
