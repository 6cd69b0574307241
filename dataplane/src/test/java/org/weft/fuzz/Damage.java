package org.weft.fuzz;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages bytes: flips bits, lies about lengths, cuts off, inserts, doubles, and puts a piece of another packet in. */
final class Damage {
    private static final int[] NUMBERS = {
        0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x0800, 0x86dd, 0x8100
    };
    private static final int HEADERS = 100;
    private static final int MAX_LENGTH = 65_000;

    private final SplittableRandom random;
    private byte[] before = {1, 2, 3, 4};

    Damage(SplittableRandom random) {
        this.random = random;
    }

    /** A damaged copy; {@code bytes} stays as it is. */
    byte[] damage(byte[] bytes) {
        byte[] damaged = bytes.clone();
        int times = random.nextInt(1, 4);
        for (int i = 0; i < times && damaged.length > 0; i++) {
            damaged = once(damaged);
        }
        before = bytes.length > 0 ? bytes : before;
        return damaged.length > MAX_LENGTH ? Arrays.copyOf(damaged, MAX_LENGTH) : damaged;
    }

    private int place(byte[] bytes) {
        boolean header = random.nextInt(8) != 0;
        return random.nextInt(header ? Math.min(HEADERS, bytes.length) : bytes.length);
    }

    private byte[] once(byte[] bytes) {
        int at = place(bytes);
        switch (random.nextInt(8)) {
            case 0, 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 2 -> bytes[at] = (byte) random.nextInt(256);
            case 3 -> {
                if (at + 1 < bytes.length) {
                    Octets.put16(bytes, at, number(bytes.length));
                }
            }
            case 4 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            case 5 -> {
                return Arrays.copyOf(bytes, bytes.length + random.nextInt(1, 40));
            }
            case 6 -> {
                int from = random.nextInt(before.length);
                int length = Math.min(random.nextInt(1, 40), Math.min(before.length - from, bytes.length - at));
                System.arraycopy(before, from, bytes, at, length);
            }
            default -> {
                byte[] head = Arrays.copyOf(bytes, at);
                int from = place(bytes);
                return Octets.join(head, Arrays.copyOfRange(bytes, from, bytes.length));
            }
        }
        return bytes;
    }

    private int number(int length) {
        return switch (random.nextInt(3)) {
            case 0 -> length + random.nextInt(-40, 3);
            case 1 -> random.nextInt(0x10000);
            default -> NUMBERS[random.nextInt(NUMBERS.length)];
        };
    }
}
