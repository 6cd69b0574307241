package org.weft.silk.policy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.source.Contact;

/**
 * The role of vxlan-policy-agent on this host: what a source says, and what an operator changes meanwhile, is what a VTEP
 * tags and judges by. What the source cannot say stays as it was said last, also over a restart.
 *
 * <p>All of it happens on one thread, but for the writing to disk. The public methods may be called by any.
 */
public final class Policies implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);
    private static final long TICK_MILLIS = 1000;
    /** Between two looks at all flows for those that ended in silence. */
    private static final int SWEEP_TICKS = 60;

    private static final long END_SECONDS = 5;
    private static final int REST_FACTOR = 10;
    private static final long MOST_REST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Of what a source says wrong, so many sentences are logged at once; the status has all. */
    private static final int MOST_LOGGED = 20;

    private final PolicyConfig config;
    private final VtepRegistry registry;
    private final PolicySource source;
    private final VerdictSink verdicts;
    private final PolicyState state;
    private final Contact contact;
    private final FlowTable flows;
    private final TagKeeper tags;
    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "weft-policy"));
    /** So that a slow disk keeps no operator waiting. */
    private final ExecutorService saver =
            Executors.newSingleThreadExecutor(task -> new Thread(task, "weft-policy-save"));

    private final Heartbeat heartbeat = Heartbeats.PROCESS.register("weft-policy", Heartbeats.CONTROL);

    private final AtomicReference<PolicySet> heard = new AtomicReference<>();

    // Of the thread.
    private final LiveChanges live = new LiveChanges();
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private PolicySet set = PolicySet.EMPTY;
    private Mode mode;
    private long ticks;
    private boolean due;
    private boolean unsaved;
    private boolean saving;
    private String trouble;
    private long changes;
    private long rebuiltNanos = System.nanoTime();
    private long rebuildNanos;

    private volatile InForce inForce = InForce.NOTHING;
    private volatile PolicyStatus status;

    /**
     * Policies that nothing is done with yet.
     *
     * @param source owned by this from now on; null: only live changes
     * @param verdicts hears of verdicts, on packets' ways
     */
    public Policies(PolicyConfig config, VtepRegistry registry, PolicySource source, VerdictSink verdicts) {
        this.config = config;
        this.registry = registry;
        this.source = source;
        this.verdicts = verdicts;
        this.mode = config.mode();
        this.state = new PolicyState(config.state());
        this.contact = new Contact(source == null ? "operator" : source.name());
        this.flows = flows(config);
        this.tags = new TagKeeper();
        publish();
    }

    private static FlowTable flows(PolicyConfig config) {
        try {
            return new FlowTable(config.flows(), config.timeouts());
        } catch (OutOfMemoryError e) {
            throw new OperatorException(
                    Kind.BAD_CONFIG,
                    "there is no room for " + config.flows() + " flows: they take 64 bytes each off the heap; lower"
                            + " policy.flows or give Java more (-XX:MaxDirectMemorySize)",
                    e);
        }
    }

    /**
     * Judges by what was known last, or else by nothing, and asks the source. VTEPs that are opened after this are judged
     * from their first packet on.
     */
    public void start() {
        try {
            ask(this::begin).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof OperatorException reason ? reason : e;
        }
        thread.scheduleWithFixedDelay(() -> run(this::tick), TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void begin() {
        PolicyState.Saved saved = source == null ? null : state.load(source.name(), config.vtep());
        if (saved != null) {
            LOG.info(
                    "{} policies of {} were in force at {}",
                    saved.set().rules().size(),
                    source.name(),
                    saved.confirmed());
            contact.remember(saved.confirmed());
            set = saved.set();
        }
        enforce();
        if (source != null) {
            source.start(new Listener());
        }
    }

    /** As they were at most a second ago. */
    public PolicyStatus status() {
        return status;
    }

    /** All that is in force, live changes included. */
    public List<PolicyRule> rules() {
        return inForce.rules();
    }

    /** What an operator keeps out, whatever the source says. */
    public List<Policy> denials() {
        return inForce.denied();
    }

    /** Tags that the source gives. */
    public List<Tag> tags() {
        return inForce.set().tags();
    }

    /** How many flows are known now; looks at each. */
    public int flows() {
        return flows.size((int) registry.nowSeconds());
    }

    /** How many flows there is room for. */
    public int flowCapacity() {
        return flows.capacity();
    }

    /** Forgets the flows of addresses that no container of this host has at the moment. Returns when it is done. */
    public void forget(Collection<IpAddress> addresses) {
        forgetFlows(addresses.stream()
                .map(address -> new IpPrefix(address, address.bits()))
                .filter(flows::mayHold)
                .toList());
    }

    /** Whose packets carry this tag. */
    public Workload workload(int tag) {
        return inForce.workload(tag);
    }

    /** Whose address it is. */
    public Workload workload(IpAddress address) {
        return inForce.set().workloads().getOrDefault(address, Workload.UNKNOWN);
    }

    /** Lets more in until the daemon ends, also what was denied before. Returns when it is in force. */
    public CompletableFuture<Void> allow(Collection<Policy> policies) {
        return change(() -> policies.forEach(live::allow));
    }

    /** Keeps out until the daemon ends what these would let in, also what was allowed before, or by the source. */
    public CompletableFuture<Void> deny(Collection<Policy> policies) {
        return change(() -> policies.forEach(live::deny));
    }

    /** Judges otherwise until the daemon ends. */
    public CompletableFuture<Void> mode(Mode changed) {
        return change(() -> mode = changed);
    }

    /** Asks the source now. */
    public void refresh() {
        if (source != null) {
            source.refresh();
        }
    }

    /** What becomes of packets from an address that open a flow. */
    public Explanation explain(IpAddress from, IpAddress to, Protocol protocol, int port) {
        return explainer().explain(from, to, protocol, port);
    }

    /** What becomes of packets with a tag that open a flow. */
    public Explanation explain(int tag, IpAddress to, Protocol protocol, int port) {
        return explainer().explain(tag, to, protocol, port);
    }

    private Explainer explainer() {
        return new Explainer(inForce, registry.vtep(config.vtep()), config);
    }

    /** Changes that come together come into force together, since each of them needs a new table. */
    private CompletableFuture<Void> change(Runnable change) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        boolean taken = run(() -> {
            change.run();
            waiting.add(done);
            rebuildSoon();
        });
        return taken ? done : CompletableFuture.failedFuture(stopping());
    }

    /** At once, unless it was done a moment ago: of a stream of changes most of the time is not to go into tables. */
    private void rebuildSoon() {
        if (due) {
            return;
        }
        due = true;
        long rest = Math.min(MOST_REST_NANOS, REST_FACTOR * rebuildNanos) - (System.nanoTime() - rebuiltNanos);
        try {
            thread.schedule(guarded(this::rebuild), rest, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            rebuild(); // this is being closed, and somebody waits
        }
    }

    private void rebuild() {
        long start = System.nanoTime();
        rebuildNow();
        rebuiltNanos = System.nanoTime();
        rebuildNanos = rebuiltNanos - start;
    }

    private void rebuildNow() {
        due = false;
        List<CompletableFuture<Void>> done = List.copyOf(waiting);
        waiting.clear();
        try {
            enforce();
            publish(); // who waits may look at the status next
            done.forEach(each -> each.complete(null));
        } catch (RuntimeException | Error e) {
            mode = inForce.mode(); // so that not each change tries the impossible mode again
            say(e.getMessage() == null ? e.toString() : e.getMessage());
            done.forEach(each -> each.completeExceptionally(e));
            if (e instanceof Error) {
                throw e;
            }
        }
    }

    private void enforce() {
        List<PolicyRule> rules = live.over(set.rules());
        boolean same = rules.equals(inForce.rules());
        PolicyTable table = same ? inForce.table() : table(rules);
        Enforcement enforcement = new Enforcement(
                mode, config.refusal(), config.spoofing(), config.subnetLength(), table, flows, verdicts);
        registry.guard(config.vtep(), enforcement, set.tags());
        Vtep vtep = registry.vtep(config.vtep());
        say(tags.keep(vtep == null ? null : vtep.tags(), set.tags()));
        if (mode != inForce.mode()) {
            LOG.info("policy of {}: mode {}", config.vtep(), mode.name().toLowerCase(Locale.ROOT));
        }
        inForce = new InForce(set, rules, live.allowed(), live.denied(), table, mode);
        changes += same ? 0 : 1;
    }

    private static PolicyTable table(List<PolicyRule> rules) {
        try {
            return new PolicyTable(rules.stream().map(PolicyRule::policy).toList());
        } catch (OutOfMemoryError e) {
            throw new OperatorException(
                    Kind.OS_ERROR,
                    "there is no room off the heap for " + rules.size()
                            + " policies, and those before stay in force: give Java more (-XX:MaxDirectMemorySize)",
                    e);
        }
    }

    private void say(String sentence) {
        if (sentence != null && !sentence.equals(trouble)) {
            LOG.warn("policy of {}: {}", config.vtep(), sentence);
        }
        trouble = sentence;
    }

    /** Hears the source on its thread, and acts on this one's. */
    private final class Listener implements PolicySource.Listener {
        /** Of several pictures that wait, only the last counts. */
        @Override
        public void policies(PolicySet news) {
            if (heard.getAndSet(news) == null) {
                run(Policies.this::listen);
            }
        }

        @Override
        public void confirmed() {
            run(contact::confirm);
        }

        @Override
        public void failed(String sentence) {
            run(() -> contact.fail(sentence));
        }
    }

    private void listen() {
        PolicySet news = heard.getAndSet(null);
        contact.confirm();
        logSkipped(news.skipped());
        List<IpPrefix> reassigned = Reassigned.between(set, news);
        set = news;
        unsaved = true;
        rebuild();
        forgetFlows(reassigned);
        LOG.info(
                "{}: {} policies, {} tags",
                source.name(),
                news.rules().size(),
                news.tags().size());
        save();
    }

    private void forgetFlows(Collection<IpPrefix> ends) {
        int forgotten = ends.isEmpty() ? 0 : flows.forget(ends);
        if (forgotten > 0) {
            LOG.info(
                    "policy of {}: forgot {} flows of {}, which belong to other containers or apps now or to none",
                    config.vtep(),
                    forgotten,
                    ends.size() == 1 ? ends.iterator().next() : ends.size() + " addresses");
        }
    }

    private void logSkipped(List<String> skipped) {
        Set<String> known = Set.copyOf(set.skipped());
        List<String> fresh = skipped.stream()
                .filter(sentence -> !known.contains(sentence))
                .limit(MOST_LOGGED + 1)
                .toList();
        fresh.stream().limit(MOST_LOGGED).forEach(sentence -> LOG.warn("skipped: {}", sentence));
        if (fresh.size() > MOST_LOGGED) {
            LOG.warn("{}: {} entries are skipped in all", source.name(), skipped.size());
        }
    }

    private void tick() {
        if (mode.judges() && ++ticks % SWEEP_TICKS == 0) {
            flows.sweep((int) registry.nowSeconds());
        }
        if (source != null && (unsaved || state.isOld(contact.confirmed()))) {
            save();
        }
    }

    /** Policies that Weft cannot save are still in force. A later tick saves them. */
    private void save() {
        if (saving) {
            unsaved = true;
            return;
        }
        saving = true;
        unsaved = false;
        Instant confirmed = contact.confirmed();
        PolicySet saved = set;
        saver.execute(() -> {
            boolean done = saves(confirmed, saved);
            run(() -> {
                saving = false;
                unsaved |= !done;
            });
        });
    }

    private boolean saves(Instant confirmed, PolicySet saved) {
        try {
            return state.save(source.name(), config.vtep(), confirmed, saved);
        } catch (RuntimeException | Error e) {
            LOG.error(
                    "policy of {}: Weft cannot save the policies, so a restart would begin with older ones",
                    config.vtep(),
                    e);
            return false;
        }
    }

    private void publish() {
        String wrong = contact.trouble() != null ? contact.trouble() : trouble != null ? trouble : state.trouble();
        status = new PolicyStatus(
                config.vtep(),
                mode,
                config.refusal(),
                config.spoofing(),
                source == null ? null : source.name(),
                source == null || contact.isCurrent(),
                contact.ageMillis(),
                contact.failures(),
                wrong,
                inForce.set().tags().size(),
                inForce.rules().size(),
                inForce.allowed().size(),
                inForce.denied().size(),
                inForce.set().skipped(),
                changes);
    }

    /** @return false if this is closed, and the task will not run */
    private boolean run(Runnable task) {
        try {
            thread.execute(guarded(task));
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private Runnable guarded(Runnable task) {
        return heartbeat.guard(() -> {
            try {
                task.run();
            } finally {
                publish();
            }
        });
    }

    private CompletableFuture<Void> ask(Runnable task) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        boolean taken = run(() -> {
            try {
                task.run();
                publish(); // who asked may look at the status next
                done.complete(null);
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            } catch (Error e) {
                done.completeExceptionally(e);
                throw e;
            }
        });
        return taken ? done : CompletableFuture.failedFuture(stopping());
    }

    private static OperatorException stopping() {
        return new OperatorException(Kind.UNAVAILABLE, "the daemon is stopping");
    }

    /** Ends the following of the source. VTEPs go on judging by what is in force. */
    @Override
    public void close() {
        heartbeat.close();
        if (source != null) {
            source.close();
        }
        try {
            thread.shutdown();
            boolean ended = thread.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
            saver.shutdown();
            ended &= saver.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
            if (ended && source != null && (unsaved || contact.isCurrent())) {
                state.save(source.name(), config.vtep(), contact.confirmed(), set);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
