package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresEtcd;
import org.weft.testing.RequiresRoot;

/** A cell that is drained: what it waits for, and what is left. */
@RequiresRoot
@RequiresEtcd
class DrainIT {
    private CellLab lab;
    private CellHost host;

    @BeforeEach
    void open() {
        lab = CellLab.open(Subject.WEFT);
        host = lab.hosts.get(0);
    }

    @AfterEach
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void waitsForContainersAndThenGivesTheLeaseBack() throws InterruptedException {
        startEtcd();
        host.daemon().terminate();
        host.startWeft("{etcd: {endpoints: http://127.0.0.1:2379}}");
        String key = "/weft/leases/" + host.lease().base() + "-24";
        Await.until("it claims what it held before", this::etcdKeys, keys -> keys.contains(key));

        Command early = host.daemon().client("drain", "--timeout", "1");
        assertEquals(75, early.exitCode(), early::toString);
        assertEquals("current", host.state(), "it goes on");
        host.detach(host.container(1));
        Process drain = host.daemon().startClient("drain", "--timeout", "60");
        Await.until("draining", () -> host.state().equals("draining"));
        assertTrue(etcdKeys().contains(key), "as long as there is a container");

        host.detach(host.container(0));
        assertTrue(drain.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, drain.exitValue());
        assertEquals(0, host.daemon().exitCode());
        assertEquals("", etcdKeys(), "the lease is given back");
        assertFalse(host.netns.hasDevice(CellHost.DEVICE));
        assertFalse(host.netns.exec("ip", "route").contains("10.255."));
        assertFalse(host.netns.exec("ip", "link").contains("s-010255"));
    }

    /** In the host's namespace. */
    private void startEtcd() {
        host.netns.start(
                lab.directory().resolve("etcd.log"),
                "etcd",
                "--data-dir",
                lab.directory().resolve("etcd").toString());
        Await.until(
                "etcd answers",
                Duration.ofSeconds(20),
                () -> etcdctl("endpoint", "health").exitCode() == 0);
    }

    private String etcdKeys() {
        return etcdctl("get", "--prefix", "--keys-only", "/weft/").output().strip();
    }

    private Command etcdctl(String... words) {
        List<String> command = new ArrayList<>(List.of("env", "ETCDCTL_API=3", "etcdctl"));
        command.addAll(List.of(words));
        return host.netns.attempt(command.toArray(String[]::new));
    }
}
