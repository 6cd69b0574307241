package org.weft.dataplane.counters;

import java.util.Arrays;
import java.util.List;

/**
 * Everything that is counted. Each packet ends in exactly one outcome, so these sums are equal:
 *
 * <pre>
 *   VTEP out   TX_FRAMES + TX_REPLICATED + TX_SEGMENTED + TX_REFUSALS
 *                            = TX_SENT + NEIGHBOUR_ANSWERED + its TX drops
 *   VTEP in    RX_FRAMES     = RX_DELIVERED + RX_COALESCED + its RX drops
 *   underlay   RX_DATAGRAMS  = RX_FRAMES of its VTEPs + its own drops
 * </pre>
 *
 * <p>Drop reasons are the kernel's names (include/net/dropreason-core.h) where it has one. Each counter is written by
 * one agent only.
 */
public enum Counter {
    TX_FRAMES(Kind.TX, "frames read from the TAP device"),
    TX_BYTES(Kind.TX, "bytes of the frames read from the TAP device"),
    TX_REPLICATED(Kind.TX, "further copies made of frames with several remotes (head-end replication)"),
    TX_SEGMENTED(Kind.TX, "further datagrams that super-frames were cut into"),
    TX_SENT(Kind.TX, "datagrams handed to the underlay, uncut super-frames counted once"),
    TX_UNCUT(Kind.TX, "super-frames that left uncut, for the kernel or the interface to cut"),
    TX_REFUSALS(Kind.TX, "ICMP messages to senders whose packets were refused"),
    TX_UNTRACKED(Kind.TX, "packets whose flow found no room in the flow table: answers to them are judged by policies"),
    TX_READ_ERRORS(Kind.TX, "reads from the TAP device that failed; no frame was lost by that"),
    NEIGHBOUR_ANSWERED(Kind.TX, "ARP requests and neighbour solicitations answered from the neighbour table"),

    RX_DATAGRAMS(Kind.RX, "datagrams received on the underlay socket, for any VNI"),
    RX_READ_ERRORS(Kind.RX, "receives from the underlay socket that failed; no datagram was lost by that"),
    RX_FRAMES(Kind.RX, "datagrams received for this VTEP's VNI"),
    RX_BYTES(Kind.RX, "bytes of the inner frames received"),
    RX_DELIVERED(Kind.RX, "frames written to the TAP device, super-frames counted once"),
    RX_COALESCED(Kind.RX, "further frames that became part of a super-frame"),
    RX_UNTRACKED(
            Kind.RX, "accepted packets whose flow found no room in the flow table: each one is judged by policies"),
    POLICY_WOULD_DENY(Kind.RX, "packets that no policy lets in, and that passed because the mode is log"),
    SPOOFED_UNDERLAY_PASSED(Kind.RX, "frames that SPOOFED_UNDERLAY would drop, delivered because spoofing is count"),
    SPOOFED_MAC_PASSED(Kind.RX, "frames that SPOOFED_MAC would drop, delivered because spoofing is count"),
    SPOOFED_IP_PASSED(Kind.RX, "frames that SPOOFED_IP would drop, delivered because spoofing is count"),
    LEARNED(Kind.RX, "forwarding entries learned, or moved to another remote"),
    LEARNED_LIMIT(
            Kind.RX,
            "source addresses not learned: maxaddress is reached, or too many came within a second; their frames pass"),

    VXLAN_NO_REMOTE(Kind.TX_DROP, "no forwarding entry for the destination MAC, and no default entry"),
    NEIGH_UNKNOWN(
            Kind.TX_DROP, "ARP packet or neighbour solicitation that the neighbour table has no answer to (proxy)"),
    NEIGH_UNANSWERED(Kind.TX_DROP, "answer to a request for a neighbour that the TAP device did not take"),
    TX_HDR_TRUNC(Kind.TX_DROP, "frame from the TAP device shorter than its headers"),
    CIRCULAR_ROUTE(
            Kind.TX_DROP,
            "datagram of this VTEP that a route led back into it: a remote is reached through the overlay itself"),
    SKB_GSO_SEG(Kind.TX_DROP, "super-frame from the TAP device whose headers contradict what it says of itself"),
    PKT_TOO_BIG(Kind.TX_DROP, "datagram longer than the underlay takes, and not to be fragmented"),
    IP_OUTNOROUTES(Kind.TX_DROP, "no route to the remote, or its interface or our address is gone"),
    SOCKET_SNDBUFF(Kind.TX_DROP, "the underlay interface did not take more for too long"),
    UNDERLAY_REFUSED(Kind.TX_DROP, "the kernel refused to send the datagram: a firewall rule, or another error"),
    TX_AGENT_FAILED(Kind.TX_DROP, "Weft itself failed (an exception, see the log); the datagram may have left"),

    NOMEM(
            Kind.RX_DROP,
            "no free slot to take frames of two VTEPs apart that came in one piece, or too many frames in one piece"),
    PKT_TOO_SMALL(Kind.RX_DROP, "datagram or frame shorter than a VXLAN or an Ethernet header"),
    VXLAN_INVALID_HDR(Kind.RX_DROP, "VXLAN header without the VNI flag, or with bits set that this VTEP reserves"),
    VXLAN_VNI_NOT_FOUND(Kind.RX_DROP, "no VTEP for the VNI on this port"),
    UNDERLAY_UNKNOWN(Kind.RX_DROP, "outer source is no host's of a lease or permanent forwarding entry (known-peers)"),
    LOCAL_MAC(Kind.RX_DROP, "inner source MAC is our own: a loop, or a duplicated address"),
    MAC_INVALID_SOURCE(Kind.RX_DROP, "inner source MAC is multicast or zero; seen when learning"),
    VXLAN_ENTRY_EXISTS(Kind.RX_DROP, "inner source MAC has a permanent entry with another remote; seen when learning"),
    IP_HDR_TRUNC(Kind.RX_DROP, "inner IP header incomplete"),
    IP_TUNNEL_ECN(Kind.RX_DROP, "congestion was marked outside, but the inner packet cannot carry the mark"),
    SPOOFED_UNDERLAY(Kind.RX_DROP, "inner source MAC belongs to another host than the outer source"),
    SPOOFED_MAC(Kind.RX_DROP, "inner source MAC is that of no known host"),
    SPOOFED_IP(Kind.RX_DROP, "inner source address belongs to another host than the inner source MAC"),
    POLICY_DENIED(Kind.RX_DROP, "no policy lets it in, and it answers to nothing"),
    POLICY_UNPARSED(
            Kind.RX_DROP,
            "headers cut off, contradictory, or behind more than 7 VLAN tags, so that there is no verdict"),
    POLICY_FRAGMENT(Kind.RX_DROP, "fragment of a packet whose first one was not seen, so that there is no verdict"),
    DEV_READY(Kind.RX_DROP, "the TAP device is down or gone"),
    TAP_REFUSED(Kind.RX_DROP, "the TAP device did not accept the frame, or writing it failed (see the log)"),
    RX_AGENT_FAILED(Kind.RX_DROP, "Weft itself failed (an exception, see the log)");

    /** What a counter says about a packet. */
    public enum Kind {
        TX,
        RX,
        TX_DROP,
        RX_DROP
    }

    private static final List<Counter> DROPS =
            Arrays.stream(values()).filter(Counter::isDrop).toList();

    private final Kind kind;
    private final String meaning;

    Counter(Kind kind, String meaning) {
        this.kind = kind;
        this.meaning = meaning;
    }

    /** All drop reasons, transmit first. */
    public static List<Counter> drops() {
        return DROPS;
    }

    public Kind kind() {
        return kind;
    }

    /** One sentence for an operator, without capital and full stop. */
    public String meaning() {
        return meaning;
    }

    public boolean isDrop() {
        return kind == Kind.TX_DROP || kind == Kind.RX_DROP;
    }
}
