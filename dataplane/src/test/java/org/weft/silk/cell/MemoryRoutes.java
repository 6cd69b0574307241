package org.weft.silk.cell;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** A kernel that has routes and neighbours and nothing else; it refuses what a kernel refuses. */
final class MemoryRoutes implements HostRoutes {
    private final Map<IpPrefix, Route> routes = new HashMap<>();
    private final Map<IpAddress, Long> neighbours = new HashMap<>();
    /** Networks that somebody else has a route for; it is not shown, as {@link KernelRoutes} leaves it out. */
    private final Set<IpPrefix> foreign = new HashSet<>();

    private List<String> written;
    private long nanos;

    @Override
    public synchronized Installed read() {
        long start = System.nanoTime();
        Installed all = new Installed(new LinkedHashMap<>(routes), new LinkedHashMap<>(neighbours));
        nanos += System.nanoTime() - start;
        return all;
    }

    @Override
    public synchronized Map<IpPrefix, String> write(List<Line> lines) {
        long start = System.nanoTime();
        Map<IpPrefix, String> refused = new LinkedHashMap<>();
        for (Line line : lines) {
            if (written != null) {
                written.add(line.text());
            }
            if (!execute(line.text().split(" ")) && !line.removal()) {
                refused.put(line.about(), "ip " + line.text() + ": File exists");
            }
        }
        nanos += System.nanoTime() - start;
        return refused;
    }

    private boolean execute(String... words) {
        return switch (words[0] + " " + words[1]) {
            case "route add" -> add(IpPrefix.parse(words[2]), words);
            case "route del" -> routes.remove(IpPrefix.parse(words[2])) != null;
            case "neighbour replace" -> {
                neighbours.put(IpAddress.parse(words[2]), MacAddress.parse(words[4]));
                yield true;
            }
            case "neighbour del" -> neighbours.remove(IpAddress.parse(words[2])) != null;
            default -> throw new AssertionError("no ip " + String.join(" ", words));
        };
    }

    private boolean add(IpPrefix network, String... words) {
        Route route = new Route(
                IpAddress.parse(words[4]), IpAddress.parse(words[8]), words[words.length - 1].equals("onlink"));
        return !foreign.contains(network) && routes.putIfAbsent(network, route) == null;
    }

    /** Somebody else has a route for this network from now on, or no more. */
    synchronized void occupy(IpPrefix network, boolean occupied) {
        if (occupied) {
            foreign.add(network);
        } else {
            foreign.remove(network);
        }
    }

    synchronized void removeRoute(IpPrefix network) {
        routes.remove(network);
    }

    synchronized void removeNeighbour(IpAddress address) {
        neighbours.remove(address);
    }

    synchronized void forget() {
        routes.clear();
        neighbours.clear();
    }

    synchronized int size() {
        return routes.size();
    }

    /** Keeps all lines that are written from now on. */
    synchronized MemoryRoutes recording() {
        written = new ArrayList<>();
        return this;
    }

    /** What was written since this was asked last, taken or not. */
    synchronized List<String> takeWritten() {
        List<String> taken = List.copyOf(written);
        written.clear();
        return taken;
    }

    /** Time spent in here, which is no cost of a host's. */
    synchronized long nanos() {
        return nanos;
    }
}
