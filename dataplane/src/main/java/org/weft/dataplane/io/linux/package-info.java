/**
 * The only door to system calls: TAP devices, network interfaces, UDP sockets and the event loop, on Linux.
 *
 * <p>{@link org.weft.dataplane.io.linux.LibC} binds the calls through jnr-ffi. Structs are laid out by hand in off-heap
 * memory, each offset named after the kernel header that it mirrors, so that a call allocates nothing. No call with six
 * integer arguments is bound (sendto, recvfrom, mmap): jnr-ffi passes garbage as the sixth on x86-64.
 *
 * <p>Netty's event loop polls, and its datagram channel owns the receiving socket: bind, life
 * cycle. Bulk reads go past the channel, by recvmmsg on a duplicate of its descriptor, straight
 * into slots; a descriptor registered twice under one number would take the channel's place in the
 * loop. The sending sockets are plain descriptors. They drop all that arrives, and a sender waits
 * for a full one in place, so 256 channels registered with epoll would gain nothing. VTEPs and
 * workers share them ({@link org.weft.dataplane.io.linux.SocketPools}).
 *
 * <p>Don't fragment is an option of a socket, not of a datagram, and several threads send through
 * one socket at a time. So datagrams with DF leave by a second socket on the same source port,
 * which is opened when a VTEP first wants it. A flow whose packets differ in DF keeps its port and
 * its order.
 *
 * <p>What a system call costs hardly depends on how much it carries. So a TAP hands over TCP and UDP super-frames, the
 * kernel cuts a message into datagrams of equal length where it leaves (UDP_SEGMENT), and merges those of a flow where
 * they arrive (UDP_GRO). Each is probed or tried, may be refused later, and can be switched off while frames flow.
 *
 * <p>Since Linux 6.17 the kernel also takes a whole TCP super-frame with the headers of the tunnel
 * in front, from a TAP ({@link org.weft.dataplane.io.linux.TunnelDevice}), and nothing is cut or
 * summed here at all. Then the packet does not cross the host's IP output, so an eBPF program hands
 * it to the interface; routes, neighbours and MTU are still the kernel's.
 *
 * <p>A message stays below the 64 KB that an interface passes on, with its link-layer header: what reaches that is cut
 * in software before it leaves, and arrives as single datagrams even over veth.
 */
package org.weft.dataplane.io.linux;
