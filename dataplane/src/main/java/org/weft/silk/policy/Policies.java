package org.weft.silk.policy;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.source.Contact;
import org.weft.silk.source.StateThread;

/**
 * The role of vxlan-policy-agent on this host: what a source says, and what an operator changes meanwhile, is what a VTEP
 * tags and judges by. What the source cannot say stays as it was said last, also over a restart.
 *
 * <p>All of it happens on one thread, except for the writing to disk and for {@link #forget}. Thread-safe: any thread may
 * call the public methods.
 */
public final class Policies implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);
    private static final Duration TICK = Duration.ofSeconds(1);
    /** Between two looks at all flows for those that ended in silence. */
    private static final int SWEEP_TICKS = 60;

    private final PolicyConfig config;
    private final VtepRegistry registry;
    private final PolicySource source;
    private final Judgement judgement;
    private final Contact contact;
    private final StateThread thread = new StateThread("weft-policy", "the daemon", this::publish);
    private final Rebuilds rebuilds = new Rebuilds(thread, this::rebuild);
    private final PolicySaver saver;

    private final AtomicReference<PolicySet> heard = new AtomicReference<>();

    // The thread owns the rest.
    private final LiveChanges live = new LiveChanges();
    private PolicySet set = PolicySet.EMPTY;
    private Mode mode;
    private long ticks;
    private String trouble;

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
        this.mode = config.mode();
        this.judgement = new Judgement(config, registry, verdicts);
        this.contact = new Contact(source == null ? "operator" : source.name());
        this.saver = new PolicySaver(config, source == null ? null : source.name(), thread);
        publish();
    }

    /**
     * Judges by what was known last, or else by nothing, and asks the source. VTEPs that are opened after this are judged
     * from their first packet on.
     */
    public void start() {
        try {
            thread.ask(() -> {
                        begin();
                        return null;
                    })
                    .join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof OperatorException reason ? reason : e;
        }
        thread.every(TICK, this::tick);
    }

    private void begin() {
        PolicyState.Saved saved = saver.load();
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
        return judgement.inForce().rules();
    }

    /** What an operator keeps out, whatever the source says. */
    public List<Policy> denials() {
        return judgement.inForce().denied();
    }

    /** Tags that the source gives. */
    public List<Tag> tags() {
        return judgement.inForce().set().tags();
    }

    /** How many flows are known now; looks at each. */
    public int flows() {
        return judgement.flows();
    }

    /** How many flows there is room for. */
    public int flowCapacity() {
        return judgement.flowCapacity();
    }

    /** Forgets the flows of addresses that no container of this host has at the moment. Returns when it is done. */
    public void forget(Collection<IpAddress> addresses) {
        judgement.forget(addresses);
    }

    /** Whose packets carry this tag. */
    public Workload workload(int tag) {
        return judgement.inForce().workload(tag);
    }

    /** Whose address it is. */
    public Workload workload(IpAddress address) {
        return judgement.inForce().set().workloads().getOrDefault(address, Workload.UNKNOWN);
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
        return new Explainer(judgement.inForce(), registry.vtep(config.vtep()), config);
    }

    private CompletableFuture<Void> change(Runnable change) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        boolean taken = thread.run(() -> {
            change.run();
            rebuilds.soon(done);
        });
        return taken ? done : CompletableFuture.failedFuture(thread.stopping());
    }

    private void rebuild() {
        try {
            enforce();
            publish(); // operators who wait may look at the status next
        } catch (RuntimeException | Error e) {
            mode = judgement.inForce().mode(); // so that not each change tries the impossible mode again
            say(e.getMessage() == null ? e.toString() : e.getMessage());
            throw e;
        }
    }

    private void enforce() {
        say(judgement.enforce(set, live, mode));
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
                thread.run(Policies.this::listen);
            }
        }

        @Override
        public void confirmed() {
            thread.run(contact::confirm);
        }

        @Override
        public void failed(String sentence) {
            thread.run(() -> contact.fail(sentence));
        }
    }

    private void listen() {
        PolicySet news = heard.getAndSet(null);
        contact.confirm();
        SkippedLog.log(source.name(), set.skipped(), news.skipped());
        List<IpPrefix> reassigned = Reassigned.between(set, news);
        set = news;
        saver.changed();
        rebuilds.now();
        judgement.forgetFlows(reassigned);
        LOG.info(
                "{}: {} policies, {} tags",
                source.name(),
                news.rules().size(),
                news.tags().size());
        saver.save(contact.confirmed(), set);
    }

    private void tick() {
        if (mode.judges() && ++ticks % SWEEP_TICKS == 0) {
            judgement.sweep();
        }
        saver.tick(contact.confirmed(), set);
    }

    private void publish() {
        InForce inForce = judgement.inForce();
        String wrong = contact.trouble() != null ? contact.trouble() : trouble != null ? trouble : saver.trouble();
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
                judgement.changes());
    }

    /** Ends the following of the source. VTEPs go on judging by what is in force. */
    @Override
    public void close() {
        if (source != null) {
            source.close();
        }
        boolean ended = thread.end();
        if (saver.end() && ended) {
            saver.saveLast(contact.isCurrent(), contact.confirmed(), set);
        }
    }
}
