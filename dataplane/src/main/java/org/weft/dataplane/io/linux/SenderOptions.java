package org.weft.dataplane.io.linux;

import org.weft.encap.IpAddress;

/**
 * What the sending sockets of a VTEP are like. Senders with equal options share their sockets.
 * Immutable.
 *
 * @param local source address; decides between IPv4 and IPv6
 * @param dev the only interface to send through, or null
 * @param udpChecksum whether datagrams over IPv4 carry a UDP checksum
 * @param ipv6ZeroChecksum whether datagrams over IPv6 carry a UDP checksum of zero
 * @param portMin first source port; with {@code portMax} 0, the kernel's range of local ports
 * @param portMax end of the source ports, itself left out as the kernel's vxlan does
 * @param sockets how many source ports to use; fewer if the range has fewer that are free
 */
public record SenderOptions(
        IpAddress local,
        String dev,
        boolean udpChecksum,
        boolean ipv6ZeroChecksum,
        int portMin,
        int portMax,
        int sockets) {
    public SenderOptions {
        if (portMin < 0 || portMax > 65_536 || portMin > portMax) {
            throw new IllegalArgumentException("source ports " + portMin + " to " + portMax + " are not a range");
        }
        if (sockets < 1) {
            throw new IllegalArgumentException("a sender needs a socket, not " + sockets);
        }
    }
}
