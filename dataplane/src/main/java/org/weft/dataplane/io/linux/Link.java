package org.weft.dataplane.io.linux;

import java.net.NetworkInterface;
import java.net.SocketException;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/**
 * A network interface of this network namespace, as ioctl shows it. Every call asks the kernel; nothing is held open.
 *
 * <p>All but {@link #exists} throw {@link LinuxException} with ENODEV if there is no such interface.
 */
public final class Link {
    // include/uapi/linux/sockios.h
    private static final int SIOCGIFNAME = 0x8910;
    private static final int SIOCGIFFLAGS = 0x8913;
    private static final int SIOCSIFFLAGS = 0x8914;
    private static final int SIOCGIFMTU = 0x8921;
    private static final int SIOCSIFMTU = 0x8922;
    private static final int SIOCSIFNAME = 0x8923;
    private static final int SIOCSIFHWADDR = 0x8924;
    private static final int SIOCGIFHWADDR = 0x8927;
    private static final int SIOCGIFINDEX = 0x8933;

    // include/uapi/linux/if.h, if_arp.h
    private static final int IFF_UP = 0x1;
    private static final int IFF_LOOPBACK = 0x8;
    private static final int IFF_RUNNING = 0x40;
    private static final int IFF_NOARP = 0x80;
    private static final int ARPHRD_ETHER = 1;

    private final String name;

    private Link(String name) {
        this.name = name;
    }

    /** @throws IllegalArgumentException if no interface can have that name */
    public static Link of(String name) {
        new InterfaceRequest(name);
        return new Link(name);
    }

    /** Name of the interface that has this address, or null. */
    public static String nameOfAddress(IpAddress address) {
        try {
            NetworkInterface found = NetworkInterface.getByInetAddress(address.toInetAddress());
            // An address with a label (eth0:1) is shown as an interface of its own.
            return found == null ? null : found.getName().replaceFirst(":.*", "");
        } catch (SocketException e) {
            return null;
        }
    }

    /**
     * Name that the interface of this index has now; null if this namespace has no such interface.
     */
    public static String nameOf(int index) {
        InterfaceRequest request = new InterfaceRequest().value(index);
        int result = ioctl(SIOCGIFNAME, request, "interface " + index);
        if (result == -Errno.ENODEV) {
            return null;
        }
        LinuxException.check(result, "SIOCGIFNAME", "interface " + index, Link::advice);
        return request.name();
    }

    /** MAC address of the device behind the descriptor of a TAP. */
    static long mac(int tap, String name) {
        InterfaceRequest request = new InterfaceRequest();
        LinuxException.check(request.ioctl(tap, SIOCGIFHWADDR), "SIOCGIFHWADDR", name, Link::advice);
        return request.hardwareAddress();
    }

    public String name() {
        return name;
    }

    /**
     * Gives the interface another name. Before Linux 6.3 the kernel renames only interfaces that
     * are down, so this one is down for a moment there and loses its routes.
     */
    public void rename(String renamed) {
        InterfaceRequest request = new InterfaceRequest(name).newName(renamed);
        int result = ioctl(SIOCSIFNAME, request);
        if (result == -Errno.EBUSY && up()) {
            up(false);
            result = ioctl(SIOCSIFNAME, request);
            Link.of(result == 0 ? renamed : name).up(true);
        }
        checked(result, "SIOCSIFNAME " + renamed);
    }

    public boolean exists() {
        int result = ioctl(SIOCGIFINDEX, new InterfaceRequest(name));
        return result != -Errno.ENODEV && checked(result, "SIOCGIFINDEX") == 0;
    }

    public int index() {
        return get(SIOCGIFINDEX, "SIOCGIFINDEX").value();
    }

    /** Whether it is administratively up. */
    public boolean up() {
        return (flags() & IFF_UP) != 0;
    }

    /** Whether it leads to this host only, as lo does. */
    public boolean loopback() {
        return (flags() & IFF_LOOPBACK) != 0;
    }

    /** Whether it is up and has a carrier; the kernel may take a second to say so. */
    public boolean running() {
        return (flags() & IFF_RUNNING) != 0;
    }

    public int mtu() {
        return get(SIOCGIFMTU, "SIOCGIFMTU").value();
    }

    public long mac() {
        return get(SIOCGIFHWADDR, "SIOCGIFHWADDR").hardwareAddress();
    }

    public void mac(long mac) {
        set(
                SIOCSIFHWADDR,
                "SIOCSIFHWADDR " + MacAddress.toString(mac),
                new InterfaceRequest(name).hardwareAddress(ARPHRD_ETHER, mac));
    }

    public void mtu(int mtu) {
        set(SIOCSIFMTU, "SIOCSIFMTU " + mtu, new InterfaceRequest(name).value(mtu));
    }

    public void up(boolean up) {
        int flags = up ? flags() | IFF_UP : flags() & ~IFF_UP;
        set(SIOCSIFFLAGS, "SIOCSIFFLAGS", new InterfaceRequest(name).flags(flags));
    }

    void upWithoutArp() {
        set(SIOCSIFFLAGS, "SIOCSIFFLAGS", new InterfaceRequest(name).flags(flags() | IFF_NOARP | IFF_UP));
    }

    private int flags() {
        return get(SIOCGIFFLAGS, "SIOCGIFFLAGS").flags();
    }

    private InterfaceRequest get(int request, String call) {
        InterfaceRequest interfaceRequest = new InterfaceRequest(name);
        set(request, call, interfaceRequest);
        return interfaceRequest;
    }

    private void set(int request, String call, InterfaceRequest interfaceRequest) {
        checked(ioctl(request, interfaceRequest), call);
    }

    private int checked(int result, String call) {
        return LinuxException.check(result, call, name, Link::advice);
    }

    private static String advice(int errno) {
        return switch (errno) {
            case Errno.ENODEV -> "there is no such interface in this network namespace";
            case Errno.EPERM -> "needs CAP_NET_ADMIN, run as root";
            default -> "";
        };
    }

    private int ioctl(int request, InterfaceRequest interfaceRequest) {
        return ioctl(request, interfaceRequest, name);
    }

    private static int ioctl(int request, InterfaceRequest interfaceRequest, String subject) {
        int type = LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC;
        int fd = LinuxException.check(LibC.socket(LibC.AF_INET, type, 0), "socket", subject);
        try {
            return interfaceRequest.ioctl(fd, request);
        } finally {
            LibC.close(fd);
        }
    }
}
