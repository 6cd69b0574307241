package org.weft.dataplane.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a pcapng file back, and fails the test where its structure is wrong. */
final class Pcapng {
    static final int SECTION_HEADER = 0x0a0d0d0a;
    static final int INTERFACE_DESCRIPTION = 1;
    static final int INTERFACE_STATISTICS = 5;
    static final int ENHANCED_PACKET = 6;

    record Block(int type, ByteBuffer body, Map<Integer, byte[]> options) {
        String text(int option) {
            return new String(options.get(option), StandardCharsets.UTF_8);
        }

        long number(int option) {
            ByteBuffer value = ByteBuffer.wrap(options.get(option)).order(ByteOrder.LITTLE_ENDIAN);
            return value.remaining() == Long.BYTES ? value.getLong() : value.getInt();
        }

        int networkInterface() {
            return body.getInt(0);
        }

        long timeNanos() {
            return ((long) body.getInt(4) << 32) | Integer.toUnsignedLong(body.getInt(8));
        }

        int originalLength() {
            return body.getInt(16);
        }

        byte[] packet() {
            byte[] packet = new byte[body.getInt(12)];
            body.get(20, packet);
            return packet;
        }

        String comment() {
            return text(1);
        }
    }

    private Pcapng() {}

    static List<Block> packets(byte[] file) {
        return ofType(file, ENHANCED_PACKET);
    }

    static List<Block> ofType(byte[] file, int type) {
        return blocks(file).stream().filter(block -> block.type() == type).toList();
    }

    static List<Block> blocks(byte[] file) {
        ByteBuffer input = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        List<Block> blocks = new ArrayList<>();
        while (input.hasRemaining()) {
            int start = input.position();
            int type = input.getInt();
            int length = input.getInt();
            assertEquals(0, length % 4, "block length is aligned");
            assertEquals(length, input.getInt(start + length - 4), "both lengths of a block agree");
            ByteBuffer body = input.slice(start + 8, length - 12).order(ByteOrder.LITTLE_ENDIAN);
            blocks.add(new Block(type, body, options(body, fixedLength(type, body))));
            input.position(start + length);
        }
        return blocks;
    }

    private static int fixedLength(int type, ByteBuffer body) {
        return switch (type) {
            case SECTION_HEADER -> 16;
            case INTERFACE_DESCRIPTION -> 8;
            case INTERFACE_STATISTICS -> 12;
            case ENHANCED_PACKET -> 20 + aligned(body.getInt(12));
            default -> throw new AssertionError("unknown block type " + type);
        };
    }

    private static Map<Integer, byte[]> options(ByteBuffer body, int offset) {
        Map<Integer, byte[]> options = new LinkedHashMap<>();
        int at = offset;
        while (body.getShort(at) != 0) {
            byte[] value = new byte[body.getShort(at + 2)];
            body.get(at + 4, value);
            options.put((int) body.getShort(at), value);
            at += 4 + aligned(value.length);
        }
        assertEquals(0, body.getInt(at), "the end of options has no value");
        assertEquals(body.limit(), at + 4, "nothing follows the end of options");
        return options;
    }

    private static int aligned(int length) {
        return (length + 3) & ~3;
    }
}
