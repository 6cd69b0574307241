package org.weft.dataplane.policy;

import java.util.Locale;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/**
 * Who may open what: packets that carry a group policy id, to one address (cf-networking: a network policy).
 *
 * @param tag group policy id of the source, 1 to 65535
 * @param destination address of one container
 * @param firstPort lowest destination port, 1 to 65535; 0 for a protocol without ports
 * @param lastPort highest destination port, itself included
 */
public record Policy(int tag, IpAddress destination, Protocol protocol, int firstPort, int lastPort) {
    /** What a policy can be about. */
    public enum Protocol {
        TCP(TcpHeader.PROTOCOL, true),
        UDP(UdpHeader.PROTOCOL, true),
        /** Also ICMPv6, where the destination is an IPv6 address. */
        ICMP(FlowKey.ICMP, false);

        private final int number;
        private final boolean ports;

        Protocol(int number, boolean ports) {
            this.number = number;
            this.ports = ports;
        }

        /** As in the IPv4 header. */
        public int number() {
            return number;
        }

        public boolean hasPorts() {
            return ports;
        }
    }

    private static final int MAX = 0xffff;

    /** @throws IllegalArgumentException in one sentence, if it is none */
    public Policy {
        if (tag < 1 || tag > MAX) {
            throw new IllegalArgumentException(
                    "tag " + tag + " is not in 1 to 65535, as a VXLAN header carries 16 bits of it");
        }
        if (destination.isAny() || destination.isMulticast()) {
            throw new IllegalArgumentException("destination " + destination + " is no address of a container");
        }
        if (protocol.hasPorts()) {
            if (firstPort < 1 || lastPort > MAX) {
                throw new IllegalArgumentException("ports " + firstPort + "-" + lastPort + " are not in 1 to 65535");
            }
            if (firstPort > lastPort) {
                throw new IllegalArgumentException("the range of ports " + firstPort + "-" + lastPort + " is empty");
            }
        } else if (firstPort != 0 || lastPort != 0) {
            throw new IllegalArgumentException(protocol.name().toLowerCase(Locale.ROOT) + " has no ports");
        }
    }

    /** Whether it lets this in. */
    public boolean allows(int sourceTag, IpAddress target, Protocol used, int port) {
        return tag == sourceTag
                && destination.equals(target)
                && protocol == used
                && (!protocol.hasPorts() || firstPort <= port && port <= lastPort);
    }
}
