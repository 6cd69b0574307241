package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;
import org.weft.encap.VirtioNetHeader;

/**
 * A TAP device that super-frames leave by with their outer headers in front, uncut: the kernel takes over what the
 * virtio header says of the tunnel (Linux 6.17), a {@link RedirectProgram} passes them to the underlay interface, and they
 * are cut as late as that allows, at best in hardware, as those of the kernel's vxlan are. Nothing is read from it.
 *
 * <p>The kernel's routes and neighbours say where they go; they do not cross the host's netfilter hooks.
 */
public final class TunnelDevice implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TunnelDevice.class);

    /** The kernel puts the first free number. */
    private static final String NAME_PATTERN = "weft-gso%d";

    // include/uapi/linux/if_tun.h
    private static final long TUNSETSNDBUF = 0x400454d4L;
    private static final int TUN_F_UDP_TUNNEL_GSO = 0x080;
    private static final int TUN_F_UDP_TUNNEL_GSO_CSUM = 0x100;

    private static final int OFFLOADS = TapOffloads.TUN_F_CSUM
            | TapOffloads.TSO
            | TapOffloads.USO
            | TUN_F_UDP_TUNNEL_GSO
            | TUN_F_UDP_TUNNEL_GSO_CSUM;

    /** What may wait in the underlay's queues, as for a socket. */
    private static final int SEND_BUFFER_LENGTH = 4 << 20;

    private final InterfaceRequest request = new InterfaceRequest(NAME_PATTERN);
    private int fd = -1;
    private RedirectProgram program;
    private long mac;
    private int ifindex;
    private String trouble;

    private TunnelDevice() {}

    /**
     * Makes the device and tries it. If either fails, the device is closed, and {@link #trouble}
     * says why.
     *
     * @param check tries the device, and returns a sentence if it is of no use, or null:
     *     {@link TunnelCheck#trouble}
     */
    public static TunnelDevice open(Function<TunnelDevice, String> check) {
        TunnelDevice device = new TunnelDevice();
        try {
            device.set();
            device.trouble = check.apply(device);
        } catch (LinuxException e) {
            device.trouble = e.getMessage();
        }
        if (device.trouble != null) {
            device.close();
        }
        return device;
    }

    private void set() {
        fd = LinuxTap.openQueue(NAME_PATTERN, request);
        configure();
        silence();
        Link link = Link.of(name());
        link.upWithoutArp();
        mac = link.mac();
        ifindex = link.index();
        program = RedirectProgram.attach(name(), ifindex);
    }

    /** Why it is of no use, for an operator; null if it works. */
    public String trouble() {
        return trouble;
    }

    private void configure() {
        setInt(fd, LinuxTap.TUNSETVNETHDRSZ, "TUNSETVNETHDRSZ", VirtioNetHeader.TUNNEL_LENGTH);
        setInt(fd, LinuxTap.TUNSETVNETLE, "TUNSETVNETLE", 1);
        LinuxException.check(
                LibC.ioctl(fd, TapOffloads.TUNSETOFFLOAD, OFFLOADS),
                "TUNSETOFFLOAD",
                name(),
                errno -> "the kernel cannot take super-frames with a tunnel's headers (Linux 6.17)");
    }

    private void setInt(int queue, long call, String name, int value) {
        UnsafeBuffer argument = new UnsafeBuffer(ByteBuffer.allocateDirect(Integer.BYTES));
        argument.putInt(0, value);
        LinuxException.check(LibC.ioctl(queue, call, argument), name, name());
    }

    /** The host is to send nothing through it, not even to look for IPv6 routers. */
    private void silence() {
        Path disable = Path.of("/proc/sys/net/ipv6/conf", name(), "disable_ipv6");
        try {
            if (Files.exists(disable)) {
                Files.writeString(disable, "1");
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", disable, e.toString());
        }
    }

    /** Name of the interface. */
    public String name() {
        return request.name();
    }

    long mac() {
        return mac;
    }

    /**
     * Another queue to write to; the caller closes it.
     *
     * @throws LinuxException also if somebody has removed the device
     */
    int openQueue() {
        int queue = LinuxTap.openQueue(name(), new InterfaceRequest(name()));
        try {
            // Asked for a device that is not there, the kernel makes one, and that one has no program.
            if (Link.of(name()).index() != ifindex) {
                throw new LinuxException("TUNSETIFF", name(), Errno.ENODEV, "it was removed; restart the daemon");
            }
            setInt(queue, TUNSETSNDBUF, "TUNSETSNDBUF", SEND_BUFFER_LENGTH);
        } catch (Throwable e) {
            LibC.close(queue);
            throw e;
        }
        return queue;
    }

    @Override
    public void close() {
        if (program != null) {
            program.close();
            program = null;
        }
        if (fd >= 0) {
            LibC.close(fd);
            fd = -1;
        }
    }
}
