package org.weft.fuzz;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.fuzz.Parsed.Address;

/** What is in the tables of one VTEP, kept in maps beside them. */
final class Tables {
    /** What must come of a received frame's source. */
    enum Learned {
        KNOWN,
        LEARNED,
        FULL,
        STATIC_ELSEWHERE
    }

    private final Map<Long, List<Remote>> permanent = new HashMap<>();
    private final Map<Long, IpAddress> learned = new HashMap<>();
    private final Map<Address, Long> neighbours = new HashMap<>();
    private final Map<Address, Integer> tags = new HashMap<>();
    private final int limit;

    private Tables(int limit) {
        this.limit = limit;
    }

    /** Fills the tables of a VTEP at random, and notes what is in them. */
    static Tables fill(Vtep vtep, SplittableRandom random) {
        Tables tables = new Tables(vtep.config().forwarding().maxAddresses());
        for (int host = 0; host < Neighbourhood.THEIR_COUNT; host++) {
            if (random.nextInt(5) != 0) {
                tables.remote(vtep, Neighbourhood.THEIR_MAC + host, remote(random, host));
            }
            tables.neighbour(vtep, Address.v4(Neighbourhood.theirSubnet(host)), Neighbourhood.THEIR_MAC + host);
            if (random.nextBoolean()) {
                tables.neighbour(vtep, Address.v4(Neighbourhood.theirSubnet(host) + 1), Neighbourhood.THEIR_MAC + host);
                Address ipv6 = Address.v6(Neighbourhood.ipv6(Neighbourhood.theirSubnet(host) + 1), 0);
                tables.neighbour(vtep, ipv6, Neighbourhood.THEIR_MAC + host);
            }
        }
        for (long mac : new long[] {FdbTable.DEFAULT_MAC, Neighbourhood.GROUP_MAC}) {
            int remotes = random.nextInt(4);
            for (int i = 0; i < remotes; i++) {
                tables.remote(vtep, mac, remote(random, i));
            }
        }
        for (int container = 0; container < 3; container++) {
            int tag = random.nextInt(1, 0x10000);
            tables.tag(vtep, Address.v4(Neighbourhood.OWN_SUBNET + container), tag);
            tables.tag(vtep, Address.v6(Neighbourhood.ipv6(Neighbourhood.OWN_SUBNET + container), 0), tag);
        }
        return tables;
    }

    private static Remote remote(SplittableRandom random, int host) {
        return random.nextInt(6) == 0
                ? new Remote(Bursts.host(host), random.nextInt(2) * 8472, random.nextBoolean() ? 99 : Remote.SAME_VNI)
                : new Remote(Bursts.host(host));
    }

    private void remote(Vtep vtep, long mac, Remote remote) {
        if (permanent.containsKey(mac)) {
            vtep.fdb().append(mac, remote, true, 0);
        } else {
            vtep.fdb().add(mac, remote, true, 0);
        }
        permanent.computeIfAbsent(mac, none -> new ArrayList<>()).add(remote);
    }

    private void neighbour(Vtep vtep, Address address, long mac) {
        vtep.neighbours().replace(new IpAddress(address.high(), address.low()), mac);
        neighbours.put(address, mac);
    }

    private void tag(Vtep vtep, Address address, int tag) {
        IpAddress source = new IpAddress(address.high(), address.low());
        vtep.tags().replace(new IpPrefix(source, source.bits()), tag);
        tags.put(address, tag);
    }

    /** The remotes of exactly this MAC address; null if it has no entry. */
    List<Remote> remotes(long mac) {
        IpAddress where = learned.get(mac);
        return where != null ? List.of(new Remote(where)) : permanent.get(mac);
    }

    /** Whether an entry that was not learned has a remote with this address. */
    boolean knows(IpAddress underlay) {
        return permanent.values().stream().flatMap(List::stream).anyMatch(remote -> remote.address()
                .equals(underlay));
    }

    List<Remote> defaultRemotes() {
        return permanent.get(FdbTable.DEFAULT_MAC);
    }

    /** -1 if there is none. */
    long neighbour(Address address) {
        return neighbours.getOrDefault(address, -1L);
    }

    int tag(Address source) {
        return tags.getOrDefault(source, 0);
    }

    Learned learn(long mac, IpAddress from) {
        List<Remote> fixed = permanent.get(mac);
        if (fixed != null) {
            return fixed.get(0).address().equals(from) ? Learned.KNOWN : Learned.STATIC_ELSEWHERE;
        }
        if (from.equals(learned.get(mac))) {
            return Learned.KNOWN;
        }
        if (!learned.containsKey(mac) && limit != 0 && permanent.size() + learned.size() >= limit) {
            return Learned.FULL;
        }
        learned.put(mac, from);
        return Learned.LEARNED;
    }
}
