package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.testing.RequiresRoot;

/** Gives the kernel's device and the subject's the same mutated datagrams; both must deliver the same frames. */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
class ReceiveDifferentialIT {
    private static final int BATCH = 50;
    private static final int BATCHES = 80;
    private static final String DEVICE = "silk-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final byte[] MARKER = Packets.ethernet(OWN_MAC, PEER_MAC, Packets.EXPERIMENT, "marker".getBytes());

    private final Subject subject;
    private final Mutation mutation = new Mutation(OWN_MAC, PEER_MAC);

    ReceiveDifferentialIT(Subject subject) {
        this.subject = subject;
    }

    @Test
    void deliversWhatTheKernelDeliversOnGbpDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning gbp");
    }

    @Test
    void deliversWhatTheKernelDeliversOnPlainDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning");
    }

    @Test
    void deliversWhatTheKernelDeliversOnLearningDevice() {
        compare("id 1 local 10.0.16.14 dev eth0 dstport 4789 learning");
    }

    private void compare(String attributes) {
        Device device = new Device(DEVICE, OWN_MAC, 1410, attributes);
        try (HostLab kernel = HostLab.open(Subject.KERNEL);
                HostLab other = HostLab.open(subject);
                PacketSocket kernelDevice = open(kernel, device);
                PacketSocket otherDevice = open(other, device)) {
            long delivered = 0;
            List<String> differences = new ArrayList<>();
            for (int i = 0; i < BATCHES; i++) {
                List<Datagram> batch = mutatedDatagrams();
                String expected = deliver(kernel, kernelDevice, batch);
                delivered += (int) expected.lines().count();
                if (!expected.equals(deliver(other, otherDevice, batch))) {
                    for (Datagram datagram : batch) {
                        String one = deliver(kernel, kernelDevice, List.of(datagram));
                        String two = deliver(other, otherDevice, List.of(datagram));
                        if (!one.equals(two)) {
                            differences.add(datagram + "\n kernel:  " + one.strip() + "\n subject: " + two.strip());
                        }
                    }
                }
            }
            assertEquals("", String.join("\n", differences), "seed " + Mutation.SEED);
            assertTrue(delivered > BATCH && delivered < BATCH * BATCHES, delivered + " delivered: nothing tested");
        }
    }

    private static PacketSocket open(HostLab lab, Device device) {
        lab.endpoint.add(device);
        return lab.socket(DEVICE);
    }

    /** Gives the datagrams to a device; what it delivers, a line per frame. */
    private static String deliver(HostLab lab, PacketSocket device, List<Datagram> batch) {
        device.clear();
        batch.forEach(datagram -> lab.wire.send(datagram.frame()));
        lab.wire.send(Datagram.vxlan(4789, 0x08000000_00000100L, MARKER).frame());
        device.await("marker", frame -> Arrays.equals(frame, MARKER));
        return PacketSocket.dump(device.received(frame -> !Arrays.equals(frame, MARKER)));
    }

    private List<Datagram> mutatedDatagrams() {
        return Stream.generate(mutation::payload)
                .map(payload -> Datagram.of(4789, payload).tos(mutation.random().nextInt(isVlan(payload) ? 3 : 4)))
                .limit(BATCH)
                .toList();
    }

    /**
     * Whether the inner frame has a VLAN tag. Under outer congestion the kernel then looks for the inner ethertype ten
     * bytes too late (vlan_get_protocol after eth_type_trans), and what it does depends on chance.
     */
    private static boolean isVlan(byte[] payload) {
        int type = payload.length < 22 ? 0 : Bytes.u16(payload, 20);
        return type == Packets.VLAN || type == 0x88a8;
    }
}
