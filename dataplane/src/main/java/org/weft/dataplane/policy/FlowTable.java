package org.weft.dataplane.policy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.agrona.collections.LongHashSet;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/**
 * Flows between containers of this host (local) and of others (remote), off-heap and of bounded size, so that answers are
 * known as such (kernel: nf_conntrack). Any thread may read and write; none ever waits for another.
 *
 * <p>A new flow takes the place of one whose deadline has passed; or else of one whose local address has more than an eighth of
 * all places; or else of one that has ended or was never seen to go both ways, as the kernel's early_drop does. If there is
 * none, the table is full for it; that happens where more than three in four places are taken by many addresses.
 */
public final class FlowTable {
    /** What an arriving packet is. */
    public enum Arrival {
        /** Of no flow: policies decide. */
        NEW,
        /** Of a flow that was let in and not answered yet: policies decide again. */
        UNANSWERED,
        /** Of a TCP connection that cannot have it now (conntrack's INVALID): policies decide. */
        INVALID,
        /** Of a flow that goes both ways, or that the local side began. */
        ESTABLISHED
    }

    /**
     * Seconds after its last packet that a flow is forgotten; 1 or more.
     *
     * @param tcp an established TCP connection (nf_conntrack_tcp_timeout_established)
     * @param udp a UDP flow that goes both ways (nf_conntrack_udp_timeout_stream)
     */
    public record Timeouts(int tcp, int udp) {
        /** The kernel's. */
        public static final Timeouts DEFAULT = new Timeouts(432_000, 120);
    }

    /** What a fragment is whose packet's first one was not seen. */
    public static final int UNKNOWN = -1;

    // Flags of a flow, above those of its slot.
    /** The first packet left; else it arrived. */
    private static final int LOCAL = FlowSlots.FIRST_FREE_FLAG;
    /** A packet went the other way than the first one. */
    private static final int REPLIED = LOCAL << 1;
    /** And one went the first way again. */
    private static final int ASSURED = LOCAL << 2;
    /** Of fragments, which are no TCP connection: the first one was let in. */
    private static final int ADMITTED = LOCAL << 3;
    /** Where a {@link TcpConnection} begins. */
    private static final int TCP_SHIFT = 6;

    private static final int TCP_MASK = (1 << TcpConnection.BITS) - 1 << TCP_SHIFT;

    private static final long FRAGMENTS = 1L << 56;

    /** In place of flags. */
    private static final int NONE = -1;

    /** In place of a state: there is such a flow, but the packet cannot be of it. */
    private static final long INVALID = -1;

    /** Kernel: udp_timeouts, nf_ct_icmp_timeout, nf_ct_generic_timeout, ip_frag_time. */
    private static final int UDP_UNREPLIED = 30;

    private static final int ICMP = 30;
    private static final int GENERIC = 600;
    private static final int FRAGMENT = 30;

    private final FlowSlots slots;
    private volatile Timeouts timeouts;

    /** @param flows how many there may be; they take 65 bytes each, for which there must be room off the heap */
    public FlowTable(int flows, Timeouts timeouts) {
        this.slots = new FlowSlots(flows);
        this.timeouts = timeouts;
    }

    /** For packets from now on. */
    public void timeouts(Timeouts changed) {
        timeouts = changed;
    }

    /** How many flows there is room for. */
    public int capacity() {
        return slots.capacity();
    }

    /** Notes a packet that came from the other side, and says what it is. Makes no new flow. */
    public Arrival arrive(FlowKey key, int now) {
        long state = note(key, false, now);
        if (state == FlowSlots.ABSENT) {
            return Arrival.NEW;
        }
        if (state == INVALID) {
            return Arrival.INVALID;
        }
        return (state & (LOCAL | REPLIED)) != 0 ? Arrival.ESTABLISHED : Arrival.UNANSWERED;
    }

    /**
     * Enters the flow of a packet that came from the other side and was let in, if one may begin with it.
     *
     * @return false if there is no room
     */
    public boolean admit(FlowKey key, int now) {
        return begin(key, false, now);
    }

    /**
     * Notes a packet to the other side; begins a flow if there is none and one may begin with it.
     *
     * @return false if there is no room
     */
    public boolean depart(FlowKey key, int now) {
        return note(key, true, now) != FlowSlots.ABSENT || begin(key, true, now);
    }

    /** Whether a packet that an ICMP error is about belongs to a flow: it left here, so its source is local. */
    public boolean knows(FlowKey key, int now) {
        return slots.find(what(key, true), key, true, now) != FlowSlots.ABSENT;
    }

    /** Remembers, for the later fragments of a packet that came from the other side, what became of the first one. */
    public boolean fragment(FlowKey key, boolean admitted, int now) {
        return slots.enter(fragments(key), key, false, admitted ? ADMITTED : 0, now + FRAGMENT, now);
    }

    /** What became of the first fragment of a packet: 1 it was let in, 0 it was not, {@link #UNKNOWN}. */
    public int fragment(FlowKey key, int now) {
        long state = slots.find(fragments(key), key, false, now);
        if (state == FlowSlots.ABSENT) {
            return UNKNOWN;
        }
        return (state & ADMITTED) != 0 ? 1 : 0;
    }

    /** Forgets everything; packets of flows in progress are judged again. */
    public void clear() {
        slots.remove((localHigh, localLow, remoteHigh, remoteLow) -> true);
    }

    /**
     * Forgets the flows that have one of their ends in these networks, and possibly IPv6 flows with other ends; looks at every
     * flow. A flow that begins meanwhile may stay.
     *
     * @return how many they were
     */
    public int forget(Collection<IpPrefix> networks) {
        LongHashSet hosts = new LongHashSet();
        List<IpPrefix> others = new ArrayList<>();
        for (IpPrefix network : networks) {
            if (network.length() == network.address().bits()) {
                hosts.add(network.address().low());
            } else {
                others.add(network);
            }
        }
        return slots.remove((localHigh, localLow, remoteHigh, remoteLow) -> hosts.contains(localLow)
                || hosts.contains(remoteLow)
                || isIn(others, localHigh, localLow)
                || isIn(others, remoteHigh, remoteLow));
    }

    private static boolean isIn(List<IpPrefix> networks, long high, long low) {
        for (int i = 0; i < networks.size(); i++) {
            if (networks.get(i).contains(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** Whether there may be flows with a local end in this network; false is certain. Looks at no flow. */
    public boolean mayHold(IpPrefix local) {
        IpAddress address = local.address();
        return local.length() < address.bits() || slots.mayHold(address.high(), address.low());
    }

    /** Takes out flows whose deadline has passed, so that they count for no address. Looks at every flow. */
    public void sweep(int now) {
        slots.removeEnded(now);
    }

    /** How many flows there are, those of fragments included; looks at every slot. */
    public int size(int now) {
        return slots.size(now);
    }

    /** @param departing whether the packet's source is the local side */
    private static long what(FlowKey key, boolean departing) {
        int local = departing ? key.sourcePort() : key.destinationPort();
        int remote = departing ? key.destinationPort() : key.sourcePort();
        return (long) key.protocol() << 32 | (long) local << 16 | remote;
    }

    private static long fragments(FlowKey key) {
        return FRAGMENTS | (long) key.protocol() << 32 | key.fragmentId() & 0xffff_ffffL;
    }

    /** What the flow is with this packet, {@link #INVALID}, or absent, also if this packet would begin it anew. */
    private long note(FlowKey key, boolean departing, int now) {
        long what = what(key, departing);
        long hash = slots.hash(what, key, departing);
        for (int places = slots.candidates(hash); places != 0; places &= places - 1) {
            int slot = slots.slot(hash, Integer.numberOfTrailingZeros(places));
            long state;
            while ((state = slots.find(slot, what, key, departing, now)) != FlowSlots.ABSENT) {
                boolean back = departing != ((state & LOCAL) != 0);
                boolean tcp = key.protocol() == TcpHeader.PROTOCOL;
                long next = tcp ? afterSegment(state, key, back, now) : after(state, key, back, now);
                boolean done = next == FlowSlots.ABSENT || isRefused(state, next)
                        ? slots.remove(slot, state)
                        : next == INVALID || next == state || slots.change(slot, state, next);
                if (done) {
                    return next;
                }
            }
        }
        return FlowSlots.ABSENT;
    }

    private long after(long state, FlowKey key, boolean back, int now) {
        int flags = (int) state & FlowSlots.FLAGS;
        if (back) {
            flags |= REPLIED;
        } else if ((flags & REPLIED) != 0) {
            flags |= ASSURED | FlowSlots.HELD;
        }
        return FlowSlots.with(state, flags, now + timeout(flags, key.protocol()));
    }

    /** Absent if the segment ends this flow and begins another one. */
    private long afterSegment(long state, FlowKey key, boolean back, int now) {
        int before = connection(state);
        int after = TcpConnection.next(before, key.tcpFlags(), back);
        if (after == TcpConnection.INVALID) {
            return INVALID;
        }
        if (after == TcpConnection.REOPENED) {
            return FlowSlots.ABSENT;
        }
        int flags = (int) state & FlowSlots.FLAGS & ~(TCP_MASK | FlowSlots.HELD) | after << TCP_SHIFT & TCP_MASK;
        if ((flags & REPLIED) != 0 && TcpConnection.isAssured(before, after)) {
            flags |= ASSURED;
        }
        if ((flags & ASSURED) != 0 && !TcpConnection.isOver(after)) {
            flags |= FlowSlots.HELD;
        }
        if (back) {
            flags |= REPLIED;
        }
        boolean renewed = (after & TcpConnection.NOT_RENEWED) == 0;
        return FlowSlots.with(
                state, flags, renewed ? now + timeout(flags, TcpHeader.PROTOCOL) : FlowSlots.deadline(state));
    }

    /** Whether it ends with a RST before it went both ways; nothing of it is left then. */
    private static boolean isRefused(long state, long next) {
        return next != INVALID && (state & REPLIED) == 0 && TcpConnection.isReset(connection(next));
    }

    private static int connection(long state) {
        return ((int) state & TCP_MASK) >>> TCP_SHIFT;
    }

    private int timeout(int flags, int protocol) {
        boolean replied = (flags & REPLIED) != 0;
        return switch (protocol) {
            case TcpHeader.PROTOCOL ->
                Math.min(timeouts.tcp(), TcpConnection.timeout(connection(flags), replied, timeouts.tcp()));
            case UdpHeader.PROTOCOL -> replied ? timeouts.udp() : Math.min(UDP_UNREPLIED, timeouts.udp());
            case FlowKey.ICMP, FlowKey.ICMPV6 -> ICMP;
            default -> GENERIC;
        };
    }

    private boolean begin(FlowKey key, boolean departing, int now) {
        int opening = opening(key);
        if (opening == NONE) {
            return true;
        }
        int flags = opening | (departing ? LOCAL : 0);
        return slots.enter(what(key, departing), key, departing, flags, now + timeout(flags, key.protocol()), now);
    }

    /** The flags of a flow that begins with this packet; {@link #NONE} if none can. */
    private static int opening(FlowKey key) {
        return switch (key.protocol()) {
            case TcpHeader.PROTOCOL -> {
                int connection = TcpConnection.open(key.tcpFlags());
                yield connection == TcpConnection.INVALID ? NONE : connection << TCP_SHIFT;
            }
            case FlowKey.ICMP, FlowKey.ICMPV6 -> key.isIcmpRequest() ? 0 : NONE;
            default -> 0;
        };
    }
}
