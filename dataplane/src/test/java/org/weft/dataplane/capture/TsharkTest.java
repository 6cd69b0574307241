package org.weft.dataplane.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.counters.Counter;
import org.weft.encap.IpAddress;

/** tshark opens what a session writes and decodes it. */
class TsharkTest {
    /** From container 10.255.99.3 to 10.255.132.2 over VNI 1 with group policy id 1: VXLAN, Ethernet, IPv4, UDP "hi". */
    private static final UnsafeBuffer DATAGRAM = new UnsafeBuffer(HexFormat.of()
            .parseHex("8800000100000100" + "eeee0aff8400eeee0aff63000800" + "4500001e000040003f113ecc0aff63030aff8402"
                    + "9c401e61000a0000" + "6869"));

    private static final int VXLAN_LENGTH = 8;

    private static String tshark;

    @TempDir
    private Path directory;

    @BeforeAll
    static void findTshark() {
        tshark = Arrays.stream(System.getenv().getOrDefault("PATH", "/usr/bin").split(":"))
                .map(path -> Path.of(path, "tshark"))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse(null);
        if ("true".equals(System.getenv("CI"))) {
            assertNotNull(tshark, "tshark is not installed, and CI skips nothing");
        }
        assumeTrue(tshark != null, "tshark is not installed");
    }

    @Test
    void decodesVxlanWithGroupPolicyAndComment() throws Exception {
        Path file = capture("10.0.32.12", "10.0.16.14");
        List<String> lines = fields(
                file,
                "frame.interface_name",
                "frame.comment",
                "frame.packet_flags_direction",
                "vxlan.vni",
                "vxlan.gbp",
                "udp.dstport",
                "ip.src",
                "ip.checksum.status",
                "ip.dsfield.ecn");
        assertEquals(
                List.of(
                        "tap|TX_SENT dev silk-vtep|0x00000002|||7777|10.255.99.3|1|0",
                        "wire|TX_SENT dev silk-vtep|0x00000002|1|1|4789,7777|10.0.32.12,10.255.99.3|1,1|2,0",
                        "wire|drop LOCAL_MAC dev silk-vtep: " + Counter.LOCAL_MAC.meaning()
                                + "|0x00000001|1|1|4789,7777|10.0.16.14,10.255.99.3|1,1|2,0"),
                lines);
    }

    @Test
    void findsTheOuterChecksumsOverIpv6Right() throws Exception {
        Path file = capture("fd00::12", "fd00::14");
        assertEquals(
                List.of("||3", "fd00::12|1|1,3", "fd00::14|1|1,3"),
                fields(file, "ipv6.src", "vxlan.vni", "udp.checksum.status"));
    }

    private Path capture(String local, String remote) throws IOException {
        Capture capture = new Capture();
        CaptureSession session = capture.open(CaptureFilter.ANY);
        int inner = DATAGRAM.capacity() - VXLAN_LENGTH;
        capture.frame("silk-vtep", true, Counter.TX_SENT, DATAGRAM, VXLAN_LENGTH, inner);
        datagram(capture, true, Counter.TX_SENT, IpAddress.parse(local), IpAddress.parse(remote));
        datagram(capture, false, Counter.LOCAL_MAC, IpAddress.parse(remote), IpAddress.parse(local));
        Path file = directory.resolve("weft.pcapng");
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(session.preamble());
            session.close();
            session.drain(out, Integer.MAX_VALUE);
        }
        return file;
    }

    private static void datagram(Capture capture, boolean outbound, Counter verdict, IpAddress from, IpAddress to) {
        capture.datagram(
                new Sighting()
                        .of("silk-vtep", outbound)
                        .source(from.high(), from.low(), 43210)
                        .destination(to.high(), to.low(), 4789)
                        .tos(2),
                verdict,
                DATAGRAM,
                0,
                DATAGRAM.capacity());
    }

    /** One line per packet, its fields joined by {@code |}. */
    private List<String> fields(Path file, String... fields) throws Exception {
        List<String> command = new ArrayList<>(List.of(tshark, "-r", file.toString(), "-T", "fields"));
        command.addAll(List.of("-E", "separator=|", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"));
        for (String field : fields) {
            command.addAll(List.of("-e", field));
        }
        Path errors = directory.resolve("errors");
        Process process =
                new ProcessBuilder(command).redirectError(errors.toFile()).start();
        List<String> lines =
                new String(process.getInputStream().readAllBytes()).lines().toList();
        assertEquals(0, process.waitFor(), () -> "tshark failed, see " + errors);
        return lines;
    }
}
