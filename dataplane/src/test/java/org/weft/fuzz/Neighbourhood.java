package org.weft.fuzz;

import java.util.SplittableRandom;

/** The few MAC and IP addresses of an overlay: ours are those of this host and its containers, theirs of other hosts. */
final class Neighbourhood {
    /** Of this host's VTEP devices. */
    static final long OWN_MAC = 0xeeee_0aff_0100L;

    /** Of other hosts' VTEP devices: this and the next ones. */
    static final long THEIR_MAC = 0xeeee_0aff_0200L;

    static final long GROUP_MAC = 0x0100_5e00_0001L;
    static final int THEIR_COUNT = 4;
    static final int OWN_SUBNET = 0x0aff_0100;
    static final int THEIR_SUBNET = 0x0aff_0200;
    private static final int CONTAINERS = 4;
    private static final int RARELY = 20;
    private static final int OTHER_HOST_STEP = 0x100;

    /** Of the host behind the n-th of their MAC addresses. */
    static int theirSubnet(int host) {
        return THEIR_SUBNET + host * OTHER_HOST_STEP;
    }

    static byte[] ipv6(int address) {
        byte[] bytes = new byte[16];
        bytes[0] = (byte) 0xfd;
        Octets.put32(bytes, 12, address);
        return bytes;
    }

    private static byte[] ipv4(int address) {
        byte[] bytes = new byte[4];
        Octets.put32(bytes, 0, address);
        return bytes;
    }

    long destinationMac(SplittableRandom random, boolean outbound) {
        return outbound ? theirs(random) : OWN_MAC;
    }

    long sourceMac(SplittableRandom random, boolean outbound) {
        if (random.nextInt(RARELY) == 0) {
            return random.nextInt(3) == 0 ? 0x0657_4600_0000L | random.nextInt(1 << 24) : theirs(random);
        }
        return outbound || random.nextInt(RARELY) == 0 ? OWN_MAC : THEIR_MAC + random.nextInt(THEIR_COUNT);
    }

    private static long theirs(SplittableRandom random) {
        return switch (random.nextInt(16)) {
            case 0 -> GROUP_MAC;
            case 1 -> 0xffff_ffff_ffffL;
            case 2 -> 0;
            case 3 -> random.nextLong() >>> 16;
            default -> THEIR_MAC + random.nextInt(THEIR_COUNT + 2);
        };
    }

    byte[] address(SplittableRandom random, boolean ipv4, boolean ours) {
        int container = random.nextInt(CONTAINERS);
        int address = ours ? OWN_SUBNET + container : theirSubnet(random.nextInt(THEIR_COUNT)) + container;
        if (random.nextInt(RARELY) == 0) {
            address = switch (random.nextInt(6)) {
                case 0 -> 0xe000_0001;
                case 1 -> -1;
                case 2 -> 0;
                case 3 -> 0x7f00_0001;
                case 4 -> 0x0a00_0001;
                default -> random.nextInt();
            };
        }
        if (ipv4) {
            return ipv4(address);
        }
        byte[] bytes = ipv6(address);
        if (random.nextInt(RARELY) == 0) {
            bytes[0] = (byte) (random.nextBoolean() ? 0xff : 0xfe);
            bytes[1] = (byte) (random.nextBoolean() ? 0x02 : 0x80);
        }
        return bytes;
    }
}
