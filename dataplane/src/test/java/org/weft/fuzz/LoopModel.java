package org.weft.fuzz;

import org.weft.fuzz.Parsed.Address;

/** Which frames from the host carry a datagram that the same VTEP has sent: a route leads back into its device. */
final class LoopModel {
    /** The source ports of each VTEP's datagrams here. */
    static final int[] PORTS = {40_000, 40_001};

    private static final Address LOCAL = new Address(FuzzUnderlay.LOCAL.high(), FuzzUnderlay.LOCAL.low());

    private record Packet(int id, long source, long destination) {}

    /** The last one of which the first fragment looped. */
    private Packet fragmented;

    /** To be asked about each frame once, in their order. */
    boolean loops(Parsed parsed) {
        if (parsed.protocol != Parsed.UDP) {
            return false;
        }
        Packet packet = new Packet(
                parsed.fragmentId, parsed.source().low(), parsed.destination().low());
        if (parsed.laterFragment) {
            return packet.equals(fragmented);
        }
        boolean loops = parsed.transport != Parsed.NONE
                && isOurs(Octets.get16(parsed.frame, parsed.transport))
                && parsed.source().equals(LOCAL);
        if (loops && parsed.fragment) {
            fragmented = packet;
        }
        return loops;
    }

    private static boolean isOurs(int port) {
        return port == PORTS[0] || port == PORTS[1];
    }
}
