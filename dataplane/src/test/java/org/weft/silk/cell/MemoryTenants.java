package org.weft.silk.cell;

import java.util.List;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.container.ContainerGuard;
import org.weft.silk.container.HostRepair;
import org.weft.silk.container.MemoryCellTable;
import org.weft.silk.container.Tenants;
import org.weft.silk.lease.Lease;

/** Containers that are but counted. */
public final class MemoryTenants implements Tenants {
    public volatile boolean draining;
    public final MemoryCellTable table = new MemoryCellTable();
    private final ContainerGuard guard = new ContainerGuard(table, HostAccess.DEFAULT);
    volatile Lease lease;
    volatile int mtu;

    /** The exception that {@link #upkeep} throws; null for none. */
    volatile RuntimeException upkeepFailure;

    private volatile int size;
    private int goneUnnoticed;

    /** So many are there from now on. */
    public void size(int now) {
        size = now;
    }

    /** One goes, and its host is not told. */
    synchronized void goUnnoticed() {
        goneUnnoticed++;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public synchronized int dropGone() {
        int dropped = goneUnnoticed;
        goneUnnoticed = 0;
        size -= dropped;
        return dropped;
    }

    @Override
    public void lease(Lease own, int vtepMtu) {
        lease = own;
        mtu = vtepMtu;
    }

    @Override
    public List<HostRepair> upkeep(String device, boolean repair) {
        if (upkeepFailure != null) {
            throw upkeepFailure;
        }
        return List.of();
    }

    @Override
    public ContainerGuard guard() {
        return guard;
    }

    @Override
    public void draining(boolean now) {
        draining = now;
    }
}
