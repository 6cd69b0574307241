package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;
import org.weft.encap.VirtioNetHeader;

/**
 * One queue of a TAP device through /dev/net/tun, with a virtio-net header in front of each frame.
 * Reading and writing use only the memory of the frame, so threads with different frames may call
 * at the same time.
 */
public final class LinuxTap implements TapDevice {
    // include/uapi/linux/if_tun.h; the numbers are _IOW('T', ...) of x86-64 and aarch64
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETPERSIST = 0x400454cbL;
    private static final long TUNGETIFF = 0x800454d2L;

    /** Since Linux 5.8. */
    private static final long TUNGETDEVNETNS = 0x54e3;

    static final long TUNSETVNETHDRSZ = 0x400454d8L;
    static final long TUNSETVNETLE = 0x400454dcL;
    private static final int IFF_TAP = 0x0002;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;

    /** MAX_TAP_QUEUES of drivers/net/tun.c. */
    private static final int MAX_QUEUES = 256;

    private static final String DEVICE = "/dev/net/tun";

    private final String name;

    /** Of the device, so the same for all its queues. */
    private final TapOffloads offloads;

    /** The other queues, if this is the first. */
    private final List<LinuxTap> others = new ArrayList<>();

    /** The number of the device when it was opened; only the first queue has it. */
    private int index;

    /** -1 once closed: the kernel gives the number to another file. */
    private int fd;

    private LinuxTap(String name, int fd, TapOffloads offloads) {
        this.name = name;
        this.fd = fd;
        this.offloads = offloads;
    }

    /** {@link #open(String, boolean, int)} with one queue. */
    public static LinuxTap open(String name, boolean persist) {
        return open(name, persist, 1).get(0);
    }

    /**
     * Makes the device, or takes over the persistent one of this name that a dead daemon left behind.
     *
     * <p>The kernel spreads what the host sends over the queues by flow, and sends the answers to a flow where it was
     * written.
     *
     * @param persist whether it stays when this process ends
     * @param queues how many threads will read it, each a queue of its own
     * @return the queues; closing the first closes all
     * @throws LinuxException in a sentence for the operator; nothing is left open
     * @throws IllegalArgumentException if no interface can have that name, or so many queues
     */
    public static List<LinuxTap> open(String name, boolean persist, int queues) {
        if (queues < 1 || queues > MAX_QUEUES) {
            throw new IllegalArgumentException("a TAP has 1 to " + MAX_QUEUES + " queues, not " + queues);
        }
        InterfaceRequest request = new InterfaceRequest(name);
        LinuxTap first = new LinuxTap(name, openQueue(name, request, queues), new TapOffloads(name));
        try {
            while (first.others.size() < queues - 1) {
                first.others.add(new LinuxTap(name, openQueue(name, request, queues), first.offloads));
            }
            if (hasOtherQueue(name, queues)) {
                throw new LinuxException("TUNSETIFF", name, Errno.EBUSY, attachAdvice(Errno.EBUSY));
            }
            first.index = Link.of(name).index();
            configure(first.fd, name);
            first.persist(persist);
            first.offloads.probe(first.fd);
        } catch (Throwable e) {
            first.close();
            throw e;
        }
        List<LinuxTap> all = new ArrayList<>(first.others);
        all.add(0, first);
        return List.copyOf(all);
    }

    /** Opens a queue of a device that has several; closing it is the caller's. */
    static int openQueue(String name, InterfaceRequest request) {
        return openQueue(name, request, MAX_QUEUES);
    }

    private static int openQueue(String name, InterfaceRequest request, int queues) {
        int fd = LinuxException.check(
                LibC.open(DEVICE, LibC.O_RDWR | LibC.O_NONBLOCK | LibC.O_CLOEXEC),
                "open",
                DEVICE,
                LinuxTap::openAdvice);
        try {
            attach(fd, name, request, queues);
            return fd;
        } catch (Throwable e) {
            LibC.close(fd);
            throw e;
        }
    }

    /** A device that {@code ip tuntap} made without multi_queue refuses a queue that asks for it (EINVAL). */
    private static void attach(int fd, String name, InterfaceRequest request, int queues) {
        int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        int result = request.flags(flags | IFF_MULTI_QUEUE).ioctl(fd, TUNSETIFF);
        if (result == -Errno.EINVAL) {
            result = request.flags(flags).ioctl(fd, TUNSETIFF);
            if (result == 0 && queues > 1) {
                throw new LinuxException(
                        "TUNSETIFF",
                        name,
                        Errno.EINVAL,
                        "the device was made without multi_queue and has one queue for " + queues
                                + " workers; remove it with \"ip link del\", or set workers to 1");
            }
        }
        LinuxException.check(result, "TUNSETIFF", name, LinuxTap::attachAdvice);
    }

    /**
     * Whether another process holds the device too. The kernel lets any number join a multi-queue device and would
     * give each a share of the flows; it shows a directory per queue that is held.
     */
    private static boolean hasOtherQueue(String name, int queues) {
        Path device = Path.of("/sys/class/net", name);
        try {
            String index = Files.readString(device.resolve("ifindex")).strip();
            // sysfs shows the namespace it was mounted in, which need not be this one.
            return Integer.parseInt(index) == Link.of(name).index()
                    && Files.exists(device.resolve("queues/tx-" + queues));
        } catch (IOException e) {
            return false;
        }
    }

    private static void configure(int fd, String name) {
        UnsafeBuffer value = new UnsafeBuffer(ByteBuffer.allocateDirect(Integer.BYTES));
        value.putInt(0, VirtioNetHeader.LENGTH);
        LinuxException.check(LibC.ioctl(fd, TUNSETVNETHDRSZ, value), "TUNSETVNETHDRSZ", name);
        value.putInt(0, 1);
        LinuxException.check(LibC.ioctl(fd, TUNSETVNETLE, value), "TUNSETVNETLE", name);
    }

    static String openAdvice(int errno) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                "the kernel's tun driver is not there: load it with"
                        + " \"modprobe tun\", or give the container the device (--device /dev/net/tun)";
            case Errno.EACCES, Errno.EPERM ->
                "needs CAP_NET_ADMIN, run as root, and the device in the container's" + " list of allowed ones";
            default -> "";
        };
    }

    static String attachAdvice(int errno) {
        return switch (errno) {
            case Errno.EPERM -> "needs CAP_NET_ADMIN, run as root";
            case Errno.EINVAL ->
                "the name is taken by a device that is no TAP, see \"ip -d link\"; remove it with"
                        + " \"ip link del\", or choose another name";
            case Errno.EBUSY ->
                "another process holds this TAP, probably a running daemon; stop it, or choose" + " another name";
            default -> "";
        };
    }

    @Override
    public String name() {
        return name;
    }

    /** Descriptor to poll for reading; owned by this device. */
    public int fd() {
        return fd;
    }

    @Override
    public Offloads offloads() {
        return offloads.granted();
    }

    /**
     * Asks the descriptor for the device, whose name may have changed. Call it on the first queue,
     * on any thread.
     *
     * @return null if the device was deleted
     */
    public TapPlace place() {
        InterfaceRequest request = new InterfaceRequest();
        int result = request.ioctl(fd, TUNGETIFF);
        if (result == -Errno.EBADFD) {
            return null;
        }
        LinuxException.check(result, "TUNGETIFF", name);
        String now = request.name();
        int namespace = LibC.ioctl(fd, TUNGETDEVNETNS, 0);
        if (namespace == -Errno.EINVAL) {
            return new TapPlace(now, now.equals(Link.nameOf(index)) ? null : "unknown to this kernel");
        }
        LinuxException.check(namespace, "TUNGETDEVNETNS", name);
        try {
            return new TapPlace(now, NetworkNamespace.nameUnlessOwn(namespace));
        } finally {
            LibC.close(namespace);
        }
    }

    /** MAC address of the device, in whatever network namespace it is. */
    public long mac() {
        return Link.mac(fd, name);
    }

    /**
     * Whether the device stays when the last of its queues is closed. Does nothing if the device
     * was deleted.
     */
    public void persist(boolean persist) {
        int result = LibC.ioctl(fd, TUNSETPERSIST, persist ? 1 : 0);
        if (result != -Errno.EBADFD) {
            LinuxException.check(result, "TUNSETPERSIST", name);
        }
    }

    /** Switches what the host may hand over unfinished, for all queues; what the kernel has not stays off. Any thread. */
    public void offloads(boolean tso, boolean uso) {
        offloads.switchTo(fd, tso, uso);
    }

    @Override
    public int read(Frame frame) {
        int header = frame.start() - VirtioNetHeader.LENGTH;
        UnsafeBuffer buffer = frame.buffer();
        int read = LibC.read(fd, buffer, header, VirtioNetHeader.LENGTH + FrameSlab.MAX_FRAME_LENGTH);
        if (read <= VirtioNetHeader.LENGTH) {
            return read == -Errno.EAGAIN || read == -Errno.EINTR ? 0 : read < 0 ? read : -Errno.EIO;
        }
        frame.offset(frame.start()).length(read - VirtioNetHeader.LENGTH).takeHeader();
        return read - VirtioNetHeader.LENGTH;
    }

    @Override
    public int write(Frame frame) {
        frame.putHeader();
        int written = LibC.write(fd, frame.buffer(), frame.headerOffset(), VirtioNetHeader.LENGTH + frame.length());
        return written < 0 ? written : written - VirtioNetHeader.LENGTH;
    }

    /** Gives the queue back to the kernel, which removes the device after the last one unless it is persistent. */
    @Override
    public void close() {
        others.forEach(LinuxTap::close);
        if (fd >= 0) {
            LibC.close(fd);
            fd = -1;
        }
    }
}
