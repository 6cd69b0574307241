package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** Hosts with the kernel's vxlan and hosts with Weft on one set of leases, as during a migration. */
@RequiresRoot
class MixedFleetIT {
    @Test
    void kernelHostsAndWeftHostsAreOneOverlay() throws IOException {
        requireKernelVxlan();
        try (CellLab lab = CellLab.open(Subject.KERNEL, Subject.WEFT, Subject.WEFT, Subject.KERNEL)) {
            assertEquals(8, lab.containers().size());
            Conversation.ofAll(lab.containers());
        }
    }

    /** In CI every test runs. */
    private static void requireKernelVxlan() {
        Command probe = KernelCell.probe();
        if ("true".equals(System.getenv("CI"))) {
            assertEquals(0, probe.exitCode(), probe::output);
        }
        assumeTrue(probe.exitCode() == 0, "the kernel has no vxlan here: " + probe.output());
    }
}
