package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.VXLAN;

import java.util.Map;
import org.agrona.collections.Int2ObjectHashMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/**
 * Packets for the host itself pass a gate without policies; the gate refuses packets that the host
 * would forward.
 */
class TrafficForTheHostTest {
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final FrameSlab slab = new FrameSlab(64);
    private final FrameRing ring = new FrameRing(64, 130);
    private final Capture capture = new Capture();
    private final Decapsulator decapsulator =
            new Decapsulator("memory", underlay, slab, new AgentContext(new Counters(), capture));
    private final Vtep vtep = new Vtep(VtepAttributes.create(
            "silk-vtep",
            Map.of(
                    "id",
                    "1",
                    "local",
                    DESTINATION_HOST.toString(),
                    "gbp",
                    "true",
                    "address",
                    "10.255.132.0/16 10.254.132.0/16 fd00:132::1/64"),
            (local, dev) -> 1500,
            warning -> {}));

    @ParameterizedTest
    @CsvSource({
        // addresses of the device
        "10.255.132.0, true",
        "10.254.132.0, true",
        "fd00:132::1, true",
        // others, the last one with the low half of an IPv4 address of the device
        "10.255.132.2, false",
        "fd00:132::2, false",
        "fd00::ffff:aff:8400, false",
        // all on the link
        "224.0.0.1, true",
        "239.255.255.255, true",
        "255.255.255.255, true",
        "223.255.255.255, false",
        "240.0.0.1, false",
        "ff02::1, true",
        "fe80::1, true",
        "febf::1, true",
        "fec0::1, false"
    })
    void onlyWhatIsForwardedIsJudged(String destination, boolean host) throws Exception {
        boolean ipv6 = destination.contains(":");
        vtep.enforcement(new Enforcement(
                Mode.ENFORCE,
                Refusal.REJECT,
                Spoofing.OFF,
                24,
                PolicyTable.EMPTY,
                new FlowTable(64, FlowTable.Timeouts.DEFAULT),
                VerdictSink.NONE));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
        decapsulator.routes(routes);
        byte[] frame = new IpPackets(DESTINATION_MAC, SOURCE_MAC)
                .udp(ipv6 ? "fd00:99::3" : "10.255.99.3", 40_000, destination, 53);
        underlay.peerSends(Frames.merged(VXLAN, frame), SOURCE_HOST, 0);
        MemoryTap tap = new MemoryTap();
        TapWriter writer = new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), capture));
        while (decapsulator.doWork() + writer.doWork() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(host ? 1 : 0, tap.delivered().size());
        assertEquals(host ? 0 : 1, vtep.counters().get(Counter.POLICY_DENIED));
    }
}
