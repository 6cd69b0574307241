package org.weft.testing;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** VTEPs with tables but no devices, for any thread. */
public final class MemoryRegistry implements VtepRegistry {
    public final Map<String, Vtep> vteps = Collections.synchronizedMap(new LinkedHashMap<>());
    public final Map<String, Counters> underlays = new LinkedHashMap<>();
    public final Map<String, Long> overflows = new LinkedHashMap<>();
    public final Capture capture = new Capture();

    /** What was asked of the host, in order. */
    public final List<String> host = new CopyOnWriteArrayList<>();

    /**
     * The exception that {@link #add}, {@link #guard}, {@link #up} and {@link #neighbourChanged}
     * throw; null for none.
     */
    public volatile RuntimeException failure;

    /** The address of a neighbour that cannot be removed; null if all can. */
    public volatile String kept;

    /** The error that {@link #guard} throws instead; null for none. */
    public volatile Error error;

    private final Map<String, Guard> guards = new ConcurrentHashMap<>();

    private record Guard(Enforcement enforcement, List<Tag> tags) {}

    private final AtomicInteger attempts = new AtomicInteger();

    public volatile String trouble;
    public volatile String obstacle;

    /** The MAC address of each device; null for that of its configuration. */
    public volatile Long mac;

    public volatile boolean up = true;

    /** The changes of others to the devices. */
    public volatile List<String> deviations = List.of();

    public volatile long seconds = 1000;
    public volatile int ifindex = 5;

    /** Adds a VTEP by attributes. */
    public Vtep add(String name, Map<String, String> attributes) {
        VtepConfig config = VtepAttributes.create(name, attributes, (local, dev) -> 1500, warning -> {});
        return add(new VtepEntries(config, List.of(), List.of(), List.of(), false));
    }

    /** The VTEP most tests need: VNI 1, group policy, at most 100,000 entries. */
    public Vtep addSilk() {
        return add(
                "silk-vtep",
                Map.of(
                        "id",
                        "1",
                        "local",
                        "10.0.32.12",
                        "address",
                        "10.255.126.0/16",
                        "gbp",
                        "true",
                        "maxaddress",
                        "100000"));
    }

    @Override
    public List<Vtep> vteps() {
        synchronized (vteps) {
            return List.copyOf(vteps.values());
        }
    }

    @Override
    public Vtep vtep(String name) {
        return vteps.get(name);
    }

    @Override
    public LinkState state(Vtep vtep) {
        VtepConfig config = vtep.config();
        Map<String, String> offloads = new LinkedHashMap<>();
        offloads.put("checksum", null);
        offloads.put("gso", "udpcsum is off");
        return new LinkState(
                up,
                up,
                ifindex,
                mac == null ? config.device().mac() : mac,
                config.device().mtu(),
                offloads,
                3,
                trouble,
                null);
    }

    @Override
    public String obstacle(Vtep vtep) {
        return obstacle;
    }

    @Override
    public List<IpPrefix> addresses(Vtep vtep) {
        return vtep.config().device().addresses();
    }

    @Override
    public List<String> deviations(Vtep vtep) {
        return deviations;
    }

    @Override
    public void restore(Vtep vtep) {
        if (failure != null) {
            throw failure;
        }
        host.add("restore " + vtep.name());
        deviations = List.of();
    }

    @Override
    public Map<String, Counters> underlays() {
        return underlays;
    }

    @Override
    public Map<String, Long> overflows() {
        return overflows;
    }

    @Override
    public Capture capture() {
        return capture;
    }

    /** How often {@link #add} was asked for. */
    public int attempts() {
        return attempts.get();
    }

    @Override
    public Vtep add(VtepEntries entries) {
        attempts.incrementAndGet();
        if (failure != null) {
            throw failure;
        }
        Vtep vtep = new Vtep(entries.vtep());
        entries.fdb().forEach(entry -> vtep.fdb().replace(entry.mac(), entry.remote(), true, seconds));
        entries.neighbours().forEach(entry -> vtep.neighbours().replace(entry.address(), entry.mac()));
        Guard guard = guards.get(vtep.name());
        if (guard != null) {
            guard.tags().forEach(tag -> vtep.tags().replace(tag.source(), tag.tag()));
            vtep.enforcement(guard.enforcement());
        }
        vteps.put(vtep.name(), vtep);
        return vtep;
    }

    @Override
    public void change(Vtep vtep, VtepConfig changed) {
        host.add("change " + vtep.name());
        vtep.config(changed);
    }

    @Override
    public void remove(Vtep vtep) {
        vteps.remove(vtep.name());
    }

    @Override
    public void guard(String name, Enforcement enforcement, List<Tag> tags) {
        if (failure != null) {
            throw failure;
        }
        if (error != null) {
            throw error;
        }
        guards.put(name, new Guard(enforcement, tags));
        Vtep guarded = vteps.get(name);
        if (guarded != null) {
            guarded.enforcement(enforcement);
        }
    }

    @Override
    public Enforcement enforcement(String name) {
        Guard guard = guards.get(name);
        return guard == null ? Enforcement.NONE : guard.enforcement();
    }

    @Override
    public void up(Vtep vtep, boolean wanted) {
        if (failure != null) {
            throw failure;
        }
        up = wanted;
        host.add(vtep.name() + (wanted ? " up" : " down"));
    }

    @Override
    public void neighbourChanged(Vtep vtep, IpAddress address, long mac) {
        if (failure != null) {
            throw failure;
        }
        if (address.toString().equals(kept) && mac < 0) {
            throw new IllegalStateException(kept + " stays");
        }
        host.add("neighbour " + address + " " + (mac < 0 ? "gone" : MacAddress.toString(mac)));
    }

    @Override
    public long nowSeconds() {
        return seconds;
    }
}
