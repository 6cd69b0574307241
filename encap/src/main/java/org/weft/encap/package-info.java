/**
 * Bytes only: header flyweights, checksums, flow hash. Nothing here can do I/O, and nothing here allocates per packet.
 *
 * <p>The contract of every header (smoltcp's {@code wire}):
 *
 * <ul>
 *   <li>A flyweight is a buffer and an offset; it is allocated once, by the agent that uses it, and moved with
 *       {@code wrap}. It owns nothing.
 *   <li>{@code check(buffer, offset, length)} looks at what a peer sent, once: it answers the length of the header, or
 *       {@link org.weft.encap.EthernetHeader#INVALID} if the header does not fit {@code length} or contradicts itself.
 *       After a good check no accessor can fail or read past the given length. Malformed bytes never throw.
 *   <li>Do not check before writing: the buffer still holds the previous packet. Every setter writes whole fields.
 *   <li>Accessor and setter carry the name of the field; setters return {@code this}. Integers are unsigned and in the
 *       type that holds them; a MAC address is the low 48 bits of a {@code long} ({@link org.weft.encap.MacAddress}),
 *       an IPv4 address an {@code int}, an IPv6 address two {@code long}s.
 *   <li>Byte order is network order and said at every access; {@link org.weft.encap.VirtioNetHeader} alone is
 *       little-endian.
 *   <li>Static functions over {@code (buffer, offset)} peek at one field. All parameters are {@code UnsafeBuffer} itself,
 *       not an interface, so that calls on the hot path have one target.
 * </ul>
 *
 * <p>Flyweights and {@link org.weft.encap.FrameLayout} belong to one thread; the static functions to any.
 */
package org.weft.encap;
