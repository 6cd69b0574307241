package org.weft.daemon;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.cli.ControlClient;
import org.weft.cli.Patience;
import org.weft.control.ControlServer;
import org.weft.control.cell.LocalCell;
import org.weft.control.policy.LocalPolicy;
import org.weft.dataplane.engine.Engine;
import org.weft.dataplane.engine.UnderlayPresence;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.host.NftCellTable;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.io.linux.SystemdNotifier;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.dataplane.watchdog.Watchdog;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.Cell;
import org.weft.silk.cell.LeaseSources;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.container.ContainerGuard;
import org.weft.silk.container.Containers;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.PolicySources;
import org.weft.silk.policy.VerdictLog;

/** The process that runs VTEPs: brings them up, says so, and takes everything down in reverse on a signal. */
final class Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);
    private static final UnderlayMtu UNDERLAY_MTU = Daemon::underlayMtu;

    /** How long a signal waits for a start under way; less than service managers give a process. */
    private static final Duration START_LIMIT = Duration.ofSeconds(10);

    /** A lease that is known, or told at once, is in force within a part of this. */
    private static final Duration LEASE_PATIENCE = Duration.ofSeconds(5);

    /**
     * The time between looks whether a lease is in force, and whether the underlay address has
     * changed.
     */
    private static final int LOOK_MILLIS = 1000;

    /** The time between looks for a first underlay address. */
    private static final int FIND_MILLIS = 200;

    private final Path configFile;
    private final Path control;
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /** Held while things go up or down. */
    private final ReentrantLock turn = new ReentrantLock();

    private DaemonConfig config;
    private Engine engine;

    /** Null without policies. */
    private LocalPolicy policy;

    /** Whose lease is waited for; null without a cell. */
    private volatile Cell leaseHolder;

    private boolean ready;

    /** Null if the address itself is given, or without a cell. */
    private CellUnderlay cellUnderlay;

    private ControlServer server;

    /** @param configFile null for a daemon without VTEPs to begin with */
    Daemon(Path configFile, Path control) {
        this.configFile = configFile;
        this.control = control;
    }

    /**
     * Runs until a signal ends the process.
     *
     * @throws OperatorException if it cannot start; nothing is left behind then
     */
    void run() throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(new Thread(this::terminate, "weft-stop"));
        try {
            start(Daemon::watchThreads);
            sayReady();
        } catch (LinuxException e) {
            boolean forbidden = e.errno() == Errno.EPERM || e.errno() == Errno.EACCES;
            throw new OperatorException(forbidden ? Kind.NO_PERMISSION : Kind.OS_ERROR, e.getMessage(), e);
        }
        while (cellUnderlay != null) {
            Thread.sleep(LOOK_MILLIS);
            endIfMoved();
        }
        new CountDownLatch(1).await();
    }

    /** From when the configuration is read, so that one that is wrong changes nothing of this process. */
    private static void watchThreads() {
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
            LOG.error("thread {} died and its work has stopped: restart the daemon", thread.getName(), e);
            Heartbeats.PROCESS.lost("thread " + thread.getName() + " died of " + e);
        });
        Heartbeats.PROCESS.onDeath(Daemon::giveUp);
        new Watchdog(
                        Heartbeats.PROCESS,
                        System.getenv(),
                        ProcessHandle.current().pid(),
                        SystemdNotifier::notify)
                .start();
    }

    /** Once packets pass; a host that has no lease yet waits a little for it, and says then what it waits for. */
    private void sayReady() throws InterruptedException {
        boolean begun = cellUnderlay == null || cellUnderlay.missing() == null;
        boolean carries = begun && awaitLease(LEASE_PATIENCE);
        engine.receive();
        LOG.info("ready");
        SystemdNotifier.notify("READY=1");
        if (!begun) {
            awaitUnderlay();
            carries = awaitLease(LEASE_PATIENCE);
        }
        if (!carries) {
            String source = leaseHolder.status().source();
            LOG.warn("no lease of {} is in force yet: containers have no network until then", source);
            SystemdNotifier.notify("STATUS=waiting for a lease of " + source);
            awaitLease(null);
            SystemdNotifier.notify("STATUS=a lease is in force");
        }
    }

    /** @param limit null for none; @return whether the cell has a lease in force, if there is a cell */
    private boolean awaitLease(Duration limit) throws InterruptedException {
        long begin = System.nanoTime();
        while (leaseHolder != null && !leaseHolder.status().hasLease()) {
            if (limit != null && System.nanoTime() - begin > limit.toNanos()) {
                return false;
            }
            Thread.sleep(limit == null ? LOOK_MILLIS : 20);
            if (limit == null && cellUnderlay != null) {
                endIfMoved();
            }
        }
        return true;
    }

    /** Starts the cell once its underlay interface has an address. */
    private void awaitUnderlay() throws InterruptedException {
        String said = null;
        CellConfig found = cellUnderlay.find();
        while (found == null) {
            String missing = cellUnderlay.missing();
            if (!missing.equals(said)) {
                LOG.warn("{}", missing);
                SystemdNotifier.notify("STATUS=" + missing);
                said = missing;
            }
            Thread.sleep(FIND_MILLIS);
            found = cellUnderlay.find();
        }
        LOG.info("the underlay interface {} has the address {}", found.underlayDev(), found.underlay());
        turn.lock();
        try {
            LocalCell cell = startCell(found); // the server answers meanwhile that the cell is starting
            running.remove(server);
            server.close();
            serve(cell);
            cellUnderlay.served();
        } catch (Throwable t) {
            ready = false;
            stop();
            throw t;
        } finally {
            turn.unlock();
        }
    }

    /**
     * Ends the process if the underlay address has changed for good, because a lease belongs to an
     * underlay address.
     */
    private void endIfMoved() {
        String moved = cellUnderlay.moved();
        if (moved != null) {
            LOG.warn("{}: this process ends, to be started again", moved);
            turn.lock(); // for good: the process ends
            SystemdNotifier.notify("STOPPING=1");
            takeDown();
            Runtime.getRuntime().halt(Kind.UNAVAILABLE.exitCode());
        }
    }

    /** Brings everything up, or nothing, in a process that does other things, too. */
    void start() {
        start(() -> {});
    }

    /** Brings everything up, or nothing. A signal that comes meanwhile waits for the end of this, for a while. */
    private void start(Runnable configured) {
        turn.lock();
        try {
            config = readConfig();
            configured.run();
            bringUp();
        } finally {
            turn.unlock();
        }
    }

    private DaemonConfig readConfig() {
        return configFile == null
                ? ConfigFile.none()
                : ConfigFile.read(configFile, UNDERLAY_MTU, HostNetwork::ipv4Address, LOG::warn);
    }

    private void bringUp() {
        if (new ControlClient(control, Patience.SHORT, warning -> {}).answers()) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "a weft daemon listens on " + control + " already: stop it, or give this one another --control");
        }
        try {
            lockState();
            VerdictLog verdicts = verdicts(config.policy());
            engine = new Engine(config.engine());
            running.push(engine);
            if (config.cell() != null) {
                engine.hold();
            }
            policy = config.policy() == null ? null : startPolicies(engine, config.policy(), verdicts);
            engine.start(config.vteps());
            CellConfig cell = config.cell();
            cellUnderlay = cell == null || cell.underlayDev() == null ? null : new CellUnderlay(cell);
            serve(cell == null || cell.underlay() == null ? null : startCell(cell));
        } catch (Throwable t) {
            stop();
            throw t;
        }
        ready = true;
    }

    /** @param cell null without a cell, or before its underlay address is known */
    private void serve(LocalCell cell) {
        Supplier<String> missing = cellUnderlay == null ? () -> null : cellUnderlay::missing;
        server = new ControlServer(engine, UNDERLAY_MTU, control, cell, policy, missing);
        running.push(server);
        if (cell != null) {
            server.listenForNetworkInfo(config.cell().networkInfo());
        }
        if (config.metrics() != null) {
            server.listenForMetrics(config.metrics());
        }
    }

    /** Before anything of another daemon's is touched; until all else has ended. */
    private void lockState() {
        Set<Path> directories = new LinkedHashSet<>();
        if (config.cell() != null) {
            directories.add(config.cell().state());
        }
        if (config.policy() != null) {
            directories.add(config.policy().state());
        }
        directories.forEach(directory -> running.push(StateLock.take(directory)));
    }

    /** Null if none are to be written. It ends last, as packets are judged until there are no VTEPs. */
    private VerdictLog verdicts(PolicyConfig config) {
        if (config == null || config.verdicts() == null) {
            return null;
        }
        VerdictLog verdicts = new VerdictLog(config.verdicts());
        running.push(verdicts);
        return verdicts;
    }

    /** Before VTEPs come up, so that no packet passes unjudged. */
    private LocalPolicy startPolicies(Engine engine, PolicyConfig config, VerdictLog verdicts) {
        Policies policies =
                new Policies(config, engine, PolicySources.of(config), verdicts == null ? VerdictSink.NONE : verdicts);
        running.push(policies);
        if (verdicts != null) {
            verdicts.start(policies, () -> underlayAddress(engine, config.vtep()));
        }
        policies.start();
        return new LocalPolicy(policies, verdicts);
    }

    private static IpAddress underlayAddress(Engine engine, String name) {
        Vtep vtep = engine.vtep(name);
        return vtep == null ? null : vtep.config().underlay().local();
    }

    /** @param cell with an underlay address */
    private LocalCell startCell(CellConfig cell) {
        HostAccess access =
                config.policy() == null ? HostAccess.DEFAULT : config.policy().hostAccess();
        ContainerGuard guard = new ContainerGuard(new NftCellTable(cell.vtepName(), cell.underlay()), access);
        Containers containers = Containers.open(cell.state(), guard);
        if (policy != null) {
            containers.onVacated(policy::forget);
        }
        Cell started = new Cell(cell, engine, UNDERLAY_MTU, containers, LeaseSources.of(cell), Daemon::exit);
        running.push(started);
        started.start();
        leaseHolder = started;
        return new LocalCell(started, containers);
    }

    /**
     * A thread that packets or leases need is dead, or cannot do its work: only a new process has it again, and the kernel takes
     * down what this one holds. At once, as what is to be taken down in order may hang with that thread.
     */
    static void giveUp(String sentence, Throwable cause) {
        LOG.error("{}: this process ends, to be started again", sentence, cause);
        Runtime.getRuntime().halt(Fault.INTERNAL_ERROR);
    }

    /** Ends as after SIGTERM, from a thread that is stopped meanwhile. */
    private static void exit() {
        new Thread(() -> System.exit(0), "weft-exit").start();
    }

    /** On SIGTERM or SIGINT. A process that ends because it could not start keeps its own exit code. */
    private void terminate() {
        if (!awaitTurn()) {
            LOG.error(
                    "the start has not come to its end within {} s of the signal: ending without undoing it, as the"
                            + " next start does",
                    START_LIMIT.toSeconds());
            Runtime.getRuntime().halt(Kind.OS_ERROR.exitCode());
        }
        if (ready) {
            SystemdNotifier.notify("STOPPING=1");
            boolean clean = stop();
            LOG.info("stopped");
            Runtime.getRuntime().halt(clean ? 0 : Kind.OS_ERROR.exitCode());
        }
    }

    /** A start that waits for something that never comes must not keep the process from ending. */
    private boolean awaitTurn() {
        try {
            return turn.tryLock(START_LIMIT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Takes everything down; false if something did not go down cleanly. */
    boolean stop() {
        turn.lock();
        try {
            return takeDown();
        } finally {
            turn.unlock();
        }
    }

    private boolean takeDown() {
        boolean clean = true;
        while (!running.isEmpty()) {
            try {
                running.pop().close();
            } catch (Exception e) {
                LOG.error("stopping: {}", e.getMessage(), e);
                clean = false;
            }
        }
        return clean;
    }

    private static int underlayMtu(IpAddress local, String dev) {
        return UnderlayPresence.mtu(dev == null && !local.isAny() ? Link.nameOfAddress(local) : dev);
    }
}
