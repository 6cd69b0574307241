package org.weft.dataplane;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;

/**
 * Looks once a second what others did to the devices: a TAP that was deleted is made again, one that was renamed or moved
 * is followed, sockets follow an underlay interface that came back, learned entries age, tables get room for addresses to
 * learn before they need it, and rules for marks stay.
 */
final class Watch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
    private static final long PERIOD_MILLIS = 1000;

    /** FDB_AGE_INTERVAL of the kernel's vxlan; also how long rules for marks that somebody removed, and settings against routers, stay away. */
    private static final long AGE_INTERVAL_SECONDS = 10;

    private final Weft weft;
    private final Heartbeat heartbeat = Heartbeats.PROCESS.register("weft-watch", Heartbeats.CONTROL);
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "weft-watch"));

    /** What is wrong with a VTEP now, as last said. */
    private final Map<Vtep, String> troubles = new ConcurrentHashMap<>();

    private long nextAgeing = Vtep.clockSeconds() + AGE_INTERVAL_SECONDS;

    Watch(Weft weft) {
        this.weft = weft;
    }

    void start() {
        timer.scheduleWithFixedDelay(heartbeat.guard(this::look), 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** What is wrong with a VTEP, in one sentence; null if nothing is. From any thread. */
    String trouble(Vtep vtep) {
        return troubles.get(vtep);
    }

    void forget(Vtep vtep) {
        troubles.remove(vtep);
    }

    private void look() {
        boolean age = Vtep.clockSeconds() >= nextAgeing;
        tendTables(age);
        synchronized (weft) {
            attempt(weft::mendPorts);
            for (Vtep vtep : weft.vteps()) {
                heartbeat.beat();
                heartbeat.doing(vtep.name());
                attempt(vtep, () -> lookAt(vtep, age));
            }
            attempt(weft::adoptNames);
        }
        if (age) {
            // Operators' commands need not wait while nft hangs.
            for (Vtep vtep : weft.vteps()) {
                heartbeat.beat();
                attempt(vtep, () -> weft.keepMarks(vtep));
            }
            nextAgeing = Vtep.clockSeconds() + AGE_INTERVAL_SECONDS;
        }
        heartbeat.doing(null);
    }

    /** Operators' commands need not wait while millions of entries age, nor tables for the commands that hold Weft. */
    private void tendTables(boolean age) {
        for (Vtep vtep : weft.vteps()) {
            heartbeat.beat();
            attempt(vtep, () -> {
                if (age) {
                    vtep.fdb().age(Vtep.clockSeconds(), vtep.config().ageing());
                }
                vtep.makeRoom();
            });
        }
    }

    /** What goes wrong with one VTEP keeps nothing else back. */
    private void attempt(Vtep vtep, Runnable part) {
        try {
            part.run();
        } catch (OperatorException | LinuxException e) {
            say(vtep, e.getMessage());
        } catch (RuntimeException | Error e) {
            say(vtep, e.toString());
            heartbeat.failed(e);
        }
    }

    private void attempt(Runnable part) {
        try {
            part.run();
        } catch (OperatorException | LinuxException e) {
            LOG.warn("{}", e.getMessage());
        } catch (RuntimeException | Error e) {
            heartbeat.failed(e);
        }
    }

    private void lookAt(Vtep vtep, boolean all) {
        String trouble = lookAt(vtep);
        if (all) {
            weft.refuseRouters(vtep);
        }
        say(vtep, trouble);
    }

    private String lookAt(Vtep vtep) {
        String gone = weft.locate(vtep);
        if (gone != null) {
            say(vtep, gone);
            weft.reopen(vtep);
        }
        String unread = weft.mendTap(vtep);
        String misnamed = weft.mendName(vtep);
        weft.noteDevice(vtep);
        if (unread != null) {
            return unread;
        }
        String underlay = lookAtUnderlay(vtep);
        return underlay == null ? misnamed : underlay;
    }

    private String lookAtUnderlay(Vtep vtep) {
        VtepConfig config = vtep.config();
        if (config.dev() != null) {
            Link underlay = Link.of(config.dev());
            if (!underlay.exists()) {
                return "the underlay interface " + config.dev() + " is gone; waiting for it to return";
            }
            weft.followUnderlay(vtep, underlay.index());
        }
        String holder = config.local().isAny() ? config.dev() : Link.nameOfAddress(config.local());
        if (holder != null) {
            weft.underlayMtu(
                    vtep, Link.of(config.dev() == null ? holder : config.dev()).mtu());
        }
        if (!config.local().isAny() && holder == null) {
            return "no interface has the underlay address " + config.local() + "; waiting for it to return";
        }
        return null;
    }

    /** Logs a change, once. */
    private void say(Vtep vtep, String trouble) {
        String before = trouble == null ? troubles.remove(vtep) : troubles.put(vtep, trouble);
        if (Objects.equals(before, trouble)) {
            return;
        }
        if (trouble == null) {
            LOG.info("{}: all is well again", vtep.name());
        } else {
            LOG.warn("{}: {}", vtep.name(), trouble);
        }
    }

    @Override
    public void close() {
        heartbeat.close();
        timer.shutdownNow();
        try {
            timer.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
