package org.weft.silk.policy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicyConfig.PolicyServer;
import org.weft.silk.policy.ContainerStore.Contents;
import org.weft.silk.source.PollLoop;
import org.weft.silk.source.PollSchedule;
import org.weft.silk.tls.TlsContext;

/**
 * Policies from Cloud Foundry's policy server for the containers of this host, as vxlan-policy-agent polls them: whether they
 * have changed at every interval, and only if so, or if containers have come or gone, what they are.
 */
public final class ServerPolicies implements PolicySource {
    private static final Logger LOG = LoggerFactory.getLogger(ServerPolicies.class);

    /** So that the address of a request stays shorter than what servers and proxies take: an app's GUID has 36 characters. */
    private static final int APPS_PER_REQUEST = 100;

    /** So many take about 40 MB of a heap of 256. */
    private static final int MAX_POLICIES = 100_000;

    private final PolicyServer server;
    private final int ingressRouterTag;
    private final PolicyServerClient client;
    private final PollSchedule schedule;
    private final PollLoop loop = new PollLoop("weft-pol-server", this::cycle);
    private final ContainerStore store;
    private Listener listener;

    // Of the source's thread.
    private String updated;
    private SortedSet<String> asked;
    private List<AppPolicy> policies;
    private String routerTag;
    private PolicySet reported;
    private int successes;
    private int failures;

    /**
     * Reads the TLS files; nothing is asked yet.
     *
     * @param ingressRouterTag as in {@link PolicyConfig}
     * @throws org.weft.operator.OperatorException if a TLS file cannot be used
     */
    public ServerPolicies(PolicyServer server, int ingressRouterTag) {
        this.server = server;
        this.ingressRouterTag = ingressRouterTag;
        this.routerTag = ingressRouterTag > 0 ? Integer.toHexString(ingressRouterTag) : null;
        this.client = new PolicyServerClient(server, new TlsContext(server.tls(), LOG::warn));
        this.schedule = new PollSchedule(server.poll());
        this.store = new ContainerStore(server.containers(), loop::wake);
    }

    @Override
    public String name() {
        return "policy-server " + server.urls().get(0);
    }

    @Override
    public void start(Listener listener) {
        this.listener = listener;
        store.start();
        loop.start();
    }

    @Override
    public void refresh() {
        store.refresh(); // which wakes the loop
    }

    @Override
    public void close() {
        loop.stop();
        client.close();
        store.close();
        loop.join(server.timeout());
    }

    /** One poll; returns how long to wait for the next, null if only for the containers to be known. */
    private Duration cycle() {
        Contents contents = store.contents();
        String trouble = store.trouble();
        if (contents == null && trouble == null) {
            return null;
        }
        double random = ThreadLocalRandom.current().nextDouble();
        try {
            poll(contents, trouble);
            failures = 0;
            return successes++ == 0 ? schedule.second(random) : schedule.next(random);
        } catch (IOException e) {
            if (!loop.isStopped()) {
                listener.failed(e.getMessage());
            }
        } catch (RuntimeException e) {
            LOG.error("policies of {} could not be put to use", name(), e);
        }
        return schedule.retry(++failures, random);
    }

    private void poll(Contents contents, String trouble) throws IOException {
        boolean told = false;
        if (contents != null) {
            ask(contents);
            PolicySet set = PolicyPlan.of(name(), policies, contents, routerTag);
            told = !set.equals(reported) && !loop.isStopped();
            if (told) {
                reported = set;
                listener.policies(set);
            }
        }
        if (trouble != null) {
            listener.failed(trouble + (contents == null ? "" : "; the containers known last stay"));
        } else if (!told) {
            listener.confirmed();
        }
    }

    /** Finds out what policies these containers have, unless that is known. */
    private void ask(Contents contents) throws IOException {
        SortedSet<String> apps = new TreeSet<>();
        contents.containers().stream()
                .map(ContainerStore.Container::group)
                .filter(Objects::nonNull)
                .forEach(apps::add);
        String now = client.lastUpdated();
        if (now.equals(updated) && !now.equals(PolicyServerClient.UNTOLD) && apps.equals(asked)) {
            return;
        }
        List<AppPolicy> found = new ArrayList<>();
        List<String> list = List.copyOf(apps);
        for (int from = 0; from < list.size(); from += APPS_PER_REQUEST) {
            found.addAll(client.policies(list.subList(from, Math.min(list.size(), from + APPS_PER_REQUEST))));
            if (found.size() > MAX_POLICIES) {
                throw new IOException(
                        "the policy server has more than " + MAX_POLICIES
                                + " policies for the apps on this host, the most that Weft takes: move containers to other hosts");
            }
        }
        if (ingressRouterTag == PolicyConfig.ASK) {
            routerTag = client.tag("INGRESS_ROUTER", "router");
        }
        policies = found;
        asked = apps;
        updated = now;
    }
}
