package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;

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

    // include/uapi/linux/virtio_net.h, struct virtio_net_hdr; little-endian by TUNSETVNETLE
    private static final int VNET_FLAGS_OFFSET = 0;
    private static final int VNET_GSO_TYPE_OFFSET = 1;
    private static final int VNET_HEADERS_LENGTH_OFFSET = 2;
    private static final int VNET_GSO_SIZE_OFFSET = 4;
    private static final int VNET_CHECKSUM_START_OFFSET = 6;
    private static final int VNET_CHECKSUM_OFFSET_OFFSET = 8;
    private static final int VNET_LENGTH = 10;

    private static final String DEVICE = "/dev/net/tun";

    private final String name;
    private final Offloads offloads;

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
        value.putInt(0, VNET_LENGTH);
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
        int header = frame.start() - VNET_LENGTH;
        UnsafeBuffer buffer = frame.buffer();
        int read = LibC.read(fd, buffer.addressOffset() + header, VNET_LENGTH + FrameSlab.MAX_FRAME_LENGTH);
        if (read <= VNET_LENGTH) {
            return read == -Errno.EAGAIN ? 0 : read < 0 ? read : -Errno.EIO;
        }
        frame.offset(frame.start())
                .length(read - VNET_LENGTH)
                .vnet(
                        buffer.getByte(header + VNET_FLAGS_OFFSET),
                        buffer.getByte(header + VNET_GSO_TYPE_OFFSET) & 0xff,
                        unsignedShort(buffer, header + VNET_HEADERS_LENGTH_OFFSET),
                        unsignedShort(buffer, header + VNET_GSO_SIZE_OFFSET),
                        unsignedShort(buffer, header + VNET_CHECKSUM_START_OFFSET),
                        unsignedShort(buffer, header + VNET_CHECKSUM_OFFSET_OFFSET));
        return read - VNET_LENGTH;
    }

    private static int unsignedShort(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset, ByteOrder.LITTLE_ENDIAN) & 0xffff;
    }

    @Override
    public int write(Frame frame) {
        int header = frame.offset() - VNET_LENGTH;
        UnsafeBuffer buffer = frame.buffer();
        buffer.putByte(header + VNET_FLAGS_OFFSET, (byte) frame.vnetFlags());
        buffer.putByte(header + VNET_GSO_TYPE_OFFSET, (byte) frame.gsoType());
        putShort(buffer, header + VNET_HEADERS_LENGTH_OFFSET, frame.headersLength());
        putShort(buffer, header + VNET_GSO_SIZE_OFFSET, frame.gsoSize());
        putShort(buffer, header + VNET_CHECKSUM_START_OFFSET, frame.checksumStart());
        putShort(buffer, header + VNET_CHECKSUM_OFFSET_OFFSET, frame.checksumOffset());
        int written = LibC.write(fd, buffer.addressOffset() + header, VNET_LENGTH + frame.length());
        return written < 0 ? written : written - VNET_LENGTH;
    }

    private static void putShort(UnsafeBuffer buffer, int offset, int value) {
        buffer.putShort(offset, (short) value, ByteOrder.LITTLE_ENDIAN);
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
