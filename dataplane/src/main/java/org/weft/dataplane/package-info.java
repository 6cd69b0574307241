/**
 * Weft, a VXLAN tunnel endpoint in userspace.
 *
 * <pre>
 *   container eth0 -- veth s-010255099003 -- host routing
 *                                               |  route via 10.255.132.0, neighbour -> ee:ee:0a:ff:84:00
 *   egress                                  silk-vtep (TAP)                                    ingress
 *     TapReader -> ring -> Encapsulator -> UDP     |     UDP -> Decapsulator -> ring -> TapWriter
 *                 (neighbours, FDB, tag)        eth0:4789           (receive rules, policy)
 * </pre>
 *
 * <p>A frame is read once into a slot of a {@link org.weft.dataplane.io.FrameSlab}. Going out it is never copied again
 * in userspace: headers are written in front of it, or beside it where a super-frame is cut into segments. Coming in,
 * the payload of a segment that continues a super-frame is moved up behind it, which costs less than a system call with
 * a piece of memory for each. Rings carry descriptors: slot, place and length in one number.
 *
 * <p>Packages from the wire up: {@code watchdog}, {@code io}, {@code io.linux}, {@code table},
 * {@code counters}, {@code capture}, {@code policy}, {@code vtep}, {@code agent}, {@code host},
 * {@code engine}. None of them knows of leases, of containers or of the API.
 */
package org.weft.dataplane;
