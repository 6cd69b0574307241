package org.weft.silk.container;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.container.Turns.Turn;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;

/**
 * The containers of this host: the role of silk-cni and its address management. An address is reserved on disk before
 * anything is laid and freed after everything is removed, so that it is never given twice, whenever the daemon dies.
 *
 * <p>Thread-safe. Operations take some ten milliseconds, or until a command of the host reaches its time limit. Those on
 * the same container or interface come one after the other, all others run side by side. {@link #lease},
 * {@link #draining}, {@link #size}, {@link #entries} and {@link #hanging} do not wait for any of them.
 */
public final class Containers implements Tenants {
    private static final Logger LOG = LoggerFactory.getLogger(Containers.class);

    /** A network namespace has one file wherever it is found, so files tell whether two are the same. */
    private static final Path HERE = Path.of("/proc/thread-self/ns/net");

    private static final String DRAINING = "this host is draining, no container is attached: attach it on another host";
    private static final String NO_LEASE =
            "this host has no lease yet, so no container is attached: see weft lease show";

    private record Home(Lease lease, int mtu) {}

    private final Ledger ledger;
    private final ContainerGuard guard;
    private final Turns turns = new Turns();
    private volatile Home home;
    private volatile boolean draining;

    private Containers(Ledger ledger, ContainerGuard guard) {
        this.ledger = ledger;
        this.guard = guard;
    }

    /**
     * Takes up what an earlier daemon left: containers that are still there stay, others' addresses are free again. Where
     * its file is damaged, the veth pairs of this host tell which containers there are.
     *
     * @param state directory for what must survive a restart
     * @param guard is looked after whenever a container is attached
     */
    public static Containers open(Path state, ContainerGuard guard) {
        Containers containers = new Containers(new Ledger(new AttachmentFile(state), FoundPairs::look), guard);
        containers.dropUnfinished();
        containers.dropGone();
        return containers;
    }

    /**
     * Tells a listener of addresses that no container has: before an address is free again, and again before the veth pair of
     * its next container is laid, because packets of the container before may have been under way.
     */
    public void onVacated(Consumer<Collection<IpAddress>> listener) {
        ledger.onVacated(listener);
    }

    @Override
    public void lease(Lease own, int mtu) {
        home = own == null ? null : new Home(own, mtu);
    }

    @Override
    public void draining(boolean draining) {
        this.draining = draining;
    }

    @Override
    public ContainerGuard guard() {
        return guard;
    }

    /** Whether this host has a lease. */
    public boolean isLeased() {
        return home != null;
    }

    /** Those that went without being detached do not count. */
    @Override
    public int size() {
        return (int) entries().stream().filter(Containers::isHere).count();
    }

    /** Whether it is there, or is being attached. */
    private static boolean isHere(Attachment entry) {
        return !entry.laid() || new VethPair(entry).exists();
    }

    /** In the order they were attached. One that was found is there as long as its veth pair. */
    public List<Attachment> entries() {
        return ledger.entries().stream()
                .filter(entry -> !entry.found() || new VethPair(entry).exists())
                .toList();
    }

    /**
     * Why a container could not be attached now; null if it could.
     *
     * @see #attach
     */
    public String unavailable() {
        if (draining) {
            return DRAINING;
        }
        Home now = home;
        if (now == null) {
            return NO_LEASE;
        }
        Addresses addresses = new Addresses(now.lease);
        long taken = entries().stream()
                .filter(entry -> !isOutside(entry) && isHere(entry))
                .count();
        return taken < addresses.size() ? null : addresses.exhausted();
    }

    /**
     * Attaches a container. Attaching it again gives the same answer, and repairs what is missing.
     *
     * @throws OperatorException if it cannot be attached; nothing is left of the attempt then
     */
    public Attachment attach(AttachRequest request) {
        requireHome(request);
        requireForeignNamespace(request.netns());
        return turns.during("attach", () -> attachInTurn(request), request.key(), interfaceOf(request));
    }

    private Attachment attachInTurn(AttachRequest request) {
        long start = System.nanoTime();
        Home now = requireHome(request);
        guard.beforeAttach();
        dropIfReplaceable(request);
        Attachment held = ledger.get(request.key());
        if (held != null) {
            return again(held, request, now);
        }
        requireUnattached(request);
        // A host whose containers count must forward, so it forwards before the first one counts.
        VethPair.letHostForward();
        Attachment laid = lay(reserve(request, now));
        LOG.info(
                "{} has address {} on {} ({}), in {} ms",
                laid.key(),
                laid.address(),
                laid.veth(),
                laid.netns(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
        return laid;
    }

    /** Two containers may ask for one interface of one namespace, by whatever files they find the namespace. */
    private static List<Object> interfaceOf(AttachRequest request) {
        Object file = request.netns();
        try {
            file = Files.readAttributes(request.netns(), BasicFileAttributes.class)
                    .fileKey();
        } catch (AccessDeniedException e) {
            throw new OperatorException(
                    Kind.NO_PERMISSION,
                    "network namespace " + request.netns()
                            + " is that of a process with more rights than the daemon keeps: give it a name with"
                            + " \"ip netns attach NAME PID\", and attach that",
                    e);
        } catch (IOException e) {
            // It is not there, so nothing can be attached to it.
        }
        return List.of(file, request.key().ifname());
    }

    /**
     * Takes a container's address and veth pair away, whether its namespace is still there or not.
     *
     * @return whether it was attached
     */
    public boolean detach(Attachment.Key key) {
        return turns.during("detach", () -> detachInTurn(key), key);
    }

    private boolean detachInTurn(Attachment.Key key) {
        Attachment held = ledger.get(key);
        if (held == null) {
            return false;
        }
        new VethPair(held).remove();
        ledger.drop(List.of(held));
        LOG.info("{} is detached, address {} is free", key, held.address());
        return true;
    }

    /**
     * Detaches whatever was attached at an interface of a namespace, by hand or by a container runtime.
     *
     * @return whether something was attached
     */
    public boolean detach(Path netns, String ifname) {
        return detachAll(entry -> entry.key().ifname().equals(ifname)
                        && (entry.netns().equals(netns) || isSame(entry.netns(), netns) || isNamedAfter(entry, netns)))
                > 0;
    }

    /** A found container whose namespace is unknown has no other name than its veth's. */
    private static boolean isNamedAfter(Attachment entry, Path netns) {
        return entry.netns().equals(Attachment.UNKNOWN) && Path.of(entry.veth()).equals(netns.getFileName());
    }

    /**
     * Detaches a container that was found at an interface of a namespace, because its key was lost with a damaged file.
     *
     * @return whether something was detached
     */
    public boolean detachFound(Path netns, String ifname) {
        return detachAll(entry -> entry.found() && entry.key().ifname().equals(ifname) && isSame(entry.netns(), netns))
                > 0;
    }

    /**
     * Looks whether everything that was laid for a container is there.
     *
     * @param defaultRoute whether its default route counts
     * @return what is wrong, in words; empty if nothing is
     * @throws OperatorException if it is not attached
     */
    public List<String> check(Attachment.Key key, boolean defaultRoute) {
        return turns.during("check", () -> checkInTurn(key, defaultRoute), key);
    }

    private List<String> checkInTurn(Attachment.Key key, boolean defaultRoute) {
        Attachment held = ledger.get(key);
        if (held == null) {
            throw new OperatorException(Kind.NO_INPUT, key + " is not attached");
        }
        List<String> faults = PairInspection.faults(held, defaultRoute);
        if (isOutside(held)) {
            faults.add(held.address() + " is not in this host's subnet, so other hosts do not reach it");
        }
        return List.copyOf(faults);
    }

    /**
     * Detaches what is left of a network's containers that are no more.
     *
     * @return how many
     */
    public int gc(String network, Predicate<Attachment.Key> valid) {
        return detachAll(entry -> entry.key().network().equals(network) && !valid.test(entry.key()));
    }

    /**
     * Frees the addresses of containers that went without being detached, their namespaces and with them their veth pairs.
     *
     * @return how many
     */
    @Override
    public int dropGone() {
        List<Turn> mine = new ArrayList<>();
        List<Attachment> gone = new ArrayList<>();
        try {
            for (Attachment entry : ledger.entries()) {
                // One that is being attached or detached has no veth pair for a moment.
                Turn turn = new VethPair(entry).exists() ? null : turns.takeAtOnce("removal", entry.key());
                if (turn != null) {
                    mine.add(turn);
                    if (entry.equals(ledger.get(entry.key())) && !new VethPair(entry).exists()) {
                        gone.add(entry);
                    }
                }
            }
            gone.forEach(entry ->
                    LOG.info("{} is gone with {}, address {} is free", entry.key(), entry.veth(), entry.address()));
            ledger.drop(gone);
        } finally {
            mine.forEach(Turn::close);
        }
        return gone.size();
    }

    @Override
    public List<HostRepair> upkeep(String device, boolean repair) {
        return new HostUpkeep(ledger, turns).look(device, repair);
    }

    /** Drops containers that a daemon was laying when it died, before it told their addresses. */
    private void dropUnfinished() {
        List<Attachment> unfinished =
                entries().stream().filter(entry -> !entry.laid()).toList();
        for (Attachment entry : unfinished) {
            LOG.info("{} was not attached to its end, address {} is free", entry.key(), entry.address());
            new VethPair(entry).remove();
        }
        ledger.drop(unfinished);
    }

    /**
     * The operation that has been running longest.
     *
     * @param limit what is shorter does not count
     * @return a phrase that names it; null if there is none
     */
    public String hanging(Duration limit) {
        return turns.hanging(limit);
    }

    private int detachAll(Predicate<Attachment> which) {
        List<Attachment> chosen = entries().stream().filter(which).toList();
        chosen.forEach(entry -> detach(entry.key()));
        return chosen.size();
    }

    private Home requireHome(AttachRequest request) {
        Home now = home;
        if (draining || now == null) {
            throw new OperatorException(Kind.UNAVAILABLE, draining ? DRAINING : NO_LEASE);
        }
        if (request.mtu() > now.mtu) {
            throw new OperatorException(
                    Kind.BAD_DATA, "mtu " + request.mtu() + " is more than the VTEP's, which is " + now.mtu);
        }
        return now;
    }

    private static void requireForeignNamespace(Path netns) {
        if (isSame(netns, HERE)) {
            throw new OperatorException(
                    Kind.USAGE, netns + " is this host's own network namespace and not a container's");
        }
    }

    /** Of a container whose veth pair is gone, an address is only kept if it is still of use. */
    private void dropIfReplaceable(AttachRequest request) {
        Attachment held = ledger.get(request.key());
        if (held == null || new VethPair(held).exists()) {
            return;
        }
        if (isOutside(held) || request.address() != null && !request.address().equals(held.address())) {
            LOG.info("{} is gone with {}, address {} is free", held.key(), held.veth(), held.address());
            ledger.drop(List.of(held));
        }
    }

    /** What is attached already, in the same namespace, and wants the same address or does not mind. */
    private Attachment again(Attachment held, AttachRequest request, Home now) {
        if (request.address() != null && !request.address().equals(held.address())) {
            throw new OperatorException(
                    Kind.BAD_DATA,
                    held.key() + " is attached already, with address " + held.address() + " and not "
                            + request.address() + ": detach it first");
        }
        VethPair pair = new VethPair(held);
        if (!held.laid()) {
            pair.remove(); // an attempt before failed, and could not be undone
        }
        boolean moved = !isSame(held.netns(), request.netns());
        if (moved && pair.exists()) {
            throw new OperatorException(
                    Kind.USAGE, held.key() + " is attached already, in " + held.netns() + ": detach it there first");
        }
        if (!pair.exists()) {
            Attachment renewed = new Attachment(held.key(), held.address(), request.netns(), held.mtu(), false);
            reserve(renewed, now);
            LOG.info("{} is attached again, its veth pair had gone", held.key());
            return lay(renewed);
        }
        List<String> faults = PairInspection.faults(held, true);
        if (!faults.isEmpty()) {
            LOG.info("{} is repaired: {}", held.key(), faults);
            repair(held, pair);
        }
        if (held.found()) {
            ledger.put(held.complete());
        }
        return held;
    }

    private void repair(Attachment held, VethPair pair) {
        try {
            pair.repair();
        } catch (OperatorException e) {
            if (e.kind() == Kind.UNAVAILABLE) {
                throw e; // The host is too slow, and the veth pair may be whole.
            }
            LOG.info("{} is laid again: {}", held.key(), e.getMessage());
            pair.remove();
            lay(held);
        }
    }

    private void requireUnattached(AttachRequest request) {
        for (Attachment entry : entries()) {
            if (!entry.key().ifname().equals(request.key().ifname()) || !isSame(entry.netns(), request.netns())) {
                continue;
            }
            if (new VethPair(entry).exists()) {
                throw new OperatorException(
                        Kind.USAGE,
                        request.netns() + " is attached already, as " + entry.key() + " with address " + entry.address()
                                + ": detach it first");
            }
        }
    }

    private IpAddress choose(Lease lease, IpAddress wanted) {
        Addresses addresses = new Addresses(lease);
        IpAddress chosen = addresses.choose(wanted, ledger);
        if (chosen == null && dropGone() > 0) {
            chosen = addresses.choose(wanted, ledger);
        }
        if (chosen == null) {
            throw new OperatorException(Kind.UNAVAILABLE, addresses.exhausted());
        }
        return chosen;
    }

    private boolean isOutside(Attachment entry) {
        Home now = home;
        return now != null && !Overlay.contains(now.lease.subnet(), entry.address());
    }

    /** Lays what is reserved; if that fails, the address is free again. */
    private Attachment lay(Attachment reserved) {
        VethPair pair = new VethPair(reserved);
        try {
            pair.lay();
            Attachment complete = reserved.complete();
            ledger.put(complete);
            return complete;
        } catch (RuntimeException e) {
            undo(pair, reserved, e);
            throw e;
        }
    }

    private void undo(VethPair pair, Attachment reserved, RuntimeException cause) {
        try {
            pair.remove();
            ledger.drop(List.of(reserved));
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        }
    }

    private Attachment reserve(AttachRequest request, Home now) {
        int mtu = request.mtu() == 0 ? now.mtu : request.mtu();
        if (ledger.entries().stream().anyMatch(Attachment::found)) {
            dropGone();
        }
        synchronized (ledger) {
            IpAddress address = choose(now.lease, request.address());
            Attachment attachment = new Attachment(request.key(), address, request.netns(), mtu, false);
            reserve(attachment, now);
            return attachment;
        }
    }

    /** Who takes the lease away counts the containers afterwards: this one is counted, or it is refused. */
    private void reserve(Attachment attachment, Home now) {
        ledger.put(attachment);
        if (!now.equals(home)) {
            ledger.drop(List.of(attachment));
            throw new OperatorException(Kind.UNAVAILABLE, NO_LEASE);
        }
    }

    private static boolean isSame(Path netns, Path other) {
        try {
            return Files.isSameFile(netns, other);
        } catch (IOException e) {
            // One of them is not there.
            return false;
        }
    }
}
