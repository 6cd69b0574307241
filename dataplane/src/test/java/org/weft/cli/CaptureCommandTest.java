package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CaptureCommandTest {
    private static final int PACKET_BLOCK = 32;
    private static final String HEAD = "HTTP/1.1 200 OK\r\n\r\n";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"LITTLE_ENDIAN", "BIG_ENDIAN"})
    void writesTheStreamAndCountsPackets(String order) throws IOException {
        byte[] stream = stream(order.equals("BIG_ENDIAN") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.message(HEAD, stream))) {
            CommandLineRun run = capture(daemon, "dev silk-vtep --point wire --reason vxlan_no_remote -c 2");
            assertEquals("2 packets captured, 5 lost\n", run.err());
            assertEquals(0, run.exitCode());
            assertEquals(
                    "GET /v1/capture?dev=silk-vtep&point=wire&reason=VXLAN_NO_REMOTE&count=2",
                    daemon.requests().get(0).line());
            assertArrayEquals(stream, Files.readAllBytes(file()));
        }
    }

    @Test
    void leavesOutABlockThatIsCutShort() throws IOException {
        byte[] stream = stream(ByteOrder.LITTLE_ENDIAN);
        int whole = 28 + PACKET_BLOCK;
        byte[] cut = Arrays.copyOf(stream, whole + 20);
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.message(HEAD, cut))) {
            CommandLineRun run = capture(daemon, "");
            assertEquals("1 packets captured\n", run.err());
            assertArrayEquals(Arrays.copyOf(stream, whole), Files.readAllBytes(file()));
        }
    }

    @Test
    void leavesTheFileAloneWhenNoDaemonAnswers() throws IOException {
        CommandLineRun run = CommandLineRun.of("capture -w " + file() + " --control " + directory.resolve("none"));
        assertEquals(69, run.exitCode());
        assertFalse(Files.exists(file()));
    }

    @Test
    void saysSoWhenTheFileCannotBeWritten() throws IOException {
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.message(HEAD, new byte[0]))) {
            CommandLineRun run = CommandLineRun.against(daemon, "capture -w " + directory + "/no/file");
            assertEquals("weft: cannot write \"" + directory + "/no/file\": no such directory\n", run.err());
            assertEquals(73, run.exitCode());
        }
    }

    private CommandLineRun capture(StubDaemon daemon, String words) {
        return CommandLineRun.against(daemon, ("capture -w " + file() + " " + words).strip());
    }

    private Path file() {
        return directory.resolve("out.pcapng");
    }

    /** A section header, two packets, and what two interfaces lost. */
    private static byte[] stream(ByteOrder order) {
        ByteBuffer blocks = ByteBuffer.allocate(256).order(order);
        block(blocks, 0x0a0d0d0a, 28).putInt(0x1a2b3c4d).putInt(1).putLong(-1).putInt(28);
        for (int i = 0; i < 2; i++) {
            block(blocks, 6, PACKET_BLOCK).put(new byte[PACKET_BLOCK - 12]).putInt(PACKET_BLOCK);
        }
        statistics(blocks, 0, 2);
        statistics(blocks, 1, 3);
        return Arrays.copyOf(blocks.array(), blocks.position());
    }

    private static void statistics(ByteBuffer blocks, int wire, long lost) {
        int length = 8 + 12 + 12 + 12 + 4 + 4;
        block(blocks, 5, length).putInt(wire).putLong(0);
        blocks.putShort((short) 4).putShort((short) 8).putLong(77); // isb_ifrecv
        blocks.putShort((short) 5).putShort((short) 8).putLong(lost);
        blocks.putInt(0).putInt(length);
    }

    private static ByteBuffer block(ByteBuffer blocks, int type, int length) {
        return blocks.putInt(type).putInt(length);
    }
}
