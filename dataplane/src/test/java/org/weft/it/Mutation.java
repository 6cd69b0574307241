package org.weft.it;

import static org.weft.it.Packets.IPV4;
import static org.weft.it.Packets.IPV6;
import static org.weft.it.Packets.UDP;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.weft.it.Packets.Ip;

/** Makes VXLAN payloads that were valid before something happened to them; the same ones in every run. */
final class Mutation {
    static final long SEED = 20261120;

    private static final int[] TYPES = {IPV4, IPV6, Packets.ARP, Packets.VLAN, 0x88a8, 0x0003, 0x8847};

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final String destination;
    private final String source;

    /**
     * @param destination inner destination MAC
     * @param source inner source MAC
     */
    Mutation(String destination, String source) {
        this.destination = destination;
        this.source = source;
    }

    SplittableRandom random() {
        return random;
    }

    /** A VXLAN header of VNI 1 and a frame, with one to three changes. */
    byte[] payload() {
        byte[] payload = validPayload();
        for (int changes = 1 + random.nextInt(3); changes > 0 && payload.length > 0; changes--) {
            payload = change(payload);
        }
        return payload;
    }

    private byte[] validPayload() {
        boolean ipv4 = random.nextBoolean();
        Ip ip = (ipv4 ? Ip.of("10.255.99.3", "10.255.132.2") : Ip.of("fd00:99::3", "fd00:132::2"))
                .tos(random.nextInt(256));
        byte[] data = new byte[random.nextInt(64)];
        random.nextBytes(data);
        byte[] packet = Packets.ip(ip, UDP, Packets.udp(ip, 1 + random.nextInt(60000), 9, data));
        byte[] header = HexFormat.of().parseHex(random.nextBoolean() ? "0800000000000100" : "8800000100000100");
        return Bytes.concat(header, Packets.ethernet(destination, source, ipv4 ? IPV4 : IPV6, packet));
    }

    /** Flips a bit, overwrites a byte or the ethertype, or cuts the end off; half the time in the headers. */
    private byte[] change(byte[] payload) {
        int at = random.nextInt(random.nextBoolean() ? payload.length : Math.min(60, payload.length));
        switch (random.nextInt(4)) {
            case 0 -> payload[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> payload[at] = (byte) random.nextInt();
            case 2 -> {
                return Arrays.copyOf(payload, at);
            }
            default -> {
                if (payload.length >= 22) {
                    ByteBuffer.wrap(payload).putShort(20, (short) TYPES[random.nextInt(TYPES.length)]);
                }
            }
        }
        return payload;
    }
}
