package org.weft.silk.policy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.policy.ContainerStore.Container;
import org.weft.silk.policy.ContainerStore.Contents;

/**
 * What policies from app to app mean on this host (silk: vxlan-policy-agent/planner): containers of a source are tagged, and
 * to those of a destination its sources' tags are let in.
 */
final class PolicyPlan {
    private static final int WIDEST = 0xffff;

    /** A policy that can be used. */
    private record Usable(AppPolicy policy, int tag, Protocol protocol) {}

    private final String origin;
    private final Map<String, Integer> tagOfApp = new HashMap<>();
    private final Map<Integer, String> apps = new LinkedHashMap<>();
    private final Map<String, List<Usable>> byDestination = new HashMap<>();
    private final List<Tag> tags = new ArrayList<>();
    private final Map<Policy, PolicyRule> rules = new LinkedHashMap<>();
    private final Map<IpAddress, Workload> workloads = new LinkedHashMap<>();
    private final LinkedHashSet<String> skipped = new LinkedHashSet<>();

    private PolicyPlan(String origin) {
        this.origin = origin;
    }

    /**
     * Plans.
     *
     * @param origin of the policies
     * @param router tag of the ingress router in hexadecimal; null without
     */
    static PolicySet of(String origin, Collection<AppPolicy> policies, Contents contents, String router) {
        PolicyPlan plan = new PolicyPlan(origin);
        plan.skipped.addAll(contents.skipped());
        policies.forEach(plan::read);
        Integer routerTag = router == null ? null : plan.routerTag(router);
        contents.containers().forEach(container -> plan.place(container, routerTag));
        return new PolicySet(
                plan.tags, List.copyOf(plan.rules.values()), plan.apps, plan.workloads, List.copyOf(plan.skipped));
    }

    private void read(AppPolicy policy) {
        try {
            int tag = tag(policy.sourceTag());
            Integer other = tagOfApp.putIfAbsent(policy.source(), tag);
            if (other != null && other != tag) {
                throw new IllegalArgumentException("its source cannot have tag " + tag + " too: it keeps tag " + other);
            }
            Protocol protocol = protocol(policy.protocol());
            // Its ports are checked with any address.
            policy(tag, IpAddress.ofIpv4(1), protocol, policy);
            apps.putIfAbsent(tag, policy.source());
            if (policy.destinationTag() != null) {
                apps.putIfAbsent(tag(policy.destinationTag()), policy.destination());
            }
            byDestination
                    .computeIfAbsent(policy.destination(), app -> new ArrayList<>())
                    .add(new Usable(policy, tag, protocol));
        } catch (IllegalArgumentException e) {
            skipped.add("policy from " + policy.source() + " to " + policy.destination() + ": " + e.getMessage());
        }
    }

    private static int tag(String text) {
        if (text == null || !text.matches("[0-9a-fA-F]{1,8}")) {
            throw new IllegalArgumentException("tag " + text + " is no hexadecimal number");
        }
        long tag = Long.parseLong(text, 16);
        if (tag > WIDEST) {
            throw new IllegalArgumentException("tag " + text
                    + " is wider than the 16 bits that VXLAN carries: let the policy server's tag_length be 2");
        }
        if (tag == 0) {
            throw new IllegalArgumentException("tag " + text + " is none");
        }
        return (int) tag;
    }

    private static Protocol protocol(String text) {
        return switch (String.valueOf(text).toLowerCase(Locale.ROOT)) {
            case "tcp" -> Protocol.TCP;
            case "udp" -> Protocol.UDP;
            case "icmp" -> Protocol.ICMP;
            default -> throw new IllegalArgumentException("protocol " + text + " is not tcp, udp or icmp");
        };
    }

    private static Policy policy(int tag, IpAddress destination, Protocol protocol, AppPolicy of) {
        return protocol.hasPorts()
                ? new Policy(tag, destination, protocol, of.firstPort(), of.lastPort())
                : new Policy(tag, destination, protocol, 0, 0);
    }

    private Integer routerTag(String router) {
        try {
            int tag = tag(router);
            apps.putIfAbsent(tag, "INGRESS_ROUTER");
            return tag;
        } catch (IllegalArgumentException e) {
            skipped.add("ingress router: " + e.getMessage());
            return null;
        }
    }

    private void place(Container container, Integer routerTag) {
        workloads.put(container.address(), container.workload());
        Integer tag = tagOfApp.get(container.group());
        if (tag != null) {
            tags.add(new Tag(
                    new IpPrefix(container.address(), container.address().bits()), tag));
        }
        for (Usable usable : byDestination.getOrDefault(container.group(), List.of())) {
            AppPolicy of = usable.policy();
            add(
                    policy(usable.tag(), container.address(), usable.protocol(), of),
                    of.source() + " to " + of.destination());
        }
        if (routerTag != null && container.ports() != null) {
            letRouterIn(container, routerTag);
        }
    }

    private void letRouterIn(Container container, int routerTag) {
        for (String word : container.ports().split(",")) {
            String port = word.strip();
            try {
                int number = port.matches("\\d{1,9}") ? Integer.parseInt(port) : 0;
                add(new Policy(routerTag, container.address(), Protocol.TCP, number, number), "ingress router");
            } catch (IllegalArgumentException e) {
                skipped.add("container " + container.handle() + ": \"" + port + "\" among its ports is no port");
            }
        }
    }

    private void add(Policy policy, String name) {
        rules.putIfAbsent(policy, new PolicyRule(policy, name, origin));
    }
}
