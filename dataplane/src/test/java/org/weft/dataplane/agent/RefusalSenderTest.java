package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.VxlanHeader;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemorySender.Sent;

class RefusalSenderTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final int INTERNET_CONTROL = 0xc0;
    private static final int ANSWER_TTL = 64;

    private final MemorySender sender = new MemorySender();
    private final FrameSlab slab = new FrameSlab(1);
    private final Frame refused = new Frame().wrap(slab, slab.claim());
    private final FrameLayout layout = new FrameLayout();

    private Vtep vtep(String... attributes) {
        Map<String, String> all = new LinkedHashMap<>(
                Map.of("id", "1", "local", DESTINATION_HOST.toString(), "address", "10.255.132.0/16", "gbp", "true"));
        for (int i = 0; i < attributes.length; i += 2) {
            all.put(attributes[i], attributes[i + 1]);
        }
        Vtep vtep = new Vtep(VtepAttributes.create("silk-vtep", all, (local, dev) -> 1500, warning -> {}));
        vtep.device(DESTINATION_MAC, 1410);
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        return vtep;
    }

    /** The answer that the sender sends for a refused packet. */
    private List<Sent> refuse(Vtep vtep, byte[] packet) {
        refused.buffer().putBytes(refused.start() + VxlanHeader.LENGTH, packet);
        refused.offset(refused.start()).length(VxlanHeader.LENGTH + packet.length);
        layout.parse(refused.buffer(), refused.start() + VxlanHeader.LENGTH, packet.length);
        AgentContext context = new AgentContext(vtep.counters(), new Capture());
        RefusalSender refusals = new RefusalSender(vtep, sender, context);
        refusals.send(vtep.config(), refused, layout, new TurnClock(context));
        refusals.close();
        List<Sent> sent = sender.sent();
        assertEquals(sent.size(), vtep.counters().get(Counter.TX_REFUSALS));
        return sent;
    }

    private static byte[] from(String source) {
        return new IpPackets(DESTINATION_MAC, SOURCE_MAC)
                .udp(source, 40_000, source.contains(":") ? "fd00:132::2" : NEAR, 53);
    }

    private static FrameLayout inner(Sent sent) {
        FrameLayout inner = new FrameLayout();
        inner.parse(new UnsafeBuffer(sent.payload()), VxlanHeader.LENGTH, sent.payload().length - VxlanHeader.LENGTH);
        return inner;
    }

    /** RFC 1122 section 3.2.2: no answer goes to such a source. */
    @ParameterizedTest
    @CsvSource({
        "10.255.99.3, true",
        "223.255.255.254, true",
        "128.0.0.1, true",
        "0.0.0.0, false",
        "127.0.0.1, false",
        "224.0.0.1, false",
        "239.1.2.3, false",
        "255.255.255.255, false",
        "fd00:99::3, true",
        "::1, true",
        "ff02::1, false",
        "::, false"
    })
    void answersOnlyAddressesOfHosts(String source, boolean answered) {
        List<Sent> sent = refuse(vtep(), from(source));
        assertEquals(answered ? 1 : 0, sent.size());
        if (answered) {
            FrameLayout inner = inner(sent.get(0));
            assertEquals(IpAddress.parse(source), new IpAddress(inner.destinationHigh(), inner.destinationLow()));
        }
    }

    /**
     * Netfilter's REJECT answers from the packet's destination if the device has no address of the
     * family.
     */
    @ParameterizedTest
    @CsvSource({"10.255.99.3, 10.255.132.0", "fd00:99::3, fd00:132::2"})
    void answersFromTheHostsAddress(String source, String from) {
        FrameLayout inner = inner(refuse(vtep(), from(source)).get(0));
        assertEquals(IpAddress.parse(from), new IpAddress(inner.sourceHigh(), inner.sourceLow()));
    }

    @Test
    void answersIpv6FromTheHostsIpv6Address() {
        Vtep vtep = vtep("address", "10.255.132.0/16 fd00:132::1/64");
        FrameLayout inner = inner(refuse(vtep, from("fd00:99::3")).get(0));
        assertEquals(IpAddress.parse("fd00:132::1"), new IpAddress(inner.sourceHigh(), inner.sourceLow()));
    }

    @Test
    void aSenderWithoutAWayToItIsNotTold() {
        Vtep vtep = vtep();
        vtep.fdb().remove(SOURCE_MAC, null);
        assertEquals(List.of(), refuse(vtep, from(FAR)));
    }

    @ParameterizedTest
    @CsvSource({"inherit, 192", "0x48, 72"})
    void theOuterTosIsAsConfigured(String tos, int outer) {
        Sent sent = refuse(vtep("tos", tos), from(FAR)).get(0);
        assertEquals(INTERNET_CONTROL, inner(sent).tos());
        assertEquals(outer, sent.tos());
    }

    @ParameterizedTest
    @CsvSource({"inherit, true", "9, false"})
    void theOuterTtlIsAsConfigured(String ttl, boolean inherited) {
        Sent sent = refuse(vtep("ttl", ttl), from(FAR)).get(0);
        assertEquals(inherited ? inner(sent).ttl() : 9, sent.ttl());
        assertEquals(ANSWER_TTL, inner(sent).ttl());
    }

    @ParameterizedTest
    @ValueSource(strings = {"set", "unset"})
    void theOuterDontFragmentIsAsConfigured(String df) {
        Sent sent = refuse(vtep("df", df), from(FAR)).get(0);
        if (df.equals("set")) {
            assertTrue(sent.dontFragment());
        } else {
            assertFalse(sent.dontFragment());
        }
    }
}
