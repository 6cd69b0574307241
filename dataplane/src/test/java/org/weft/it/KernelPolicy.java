package org.weft.it;

import java.util.List;
import java.util.Locale;
import org.weft.dataplane.policy.Policy;
import org.weft.it.CellHost.Container;

/** What vxlan-policy-agent and the CNI wrapper write into a host's iptables, for policies as Weft has them. */
final class KernelPolicy {
    private KernelPolicy() {}

    /**
     * Puts all of it in force.
     *
     * @param tags of the containers, in their order
     */
    static void apply(Netns host, List<Container> containers, List<Integer> tags, List<Policy> policies) {
        StringBuilder rules = new StringBuilder("*filter\n:vpa--1 - [0:0]\n-A FORWARD -j vpa--1\n");
        // First who packets are from, for all containers, then who lets them in.
        for (int i = 0; i < containers.size(); i++) {
            String ip = containers.get(i).ip();
            rules.append("-A vpa--1 -s %s/32 -j MARK --set-xmark 0x%x/0xffffffff\n".formatted(ip, tags.get(i)));
        }
        for (Container container : containers) {
            String ip = container.ip();
            policies.stream()
                    .filter(policy -> policy.destination().toString().equals(ip))
                    .forEach(policy -> rules.append("-A vpa--1 ").append(allow(policy)));
            rules.append(overlayChain(ip));
        }
        // Every refusal is to be told, not one a second.
        host.sysctl("net.ipv4.icmp_ratemask", "0");
        Command.run(
                rules.append("COMMIT\n").toString(), List.of("ip", "netns", "exec", host.name(), "iptables-restore"));
    }

    private static String allow(Policy policy) {
        String protocol = policy.protocol().name().toLowerCase(Locale.ROOT);
        String ports = policy.protocol().hasPorts() ? " --dport " + policy.firstPort() + ":" + policy.lastPort() : "";
        return "-d %s/32 -p %s%s -m mark --mark 0x%x -j ACCEPT\n"
                .formatted(policy.destination(), protocol, ports, policy.tag());
    }

    private static String overlayChain(String ip) {
        return """
                :overlay--%1$s - [0:0]
                -A FORWARD -j overlay--%1$s
                -A overlay--%1$s -s %1$s/32 -o silk-vtep -m mark ! --mark 0x0 -j ACCEPT
                -A overlay--%1$s -d %1$s/32 -m state --state RELATED,ESTABLISHED -j ACCEPT
                -A overlay--%1$s -d %1$s/32 -m mark --mark 0xffff0000 -j ACCEPT
                -A overlay--%1$s -d %1$s/32 -j REJECT --reject-with icmp-port-unreachable
                """
                .formatted(ip);
    }
}
