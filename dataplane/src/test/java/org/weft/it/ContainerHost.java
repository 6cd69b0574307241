package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.silk.container.AttachRequest;
import org.weft.silk.container.Attachment;
import org.weft.silk.container.Containers;
import org.weft.silk.container.MemoryCellTable;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.SilkNames;

/** A host's namespace in which {@link Containers} attaches namespaces, with the seed's subnet and MTU. */
final class ContainerHost implements AutoCloseable {
    static final int MTU = 1410;

    final Netns netns = Netns.create("host");
    final Path state;
    Containers containers;

    private final List<Netns> apps = new ArrayList<>();

    ContainerHost() {
        try {
            state = Files.createTempDirectory("weft-it-state");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        restart();
    }

    /** Does what a daemon does when it starts, with what the one before left on disk. */
    void restart() {
        containers = netns.call(() -> Containers.open(state, MemoryCellTable.guard()));
        containers.lease(lease("10.255.108.0/24"), MTU);
    }

    static Lease lease(String subnet) {
        IpPrefix prefix = IpPrefix.parse(subnet);
        return new Lease(IpAddress.parse("10.0.16.14"), prefix, SilkNames.vtepMac(prefix));
    }

    Netns app() {
        Netns app = Netns.create("app");
        apps.add(app);
        return app;
    }

    /** Any address if it is null. */
    Attachment attach(Netns app, String address) {
        return attach(AttachRequest.byHand(app.name(), "eth0", address == null ? null : IpAddress.parse(address)));
    }

    Attachment attach(AttachRequest request) {
        return netns.call(() -> containers.attach(request));
    }

    /** What an attachment that must be refused is refused with. */
    String refusal(AttachRequest request) {
        return netns.call(() -> {
            try {
                throw new AssertionError(containers.attach(request) + " was attached");
            } catch (OperatorException e) {
                return e.getMessage();
            }
        });
    }

    boolean detach(Netns app) {
        return netns.call(() -> containers.detach(AttachRequest.netns(app.name()), "eth0"));
    }

    /** Names of all veth devices, in order. */
    List<String> veths() {
        return netns.exec("ip", "-o", "link", "show", "type", "veth")
                .lines()
                // ip says "Error: Peer netns reference is invalid." while other namespaces go.
                .filter(line -> line.matches("\\d+: .*"))
                .map(line -> line.split("[ @:]+")[1])
                .sorted()
                .toList();
    }

    @Override
    public void close() {
        apps.forEach(Netns::close);
        netns.close();
        try (var files = Files.walk(state)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
