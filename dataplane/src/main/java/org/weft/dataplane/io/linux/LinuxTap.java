package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;
import org.weft.encap.VirtioNetHeader;

/** A TAP device through /dev/net/tun, with a virtio-net header in front of each frame. */
public final class LinuxTap implements TapDevice {
    // include/uapi/linux/if_tun.h; the numbers are _IOW('T', ...) of x86-64 and aarch64
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETPERSIST = 0x400454cbL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final long TUNSETVNETHDRSZ = 0x400454d8L;
    private static final long TUNSETVNETLE = 0x400454dcL;
    private static final int IFF_TAP = 0x0002;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;
    private static final int TUN_F_CSUM = 0x01;

    private static final String DEVICE = "/dev/net/tun";

    private final String name;
    private final Offloads offloads;

    /** One for the thread that reads, one for the thread that writes. */
    private final VirtioNetHeader readHeader = new VirtioNetHeader();

    private final VirtioNetHeader writtenHeader = new VirtioNetHeader();

    /** -1 once closed: the kernel gives the number to another file. */
    private int fd;

    private LinuxTap(String name, int fd, boolean checksum) {
        this.name = name;
        this.fd = fd;
        this.offloads = new Offloads(checksum, false, false, false);
    }

    /**
     * Makes the device, or takes over the persistent one of this name that a dead daemon left behind.
     *
     * @param persist whether it stays when this process ends
     * @throws LinuxException in a sentence for the operator
     * @throws IllegalArgumentException if no interface can have that name
     */
    public static LinuxTap open(String name, boolean persist) {
        InterfaceRequest request = new InterfaceRequest(name);
        int fd = LinuxException.check(
                LibC.open(DEVICE, LibC.O_RDWR | LibC.O_NONBLOCK | LibC.O_CLOEXEC),
                "open",
                DEVICE,
                LinuxTap::openAdvice);
        try {
            attach(fd, name, request);
            configure(fd, name, persist);
            boolean checksum = LibC.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) == 0;
            return new LinuxTap(name, fd, checksum);
        } catch (RuntimeException e) {
            LibC.close(fd);
            throw e;
        }
    }

    /** A device that {@code ip tuntap} made without multi_queue refuses a queue that asks for it (EINVAL). */
    private static void attach(int fd, String name, InterfaceRequest request) {
        int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        int result =
                LibC.ioctl(fd, TUNSETIFF, request.flags(flags | IFF_MULTI_QUEUE).address());
        if (result == -Errno.EINVAL) {
            result = LibC.ioctl(fd, TUNSETIFF, request.flags(flags).address());
        }
        LinuxException.check(result, "TUNSETIFF", name, LinuxTap::attachAdvice);
        if (hasOtherQueue(name)) {
            throw new LinuxException("TUNSETIFF", name, Errno.EBUSY, attachAdvice(Errno.EBUSY));
        }
    }

    /**
     * Whether another process holds the device too. The kernel lets any number join a multi-queue device and would
     * give each a share of the flows; it shows a directory per queue that is held.
     */
    private static boolean hasOtherQueue(String name) {
        Path device = Path.of("/sys/class/net", name);
        try {
            String index = Files.readString(device.resolve("ifindex")).strip();
            // sysfs shows the namespace it was mounted in, which need not be this one.
            return Integer.parseInt(index) == Link.of(name).index() && Files.exists(device.resolve("queues/tx-1"));
        } catch (IOException e) {
            return false;
        }
    }

    private static void configure(int fd, String name, boolean persist) {
        UnsafeBuffer value = new UnsafeBuffer(ByteBuffer.allocateDirect(Integer.BYTES));
        value.putInt(0, VirtioNetHeader.LENGTH);
        LinuxException.check(LibC.ioctl(fd, TUNSETVNETHDRSZ, value.addressOffset()), "TUNSETVNETHDRSZ", name);
        value.putInt(0, 1);
        LinuxException.check(LibC.ioctl(fd, TUNSETVNETLE, value.addressOffset()), "TUNSETVNETLE", name);
        LinuxException.check(LibC.ioctl(fd, TUNSETPERSIST, persist ? 1 : 0), "TUNSETPERSIST", name);
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
        return offloads;
    }

    @Override
    public int read(Frame frame) {
        int header = frame.start() - VirtioNetHeader.LENGTH;
        UnsafeBuffer buffer = frame.buffer();
        int read = LibC.read(fd, buffer.addressOffset() + header, VirtioNetHeader.LENGTH + FrameSlab.MAX_FRAME_LENGTH);
        if (read <= VirtioNetHeader.LENGTH) {
            return read == -Errno.EAGAIN ? 0 : read < 0 ? read : -Errno.EIO;
        }
        readHeader.wrap(buffer, header);
        frame.offset(frame.start())
                .length(read - VirtioNetHeader.LENGTH)
                .vnet(
                        readHeader.flags(),
                        readHeader.gsoType(),
                        readHeader.headerLength(),
                        readHeader.gsoSize(),
                        readHeader.checksumStart(),
                        readHeader.checksumOffset());
        return read - VirtioNetHeader.LENGTH;
    }

    @Override
    public int write(Frame frame) {
        int header = frame.offset() - VirtioNetHeader.LENGTH;
        UnsafeBuffer buffer = frame.buffer();
        writtenHeader
                .wrap(buffer, header)
                .flags(frame.vnetFlags())
                .gsoType(frame.gsoType())
                .headerLength(frame.headersLength())
                .gsoSize(frame.gsoSize())
                .checksumStart(frame.checksumStart())
                .checksumOffset(frame.checksumOffset());
        int written = LibC.write(fd, buffer.addressOffset() + header, VirtioNetHeader.LENGTH + frame.length());
        return written < 0 ? written : written - VirtioNetHeader.LENGTH;
    }

    /** Gives the device back to the kernel, which removes it unless it is persistent. */
    @Override
    public void close() {
        if (fd >= 0) {
            LibC.close(fd);
            fd = -1;
        }
    }
}
