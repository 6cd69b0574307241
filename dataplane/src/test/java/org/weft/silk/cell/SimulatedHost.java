package org.weft.silk.cell;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.vtep.Vtep;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.Overlay;
import org.weft.testing.MemoryRegistry;

/**
 * A host that does with leases what a {@link Cell} does: it checks all records, compares them with what it has, and
 * writes the difference into a VTEP's tables, which are real, and into a kernel's, which is not. It has neither thread
 * nor socket nor device.
 */
public final class SimulatedHost {
    private final Overlay overlay;
    private final Lease own;
    private final Vtep vtep;
    private final MemoryRoutes kernel = new MemoryRoutes();
    private final Converger converger;
    private LeaseTable table = LeaseTable.empty();

    public SimulatedHost(Overlay overlay, Lease own) {
        this.overlay = overlay;
        this.own = own;
        MemoryRegistry registry = new MemoryRegistry();
        this.vtep = registry.add(
                "silk-vtep",
                Map.of(
                        "id",
                        "1",
                        "local",
                        own.underlay().toString(),
                        "address",
                        own.base() + "/8",
                        "gbp",
                        "true",
                        "install-neighbours",
                        "true"));
        this.converger = new Converger(overlay, own, vtep, kernel, registry);
    }

    /**
     * Takes in all leases as a source tells of them.
     *
     * @return the time it took in nanoseconds, without that of the kernel's stand-in
     */
    public long hear(Collection<LeaseRecord> records, boolean full) {
        long kernelBefore = kernel.nanos();
        long start = System.nanoTime();
        table = LeaseTable.of(overlay, own, records);
        List<Change> changes = converger.plan(table.leases(), full);
        Map<?, String> refused = converger.apply(changes);
        long nanos = System.nanoTime() - start - (kernel.nanos() - kernelBefore);
        if (!refused.isEmpty() || !table.skipped().isEmpty()) {
            throw new AssertionError("refused " + refused + ", skipped " + table.skipped());
        }
        return nanos;
    }

    /** Whether kernel and tables have every other host's lease, and no more. */
    public boolean isConvergedOn(Collection<LeaseRecord> records) {
        return kernel.size() == records.size() - 1
                && vtep.fdb().size() == records.size() - 1
                && converger
                        .plan(LeaseTable.of(overlay, own, records).leases(), true)
                        .isEmpty();
    }

    /** Leaves away what a real host has in its kernel, for a count of memory; it hears of nothing more. */
    public void forgetKernel() {
        kernel.forget();
    }
}
