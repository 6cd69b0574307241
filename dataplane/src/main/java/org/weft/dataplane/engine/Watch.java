package org.weft.dataplane.engine;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.linux.BridgeEntries;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.operator.OperatorException;

/**
 * Looks once a second what others did to the devices. It makes a deleted TAP again, follows a
 * renamed or moved one, and binds sockets to an underlay interface that came back. It also ages
 * learned entries, makes room for addresses to learn, and keeps the rules for marks. It knows
 * whether packets can pass.
 */
final class Watch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
    private static final long PERIOD_MILLIS = 1000;

    /** FDB_AGE_INTERVAL of the kernel's vxlan; also how long rules for marks that somebody removed, and settings against routers, stay away. */
    private static final long AGE_INTERVAL_SECONDS = 10;

    private final Repairs repairs;
    private final Supplier<List<Vtep>> vteps;
    private final Object monitor;
    private final Heartbeat heartbeat = Heartbeats.PROCESS.register("weft-watch", Heartbeats.CONTROL);
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "weft-watch"));

    /** What is wrong with a VTEP now, as last said. */
    private final Map<Vtep, Trouble> troubles = new ConcurrentHashMap<>();

    /** Judges what each VTEP sends. Only the watch's thread uses it. */
    private final Map<Vtep, Sending> sending = new WeakHashMap<>();

    /**
     * VTEPs whose underlay interface had no carrier at the last look. Only the watch's thread uses
     * it.
     */
    private final Set<Vtep> unplugged = Collections.newSetFromMap(new WeakHashMap<>());

    /** A sentence, and whether no packet passes because of it. */
    private record Trouble(String sentence, boolean obstacle) {}

    /** Reads entries of {@code bridge fdb}; null where the kernel does not report them. */
    private BridgeEntries bridgeEntries;

    private long nextAgeing = Vtep.clockSeconds() + AGE_INTERVAL_SECONDS;

    /**
     * @param vteps gives the VTEPs of this moment
     * @param monitor the engine's: held while this looks at devices and mends them
     */
    Watch(Repairs repairs, Supplier<List<Vtep>> vteps, Object monitor) {
        this.repairs = repairs;
        this.vteps = vteps;
        this.monitor = monitor;
    }

    void start() {
        try {
            bridgeEntries = new BridgeEntries();
        } catch (LinuxException e) {
            LOG.warn("Weft does not notice entries of bridge fdb ({}): use weft fdb instead", e.getMessage());
        }
        timer.scheduleWithFixedDelay(heartbeat.guard(this::look), 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** What is wrong with a VTEP, in one sentence; null if nothing is. From any thread. */
    String trouble(Vtep vtep) {
        Trouble trouble = troubles.get(vtep);
        return trouble == null ? null : trouble.sentence();
    }

    /**
     * The trouble of a VTEP if no packet passes because of it; else null. Any thread may call it.
     */
    String obstacle(Vtep vtep) {
        Trouble trouble = troubles.get(vtep);
        return trouble == null || !trouble.obstacle() ? null : trouble.sentence();
    }

    void forget(Vtep vtep) {
        troubles.remove(vtep);
    }

    /** Looks at everything once. */
    void look() {
        boolean age = Vtep.clockSeconds() >= nextAgeing;
        tendTables(age);
        synchronized (monitor) {
            attempt(repairs::mendPorts);
            for (Vtep vtep : vteps.get()) {
                heartbeat.beat();
                heartbeat.doing(vtep.name());
                attempt(vtep, () -> lookAt(vtep, age));
            }
            attempt(repairs::adoptNames);
            if (bridgeEntries != null) {
                attempt(() -> bridgeEntries.hear(repairs::bridgeEntryAdded));
            }
        }
        if (age) {
            // Outside of the lock, so that operators' commands need not wait while nft hangs.
            for (Vtep vtep : vteps.get()) {
                heartbeat.beat();
                attempt(vtep, () -> repairs.keepMarks(vtep));
            }
            nextAgeing = Vtep.clockSeconds() + AGE_INTERVAL_SECONDS;
        }
        heartbeat.doing(null);
    }

    /**
     * Takes no lock of Weft: commands need not wait while millions of entries age, nor tables for
     * commands.
     */
    private void tendTables(boolean age) {
        for (Vtep vtep : vteps.get()) {
            heartbeat.beat();
            attempt(vtep, () -> {
                if (age) {
                    vtep.fdb()
                            .age(Vtep.clockSeconds(), vtep.config().forwarding().ageing());
                }
                vtep.makeRoom();
            });
        }
    }

    /**
     * A failure with one VTEP keeps nothing else back. No packet passes if it left the VTEP without
     * devices.
     */
    private void attempt(Vtep vtep, Runnable part) {
        try {
            part.run();
        } catch (OperatorException | LinuxException e) {
            say(vtep, new Trouble(e.getMessage(), !repairs.isOpen(vtep)));
        } catch (RuntimeException | Error e) {
            say(vtep, new Trouble(e.toString(), !repairs.isOpen(vtep)));
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
        Trouble trouble = lookAt(vtep);
        if (all) {
            repairs.refuseRouters(vtep);
        }
        say(vtep, trouble);
    }

    private Trouble lookAt(Vtep vtep) {
        String awaited = repairs.awaitInterface(vtep);
        if (awaited != null) {
            return new Trouble(awaited, true);
        }
        String gone = repairs.locate(vtep);
        if (gone != null) {
            // Only once: as long as the device cannot be made again, the reason for that is the trouble.
            if (repairs.isOpen(vtep)) {
                say(vtep, new Trouble(gone, true));
            }
            repairs.reopen(vtep);
        }
        String unread = repairs.mendTap(vtep);
        String misnamed = repairs.mendName(vtep);
        repairs.noteDevice(vtep);
        String obstacle = lookAtUnderlay(vtep);
        String refused = sending.computeIfAbsent(vtep, Sending::new).trouble(vtep, System.nanoTime());
        // Rules of the host that know the device by its name, such as a cell's, do not see its packets.
        obstacle = obstacle == null ? misnamed : obstacle;
        obstacle = obstacle == null ? refused : obstacle;
        if (obstacle != null) {
            return new Trouble(obstacle, true);
        }
        return unread == null ? null : new Trouble(unread, false);
    }

    private String lookAtUnderlay(Vtep vtep) {
        VtepConfig config = vtep.config();
        String trouble = UnderlayPresence.trouble(config);
        if (UnderlayPresence.isInterfaceMissing(config)) {
            return trouble;
        }
        Underlay underlay = config.underlay();
        if (underlay.dev() != null) {
            repairs.followUnderlay(vtep, Link.of(underlay.dev()).index());
        }
        String holder = underlay.local().isAny() ? underlay.dev() : Link.nameOfAddress(underlay.local());
        String dev = underlay.dev() == null ? holder : underlay.dev();
        repairs.underlayMtu(vtep, UnderlayPresence.mtu(dev));
        boolean carried = trouble == null && holder != null;
        return carried ? lookAtCarrier(vtep, dev) : trouble;
    }

    /**
     * A missing carrier counts at the second look, because a new interface gets its own after a
     * moment.
     */
    private String lookAtCarrier(Vtep vtep, String dev) {
        Link underlay = Link.of(dev);
        if (!underlay.up()) {
            return "the underlay interface " + dev + " is down";
        }
        if (underlay.running()) {
            unplugged.remove(vtep);
            return null;
        }
        return unplugged.add(vtep) ? null : "the underlay interface " + dev + " has no carrier";
    }

    /** Logs a change, once, before others can see it: what the API tells is in the log. */
    private void say(Vtep vtep, Trouble trouble) {
        if (Objects.equals(troubles.get(vtep), trouble)) {
            return;
        }
        if (trouble == null) {
            LOG.info("{}: all is well again", vtep.name());
        } else {
            LOG.warn("{}: {}", vtep.name(), trouble.sentence());
        }
        troubles.compute(vtep, (key, before) -> trouble);
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
        if (bridgeEntries != null && timer.isTerminated()) {
            bridgeEntries.close();
        }
    }
}
