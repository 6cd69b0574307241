package org.weft.it;

import java.util.List;
import java.util.function.Consumer;

/** Two hosts on one underlay, with a container each: the seed's picture. Offloads are as the kernel has them. */
final class OverlayLab implements AutoCloseable {
    final OverlayHost first;
    final OverlayHost second;

    private OverlayLab(OverlayHost first, OverlayHost second) {
        this.first = first;
        this.second = second;
    }

    static OverlayLab open(Subject first, Subject second, OverlayHost.Underlay underlay) {
        return open(
                new OverlayHost(1, first, underlay), new OverlayHost(2, second, underlay), OverlayLab::plumbUnderlay);
    }

    /**
     * @param cable puts the underlay between the hosts
     */
    static OverlayLab open(OverlayHost first, OverlayHost second, Consumer<OverlayLab> cable) {
        OverlayLab lab = new OverlayLab(first, second);
        try {
            cable.accept(lab);
            lab.hosts().forEach(OverlayHost::plumbContainer);
            lab.hosts().forEach(OverlayHost::startVteps);
            return lab;
        } catch (Throwable e) {
            lab.close();
            throw e;
        }
    }

    /** Puts the cable between the hosts. */
    void plumbUnderlay() {
        first.host.ip("link add eth0 type veth peer name eth0 netns " + second.host.name());
        hosts().forEach(OverlayHost::plumbUnderlay);
    }

    List<OverlayHost> hosts() {
        return List.of(first, second);
    }

    OverlayHost peerOf(OverlayHost host) {
        return host == first ? second : first;
    }

    @Override
    public void close() {
        first.close();
        second.close();
    }
}
