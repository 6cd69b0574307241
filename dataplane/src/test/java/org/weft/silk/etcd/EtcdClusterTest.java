package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.EtcdServer;
import org.weft.testing.RequiresEtcd;

/** Three members, of which some die or stand still. */
@RequiresEtcd
class EtcdClusterTest {
    @TempDir
    private Path directory;

    private final List<Host> hosts = new ArrayList<>();
    private List<EtcdServer> members;

    @BeforeEach
    void startMembers() {
        members = EtcdServer.startCluster(directory, 3);
        for (int number = 0; number < 3; number++) {
            start();
        }
        awaitEachOther();
    }

    @AfterEach
    void endMembers() {
        hosts.forEach(Host::close);
        members.forEach(EtcdServer::close);
    }

    /** Each host prefers another member. */
    private Host start() {
        List<URI> endpoints =
                new ArrayList<>(members.stream().map(EtcdServer::url).toList());
        Collections.rotate(endpoints, hosts.size());
        Host host = Host.Setup.of("/weft", endpoints.toArray(URI[]::new)).start(hosts.size());
        hosts.add(host);
        return host;
    }

    private void awaitEachOther() {
        for (Host host : hosts) {
            for (Host other : hosts) {
                host.heard().await("the others", heard -> heard.subnets().contains(other.subnet()));
            }
        }
    }

    private void assertUndisturbed() {
        for (Host host : hosts) {
            assertEquals(Set.of(), host.heard().gone());
            assertEquals(Set.of(host.own()), host.heard().everOwn());
            assertEquals(List.of(), host.heard().losses());
        }
    }

    private EtcdServer leader() {
        for (EtcdServer member : members) {
            String status = member.control("endpoint status --write-out=fields");
            if (field(status, "MemberID").equals(field(status, "Leader"))) {
                return member;
            }
        }
        throw new AssertionError("no leader");
    }

    private static String field(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith("\"" + name + "\" :"))
                .findFirst()
                .map(line -> line.replaceAll(".*: ", ""))
                .orElse(name);
    }

    @Test
    void oneMemberLessIsNoMatterAndWithoutMajorityEverythingStays() {
        members.get(0).kill();
        start();
        awaitEachOther();
        assertUndisturbed();
        hosts.forEach(host -> host.heard().awaitConfirmed());
        Map<Host, Integer> failures = new HashMap<>();
        hosts.forEach(host -> failures.put(host, host.heard().failures().size()));
        members.get(1).kill();
        failures.forEach((host, before) ->
                host.heard().await("the failure", heard -> heard.failures().size() > before));
        assertUndisturbed();
        members.get(0).start();
        hosts.forEach(host -> host.heard().awaitConfirmed());
        start();
        awaitEachOther();
        assertUndisturbed();
    }

    @Test
    void leaderThatStandsStillIsReplaced() throws InterruptedException {
        EtcdServer leader = leader();
        leader.pause();
        Thread.sleep(Host.TTL.toMillis() + 500); // so that hosts would count as dead that did not find another
        start();
        awaitEachOther();
        leader.resume();
        start();
        awaitEachOther();
        hosts.forEach(host -> host.heard().awaitConfirmed());
        assertUndisturbed();
    }
}
