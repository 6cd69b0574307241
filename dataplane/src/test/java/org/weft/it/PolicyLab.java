package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.it.CellHost.Container;

/** Hosts with two containers each, of which each has a tag, and a file of policies that all hosts follow. */
final class PolicyLab implements AutoCloseable {
    /** Of the containers, in their order. */
    static final List<Integer> TAGS = List.of(1, 2, 0x00ff, 0x0100, 0x8000, 0xffff);

    private static final List<String> ADDRESSES = CellLab.containerAddresses(3);

    private final CellLab lab;
    private final List<String> settings = new ArrayList<>();

    private PolicyLab(CellLab lab) {
        this.lab = lab;
        lab.hosts.forEach(host -> settings.add(""));
    }

    /** Hosts that are connected; nothing runs on them yet. */
    static PolicyLab plumb(Subject... subjects) {
        return new PolicyLab(CellLab.plumb(subjects));
    }

    /** What a host's configuration is to say of policies besides their file: {@code flows: 1024}. */
    PolicyLab with(int host, String yaml) {
        settings.set(host, ", " + yaml);
        return this;
    }

    /** Starts the hosts with these policies; a host of the kernel's has them in its iptables. */
    PolicyLab start(List<Policy> policies) {
        try {
            lay(policies);
            return this;
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    private void lay(List<Policy> policies) {
        write(policies);
        for (int i = 0; i < settings.size(); i++) {
            Path state = lab.directory().resolve("p" + host(i).lease().base());
            host(i).sections("policy: {state: %s, source: {file: %s}%s}".formatted(state, file(), settings.get(i)));
        }
        lab.populate();
        for (int i = 0; i < settings.size(); i++) {
            if (host(i).subject == Subject.KERNEL) {
                KernelPolicy.apply(host(i).netns, host(i).containers(), TAGS.subList(2 * i, 2 * i + 2), policies);
            }
        }
    }

    /** Writes the file at one blow. */
    void write(List<Policy> policies) {
        StringBuilder yaml = new StringBuilder("tags:\n");
        for (int i = 0; i < ADDRESSES.size(); i++) {
            yaml.append("- {source: %s, tag: %d}\n".formatted(ADDRESSES.get(i), TAGS.get(i)));
        }
        yaml.append(policies.isEmpty() ? "allow: []\n" : "allow:\n");
        policies.forEach(policy -> yaml.append(line(policy)));
        try {
            Path fresh = Files.writeString(lab.directory().resolve("policies.new"), yaml);
            Files.move(fresh, file(), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(Policy policy) {
        String ports = policy.protocol().hasPorts() ? ", ports: " + policy.firstPort() + "-" + policy.lastPort() : "";
        return "- {tag: %d, destination: %s, protocol: %s%s}\n"
                .formatted(
                        policy.tag(),
                        policy.destination(),
                        policy.protocol().name().toLowerCase(Locale.ROOT),
                        ports);
    }

    private Path file() {
        return lab.directory().resolve("policies.yml");
    }

    /** Lets the container with one address open these ports of the one with the other. */
    static Policy allow(String from, String to, Protocol protocol, int first, int last) {
        return new Policy(TAGS.get(ADDRESSES.indexOf(from)), IpAddress.parse(to), protocol, first, last);
    }

    static int tag(Container container) {
        return TAGS.get(ADDRESSES.indexOf(container.ip()));
    }

    CellLab cells() {
        return lab;
    }

    List<CellHost> hosts() {
        return lab.hosts;
    }

    CellHost host(int index) {
        return lab.hosts.get(index);
    }

    /** The namespace between the hosts. */
    Netns router() {
        return lab.router();
    }

    List<Container> containers() {
        return lab.containers();
    }

    @Override
    public void close() {
        lab.close();
    }
}
