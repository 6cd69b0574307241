package org.weft.dataplane;

import java.util.List;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxTap;
import org.weft.dataplane.io.linux.LinuxUnderlaySender;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpPrefix;

/** The devices of one VTEP and its egress line: the TAP, the sending sockets, and the agents between them. */
final class VtepDevices implements AutoCloseable {
    /** Frames under way from the TAP to the sockets; two batches, so that a dedicated reader need not wait. */
    private static final int SLOTS = 64;

    /** Source ports, and so the most paths that the underlay can spread flows over. */
    private static final int SENDERS = 256;

    /** systemd-networkd may set a MAC of its own on a new device; silk tries as often. */
    private static final int MAC_ATTEMPTS = 10;

    private final Vtep vtep;
    private final UnderlayPort port;
    private final LinuxTap tap;
    private final LinuxUnderlaySender sender;
    private final Stages.Line egress;
    private final int ifindex;

    VtepDevices(Vtep vtep, UnderlayPort port, Stages stages, Capture capture) {
        VtepConfig config = vtep.config();
        this.vtep = vtep;
        this.port = port;
        tap = LinuxTap.open(config.name(), config.persist());
        LinuxUnderlaySender opened = null;
        try {
            configure(config);
            ifindex = Link.of(config.name()).index();
            opened = LinuxUnderlaySender.open(senderOptions(config));
            sender = opened;
            FrameSlab slab = new FrameSlab(SLOTS);
            FrameRing ring = new FrameRing(SLOTS);
            TapReader reader = new TapReader(vtep, tap, slab, ring);
            Encapsulator encapsulator = new Encapsulator(vtep, tap, slab, ring, sender, capture);
            port.attach(vtep, tap);
            egress = stages.start(tap.fd(), List.of(reader, encapsulator));
        } catch (RuntimeException e) {
            port.detach(vtep);
            if (opened != null) {
                opened.close();
            }
            tap.close();
            throw e;
        }
    }

    private static LinuxUnderlaySender.Options senderOptions(VtepConfig config) {
        return new LinuxUnderlaySender.Options(
                config.local(),
                config.dev(),
                config.udpChecksum(),
                config.udp6ZeroChecksumTx(),
                config.sourcePortMin(),
                config.sourcePortMax(),
                SENDERS);
    }

    private void configure(VtepConfig config) {
        Link link = Link.of(config.name());
        link.mtu(config.mtu());
        for (int i = 0; i < MAC_ATTEMPTS && link.mac() != config.mac(); i++) {
            link.mac(config.mac());
        }
        link.up(true);
        for (IpPrefix address : config.addresses()) {
            HostNetwork.addAddress(config.name(), address);
        }
        if (config.installNeighbours()) {
            HostNetwork.addNeighbours(config.name(), vtep.neighbours().entries());
        }
        vtep.device(link.mac(), link.mtu());
    }

    UnderlayPort port() {
        return port;
    }

    LinuxTap tap() {
        return tap;
    }

    /** Whether the TAP is still the one that was opened; somebody may have deleted it. */
    boolean present() {
        Link link = Link.of(vtep.name());
        return link.exists() && link.index() == ifindex;
    }

    /** The underlay interface came back as another one: binds the senders to it. */
    void bindToDevice() {
        sender.bindToDevice();
    }

    @Override
    public void close() {
        egress.stop();
        port.detach(vtep);
        sender.close();
        tap.close();
    }
}
