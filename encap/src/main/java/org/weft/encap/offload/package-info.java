/**
 * Super-frames to frames and back. A <em>super-frame</em> is one Ethernet frame of up to 64 KB whose payload stands for a row
 * of <em>segments</em>: frames with the same headers but for lengths, IPv4 id, TCP sequence number and checksums, each with
 * <em>GSO size</em> bytes of payload, the last with what is left. A TAP with {@code IFF_VNET_HDR} hands them over in one read and
 * takes them in one write.
 *
 * <pre>
 *   TAP    --super-frame--&gt; {@link org.weft.encap.offload.Segmenter}  --headers in an arena, payload untouched--&gt; underlay
 *   underlay --segments--&gt;  {@link org.weft.encap.offload.Coalescer}  --payload appended to the first segment--&gt;  TAP
 * </pre>
 *
 * <p>Both follow the kernel, so that a connection behind Weft sees what it would see behind the kernel's own device:
 * {@code tcp_gso_segment}, {@code __udp_gso_segment}, {@code inet_gso_segment} one way, {@code tcp_gro_receive},
 * {@code udp_gro_receive_segment}, {@code inet_gro_receive}, {@code ipv6_gro_receive} the other. Where the kernel keeps a table
 * of open flows, a coalescer holds one; who wants more takes more coalescers.
 *
 * <p>Nothing is allocated per frame. Instances belong to one thread.
 */
package org.weft.encap.offload;
