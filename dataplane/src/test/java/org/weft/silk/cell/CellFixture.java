package org.weft.silk.cell;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.table.Remote;
import org.weft.silk.lease.Lease;
import org.weft.testing.MemoryRegistry;

/** A cell in memory, with a directory for its state, for tests of its behaviour. */
abstract class CellFixture {
    static final String OTHER = "10.0.16.16 10.255.77.0/24";
    static final Lease PEER = MemoryLeases.lease(MemoryCell.PEER);

    @TempDir
    Path directory;

    MemoryCell memory;

    @BeforeEach
    void open() {
        memory = new MemoryCell(new MemoryRegistry(), directory);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** As a daemon that starts again on the same host, whose device is gone. */
    void restart() {
        memory.close();
        open();
    }

    void startWith(String own, String... others) {
        memory.start();
        memory.leases.say(own, others);
        memory.await("the lease is in force", status -> isOwn(status, own));
    }

    static boolean isOwn(CellStatus status, String lease) {
        return MemoryLeases.lease(lease).equals(status.own());
    }

    CellStatus status() {
        memory.catchUp();
        return memory.cell.status();
    }

    List<Remote> remotes() {
        return memory.registry.vtep(MemoryCell.VTEP).fdb().entry(PEER.mac()).remotes();
    }

    Path state() {
        return directory.resolve("leases.json");
    }
}
