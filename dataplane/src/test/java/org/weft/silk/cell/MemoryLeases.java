package org.weft.silk.cell;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.SilkNames;
import org.weft.testing.Await;

/** A source that says what the test has it say. */
public final class MemoryLeases implements LeaseSource {
    public final AtomicInteger refreshes = new AtomicInteger();
    public final AtomicInteger acquisitions = new AtomicInteger();
    public volatile boolean released;
    public volatile RuntimeException releaseFailure;
    volatile Lease held;
    private volatile Listener listener;

    /** {@code 10.0.16.14 10.255.43.0/24}, with the MAC address that silk derives. */
    public static Lease lease(String text) {
        String[] words = text.split(" ");
        int slash = words[1].indexOf('/');
        IpPrefix subnet = new IpPrefix(
                IpAddress.parse(words[1].substring(0, slash)), Integer.parseInt(words[1].substring(slash + 1)));
        return new Lease(IpAddress.parse(words[0]), subnet, SilkNames.vtepMac(subnet));
    }

    private static LeaseRecord record(String text) {
        String[] words = text.split(" ");
        return new LeaseRecord(words[0], words[1], null, "memory");
    }

    /** Says all leases, as underlay address and subnet. */
    public void say(String own, String... others) {
        say(
                own == null ? null : lease(own),
                Arrays.stream(others).map(MemoryLeases::record).toList());
    }

    /** Says all leases. */
    public void say(Lease own, List<LeaseRecord> all) {
        listener().leases(own, all);
    }

    private Listener listener() {
        Await.until("a listener", () -> listener != null);
        return listener;
    }

    public void confirm() {
        listener().confirmed();
    }

    public void fail(String sentence) {
        listener().failed(sentence);
    }

    public void lose(String sentence) {
        listener().lost(sentence);
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public void start(Lease last, Instant confirmed, Listener told) {
        held = last;
        listener = told;
    }

    @Override
    public void refresh() {
        refreshes.incrementAndGet();
    }

    @Override
    public void acquireAnother() {
        acquisitions.incrementAndGet();
    }

    @Override
    public void release() {
        if (releaseFailure != null) {
            throw releaseFailure;
        }
        released = true;
    }

    @Override
    public void close() {
        // It has no thread.
    }
}
