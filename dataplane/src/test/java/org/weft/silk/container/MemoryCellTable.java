package org.weft.silk.container;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.weft.dataplane.host.CellTable;
import org.weft.silk.config.PolicyConfig.HostAccess;

/** A table of rules that is not there, for any thread. */
public final class MemoryCellTable implements CellTable {
    /** What was installed, in order. */
    public final List<Refused> installed = new CopyOnWriteArrayList<>();

    /** Whether somebody took the rules away. */
    public volatile boolean flushed;

    /** Whether the rules were taken away for good. */
    public volatile boolean removed;

    /** What {@link #install} and {@link #stands} throw, if anything. */
    public volatile RuntimeException failure;

    /** A guard that lays nothing on the host that the tests run on. */
    public static ContainerGuard guard() {
        return new ContainerGuard(new MemoryCellTable(), HostAccess.DEFAULT);
    }

    @Override
    public String name() {
        return "inet weft-memory-cell";
    }

    @Override
    public void install(Refused refused) {
        fail();
        installed.add(refused);
        flushed = false;
    }

    private void fail() {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public boolean stands() {
        fail();
        return !installed.isEmpty() && !flushed;
    }

    @Override
    public void remove() {
        removed = true;
    }
}
