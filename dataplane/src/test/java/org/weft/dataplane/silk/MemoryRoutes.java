package org.weft.dataplane.silk;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** A kernel that has routes and neighbours and nothing else; it refuses what a kernel refuses. */
final class MemoryRoutes implements HostRoutes {
    private Map<IpPrefix, Route> routes = new HashMap<>();
    private Map<IpAddress, Long> neighbours = new HashMap<>();
    private long nanos;

    @Override
    public Installed read() {
        long start = System.nanoTime();
        Installed all = new Installed(new LinkedHashMap<>(routes), new LinkedHashMap<>(neighbours));
        nanos += System.nanoTime() - start;
        return all;
    }

    @Override
    public Map<IpPrefix, String> write(List<Line> lines) {
        long start = System.nanoTime();
        Map<IpPrefix, String> refused = new LinkedHashMap<>();
        for (Line line : lines) {
            if (!execute(line.text().split(" ")) && !line.removal()) {
                refused.put(line.about(), line.text());
            }
        }
        nanos += System.nanoTime() - start;
        return refused;
    }

    private boolean execute(String... words) {
        return switch (words[0] + " " + words[1]) {
            case "route add" ->
                routes.putIfAbsent(
                                IpPrefix.parse(words[2]),
                                new Route(
                                        IpAddress.parse(words[4]),
                                        IpAddress.parse(words[8]),
                                        words[words.length - 1].equals("onlink")))
                        == null;
            case "route del" -> routes.remove(IpPrefix.parse(words[2])) != null;
            case "neighbour replace" -> {
                neighbours.put(IpAddress.parse(words[2]), MacAddress.parse(words[4]));
                yield true;
            }
            case "neighbour del" -> neighbours.remove(IpAddress.parse(words[2])) != null;
            default -> throw new AssertionError("no ip " + String.join(" ", words));
        };
    }

    void forget() {
        routes = new HashMap<>();
        neighbours = new HashMap<>();
    }

    int size() {
        return routes.size();
    }

    /** Time spent in here, which is no cost of a host's. */
    long nanos() {
        return nanos;
    }
}
