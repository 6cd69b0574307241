package org.weft.dataplane.io;

/**
 * What the kernel granted a TAP device.
 *
 * @param checksum frames may cross it with a partial checksum (TUN_F_CSUM)
 * @param tso4 TCP over IPv4 super-frames may cross it (TUN_F_TSO4)
 * @param tso6 TCP over IPv6 super-frames may cross it (TUN_F_TSO6)
 * @param uso UDP super-frames may cross it (TUN_F_USO4 and TUN_F_USO6, Linux 6.2)
 */
public record Offloads(boolean checksum, boolean tso4, boolean tso6, boolean uso) {}
