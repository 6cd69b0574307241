package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** Learned entries go after their ageing time in the kernel's device and in a daemon's, side by side. */
@RequiresRoot
class AgeingIT {
    private static final String DEVICE = "silk-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String LEARNED = "02:00:00:00:00:01";
    private static final String PERMANENT = "02:00:00:00:00:02";

    /** Both look for what is too old every ten seconds (FDB_AGE_INTERVAL). */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void learnedEntryExpiresAndPermanentOneStays() {
        try (HostLab kernel = open(Subject.KERNEL);
                HostLab weft = open(Subject.WEFT)) {
            List<HostLab> both = List.of(kernel, weft);
            both.forEach(AgeingIT::learn);
            for (HostLab lab : both) {
                Await.until("the learned entry goes", PATIENCE, () -> remotes(lab, LEARNED)
                        .isEmpty());
                assertEquals(List.of(HostLab.REMOTE_IP), remotes(lab, PERMANENT));
            }
            both.forEach(AgeingIT::learn);
        }
    }

    private static HostLab open(Subject subject) {
        HostLab lab = HostLab.open(subject);
        String attributes = "id 1 local 10.0.16.14 dev eth0 dstport 4789 learning ageing 2";
        lab.endpoint.add(new Device(DEVICE, OWN_MAC, 1410, attributes));
        lab.endpoint.fdb("append", PERMANENT, DEVICE, "dst " + HostLab.REMOTE_IP + " self permanent");
        return lab;
    }

    private static void learn(HostLab lab) {
        for (String mac : List.of(LEARNED, PERMANENT)) {
            byte[] frame = Packets.ethernet(OWN_MAC, mac, Packets.EXPERIMENT, new byte[46]);
            lab.wire.send(Datagram.vxlan(4789, 0x08000000_00000100L, frame).frame());
        }
        Await.until("an entry is learned", () -> remotes(lab, LEARNED).equals(List.of(HostLab.REMOTE_IP)));
    }

    private static List<String> remotes(HostLab lab, String mac) {
        return lab.endpoint.remotes(mac, DEVICE);
    }
}
