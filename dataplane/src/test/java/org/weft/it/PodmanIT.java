package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.silk.container.Cni;
import org.weft.dataplane.silk.container.Containers;
import org.weft.testing.RequiresRoot;

/** Containers of a real container runtime on two hosts of the overlay. */
@RequiresRoot
class PodmanIT {
    @TempDir
    Path directory;

    /** A host's plugin and runtime. */
    private final class Runtime implements AutoCloseable {
        final Containers containers;
        final Podman podman;
        private final CniServer server;

        Runtime(OverlayHost host, String subnet) {
            Path place = directory.resolve(host.host.name());
            containers = host.host.call(() -> Containers.open(place));
            containers.lease(ContainerHost.lease(subnet), ContainerHost.MTU);
            Path socket = directory.resolve(host.host.name() + ".sock");
            server = new CniServer(host.host, socket, new Cni(containers)::handle);
            podman = new Podman(host.host, socket);
        }

        @Override
        public void close() {
            podman.close();
            server.close();
        }
    }

    @Test
    void containersOnTwoHostsTalk() {
        try (OverlayLab lab = OverlayLab.open(Subject.WEFT, Subject.WEFT, OverlayHost.Underlay.IPV4);
                Runtime first = new Runtime(lab.first, "10.255.1.0/24");
                Runtime second = new Runtime(lab.second, "10.255.2.0/24")) {
            first.podman.run(
                    List.of("--detach", "--ip", "10.255.1.184"), "nc", "-ll", "-p", "7777", "-e", "echo", "with silk!");
            Await.until("the service answers on its host", () -> lab.first
                    .host
                    .attempt("busybox", "nc", "-w1", "10.255.1.184", "7777")
                    .output()
                    .contains("with silk!"));

            String heard = second.podman.run(List.of("--rm"), "nc", "-w2", "10.255.1.184", "7777");
            assertEquals("with silk!", heard.strip());
            assertTrue(lab.first.host.hasDevice("s-010255001184"));
            assertEquals(0, second.containers.entries().size());

            first.podman.removeAll();
            assertFalse(lab.first.host.hasDevice("s-010255001184"));
            assertEquals(0, first.containers.entries().size());
        }
    }
}
