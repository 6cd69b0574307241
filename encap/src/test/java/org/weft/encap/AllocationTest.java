package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class AllocationTest {
    private static final int PACKETS = 100_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final UnsafeBuffer frame = Bytes.seed("3-source-eth0");
    private final FrameLayout layout = new FrameLayout();
    private final NeighbourDiscovery discovery = new NeighbourDiscovery();
    private final FlowKey key = new FlowKey();
    private final IcmpUnreachable unreachable = new IcmpUnreachable();
    private final UnsafeBuffer answer = Bytes.dirty(IcmpUnreachable.MAX_LENGTH);
    private int sink;

    @Test
    void nothingIsAllocatedPerPacket() {
        carry(PACKETS);
        long before = threads.getCurrentThreadAllocatedBytes();
        carry(PACKETS);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < PACKETS / 100, allocated + " bytes for " + PACKETS + " packets");
    }

    private void carry(int packets) {
        for (int i = 0; i < packets; i++) {
            layout.parse(frame, 50, 91);
            int port = FlowHash.sourcePort(FlowHash.of(frame, layout), 32768, 60999);
            VxlanHeader.put(frame, 42, i, port & 1);
            long word = VxlanHeader.word(frame, 42);
            int action = EcnTunnel.decapsulate(EcnTunnel.encapsulate(0, layout.tos()), layout.tos());
            EcnTunnel.applyIpv4(action, frame, layout.networkOffset());
            InternetChecksum.complete(frame, 50, 91, 34, TcpHeader.CHECKSUM_OFFSET);
            discovery.readSolicitation(frame, 50, 91);
            key.read(frame, layout);
            unreachable.put(frame, layout, 50 + 91, answer, 0, 1, 0, IpAddress.IPV4_PREFIX);
            sink += key.destinationPort() + VxlanHeader.vni(word) + EthernetHeader.check(frame, 50, 91);
        }
    }
}
