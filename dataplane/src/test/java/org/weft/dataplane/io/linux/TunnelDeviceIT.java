package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Outer;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;
import org.weft.encap.offload.Segmenter;
import org.weft.testing.Allocations;
import org.weft.testing.Commands;
import org.weft.testing.RequiresRoot;

/** Super-frames that leave uncut; the wire is a TAP that offers the kernel no help. */
@RequiresRoot
class TunnelDeviceIT {
    private static final int MSS = 1_000;
    private static final int SEGMENTS = 5;
    private static final int TRANSPORT = EthernetHeader.LENGTH + Ipv4Header.LENGTH;
    private static final int HEADERS_LENGTH = TRANSPORT + TcpHeader.LENGTH;
    private static final int FRAME = VxlanHeader.LENGTH;
    private static final int LENGTH = FRAME + HEADERS_LENGTH + SEGMENTS * MSS - MSS / 2;
    private static final int STRIDE = 96;
    private static final int TOS = 0x2a;
    private static final int TTL = 9;

    private final TapHost host = new TapHost();
    private final TunnelDevice device = TunnelDevice.open(TunnelCheck::trouble);
    private final UnsafeBuffer superFrame = new UnsafeBuffer(BufferUtil.allocateDirectAligned(LENGTH, Long.BYTES));
    private final List<LinuxUnderlaySender> senders = new ArrayList<>();
    private final Outer outer = new Outer().tos(TOS).ttl(TTL).dontFragment(true);

    TunnelDeviceIT() {
        Commands.run("ethtool -K " + host.name + " tx off");
        byte[] random = new byte[LENGTH];
        new SplittableRandom(5).nextBytes(random);
        superFrame.putBytes(0, random);
        VxlanHeader.put(superFrame, 0, 1, 7);
        EthernetHeader.put(superFrame, FRAME, 0xeeee_0aff_6300L, 0xeeee_0aff_8400L, EthernetHeader.ETHERTYPE_IPV4);
        new Ipv4Header()
                .wrap(superFrame, FRAME + EthernetHeader.LENGTH)
                .headerLength(Ipv4Header.LENGTH)
                .totalLength(LENGTH - FRAME - EthernetHeader.LENGTH)
                .fragment(Ipv4Header.DONT_FRAGMENT, 0)
                .protocol(TcpHeader.PROTOCOL)
                .updateChecksum();
        int length = LENGTH - FRAME - TRANSPORT;
        new TcpHeader()
                .wrap(superFrame, FRAME + TRANSPORT)
                .headerLengthAndFlags(TcpHeader.LENGTH, TcpHeader.ACK | TcpHeader.PSH)
                .checksum(InternetChecksum.fold(InternetChecksum.pseudoHeaderIpv4(
                        superFrame, FRAME + EthernetHeader.LENGTH, TcpHeader.PROTOCOL, length)));
    }

    @AfterEach
    void close() {
        senders.forEach(LinuxUnderlaySender::close);
        device.close();
        host.close();
    }

    /** A fresh one, which knows no routes yet, instead of that before. */
    private LinuxUnderlaySender sender(boolean ipv4, boolean checksum) {
        senders.forEach(LinuxUnderlaySender::close);
        senders.clear();
        IpAddress local = ipv4 ? host.local : host.local6;
        LinuxUnderlaySender sender = LinuxUnderlaySender.open(
                new SocketPools(), new SenderOptions(local, host.name, checksum, !checksum, 41_000, 41_001, 1));
        sender.prepareDontFragment();
        sender.tunnelGso(device);
        senders.add(sender);
        return sender;
    }

    private void to(LinuxUnderlaySender sender, IpAddress remote) {
        sender.to(outer.remote(remote.high(), remote.low(), 4789), 0);
    }

    private boolean sendUncut(LinuxUnderlaySender sender, IpAddress remote) {
        to(sender, remote);
        return sender.sendUncut(
                superFrame.addressOffset(), LENGTH, VirtioNetHeader.GSO_TCPV4, MSS, TRANSPORT, HEADERS_LENGTH);
    }

    private void sendCut(LinuxUnderlaySender sender, IpAddress remote) {
        FrameLayout layout = new FrameLayout();
        layout.parse(superFrame, FRAME, LENGTH - FRAME);
        Segmenter segmenter = new Segmenter();
        assertTrue(segmenter.begin(superFrame, FRAME, LENGTH - FRAME, layout, VirtioNetHeader.GSO_TCPV4, MSS));
        to(sender, remote);
        UnsafeBuffer headers = new UnsafeBuffer(BufferUtil.allocateDirectAligned(SEGMENTS * STRIDE, Long.BYTES));
        segmenter.writeHeaders(0, SEGMENTS, FRAME, headers, 0, STRIDE);
        sender.add(
                headers.addressOffset(),
                FRAME + HEADERS_LENGTH,
                STRIDE,
                superFrame.addressOffset() + segmenter.payloadOffset(0),
                segmenter.payloadLength(0, SEGMENTS),
                MSS);
        assertEquals(SEGMENTS, sender.flush((tag, errno) -> {
            throw new AssertionError(Errno.name(errno));
        }));
    }

    /** The packets that come out, without the IPv4 id and what follows from it. */
    private List<byte[]> packets(boolean ipv4) {
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < SEGMENTS; i++) {
            host.readUdp();
            assertEquals(0, host.frame.vnetFlags());
            byte[] packet = new byte[host.frame.length()];
            host.frame.buffer().getBytes(host.frame.offset(), packet);
            if (ipv4) {
                UnsafeBuffer buffer = new UnsafeBuffer(packet);
                assertTrue(new Ipv4Header().wrap(buffer, TapHost.IP_OFFSET).isChecksumValid());
                buffer.putShort(TapHost.IP_OFFSET + 4, (short) 0);
                buffer.putShort(TapHost.IP_OFFSET + 10, (short) 0);
            }
            packets.add(packet);
        }
        return packets;
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void whatLeavesUncutIsOnTheWireAsIfItHadBeenCutHere(boolean ipv4, boolean checksum) {
        assertNull(device.trouble());
        LinuxUnderlaySender sender = sender(ipv4, checksum);
        IpAddress remote = ipv4 ? host.neighbour : host.neighbour6;
        sendCut(sender, remote);
        List<byte[]> expected = packets(ipv4);
        assertTrue(sendUncut(sender, remote));
        List<byte[]> actual = packets(ipv4);
        for (int i = 0; i < SEGMENTS; i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "packet " + i);
        }
    }

    @Test
    void idsCountUpFromOneSuperFrameToTheNext() {
        LinuxUnderlaySender sender = sender(true, true);
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            assertTrue(sendUncut(sender, host.neighbour));
            for (int k = 0; k < SEGMENTS; k++) {
                host.readUdp();
                ids.add(host.uint16(TapHost.IP_OFFSET + 4));
            }
        }
        for (int i = 1; i < ids.size(); i++) {
            assertEquals(ids.get(i - 1) + 1 & 0xffff, ids.get(i));
        }
    }

    @Test
    void leavesItToBeCutWhereTheRouteHasNoRoomForItsPackets() {
        LinuxUnderlaySender sender = sender(true, true);
        assertTrue(sendUncut(sender, host.neighbour));
        packets(true);
        IpAddress far = IpAddress.parse("198.51.100.7");
        Commands.run("ip route add " + far + " via " + host.neighbour + " dev " + host.name + " mtu 1050");
        assertFalse(sendUncut(sender, far));
        Commands.run("ip route change " + far + " via " + host.neighbour + " dev " + host.name + " mtu 1200");
        assertTrue(sendUncut(sender(true, true), far));
    }

    @Test
    void leavesItToBeCutForThisHostItself() {
        assertFalse(sendUncut(sender(true, true), host.local));
    }

    @Test
    void leavesItToBeCutForARemoteOfTheOtherFamily() {
        assertFalse(sendUncut(sender(true, true), host.neighbour6));
    }

    @Test
    void leavesItToTheSocketsToEncrypt() {
        String policy = "dir out src %s dst %s".formatted(host.local, host.neighbour);
        Commands.run("ip xfrm policy add " + policy + " tmpl proto esp reqid 1 mode transport");
        try {
            assertFalse(sendUncut(sender(true, true), host.neighbour));
        } finally {
            Commands.run("ip xfrm policy delete " + policy);
        }
        assertTrue(sendUncut(sender(true, true), host.neighbour));
    }

    @Test
    void saysWhyNothingLeavesUncutWhenTheDeviceIsGone() {
        LinuxUnderlaySender sender = sender(true, true);
        Commands.run("ip link del " + device.name());
        assertFalse(sendUncut(sender, host.neighbour));
        assertFalse(sender.sendsUncut());
        String trouble = sender.tunnelGsoTrouble();
        assertNotNull(trouble);
        assertTrue(trouble.startsWith(device.name() + " refused a super-frame with EBADFD"), trouble);
    }

    /** Asked for a device of that name, the kernel would make another one, from which nothing leads to the underlay. */
    @Test
    void cutsWhereTheDeviceWasRemovedBeforeTheSenderWasMade() {
        Commands.run("ip link del " + device.name());
        LinuxUnderlaySender sender = sender(true, true);
        assertFalse(sender.sendsUncut());
        assertEquals(
                "TUNSETIFF " + device.name() + ": ENODEV (No such device): it was removed; restart the daemon",
                sender.tunnelGsoTrouble());
        assertFalse(Link.of(device.name()).exists());
    }

    @Test
    void allocatesNothing() {
        LinuxUnderlaySender sender = sender(true, true);
        assertTrue(sendUncut(sender, host.neighbour));
        assertEquals(0, Allocations.during(2_000, () -> sendUncut(sender, host.neighbour)));
        assertTrue(sender.sendsUncut());
    }

    @Test
    void theDeviceGoesWithTheLastOfIt() {
        LinuxUnderlaySender sender = sender(true, true);
        String name = device.name();
        assertTrue(Link.of(name).exists());
        device.close();
        sender.close();
        senders.clear();
        assertFalse(Link.of(name).exists());
    }
}
