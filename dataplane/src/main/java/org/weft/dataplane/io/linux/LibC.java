package org.weft.dataplane.io.linux;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;

/**
 * System calls. Each returns what the call does (a count, a descriptor, 0), or a negative errno; none throws. Addresses
 * of memory are {@code long}. They allocate nothing, except those with a string.
 */
final class LibC {
    // include/uapi/asm-generic/fcntl.h
    static final int O_RDWR = 2;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;
    private static final int F_DUPFD_CLOEXEC = 1030;

    // include/linux/socket.h, include/linux/net.h
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int SOCK_RAW = 3;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = O_NONBLOCK;
    static final int SOCK_CLOEXEC = O_CLOEXEC;
    static final int MSG_DONTWAIT = 0x40;

    /** include/uapi/asm-generic/unistd.h, and arch/x86/entry/syscalls/syscall_64.tbl. */
    private static final int SYS_BPF = Platform.getNativePlatform().getCPU() == Platform.CPU.X86_64 ? 321 : 280;

    private static final int SYS_CAPGET = Platform.getNativePlatform().getCPU() == Platform.CPU.X86_64 ? 125 : 90;
    private static final int SYS_CAPSET = Platform.getNativePlatform().getCPU() == Platform.CPU.X86_64 ? 126 : 91;

    /** The bindings; public because jnr-ffi implements it from outside this package. */
    public interface Bindings {
        int open(String path, int flags);

        int close(int fd);

        long read(int fd, long address, long length);

        long write(int fd, long address, long length);

        long writev(int fd, long iovecs, int count);

        int ioctl(int fd, long request, long address);

        int fcntl(int fd, int command, long argument);

        int flock(int fd, int operation);

        int poll(long pollfds, long count, int timeoutMillis);

        int socket(int domain, int type, int protocol);

        int bind(int fd, long address, int length);

        int connect(int fd, long address, int length);

        int getsockname(int fd, long address, long lengthAddress);

        int setsockopt(int fd, int level, int name, long value, int length);

        int getsockopt(int fd, int level, int name, long value, long lengthAddress);

        int recvmmsg(int fd, long messages, int count, int flags, long timeout);

        int sendmmsg(int fd, long messages, int count, int flags);

        long syscall(long number, long first, long second, long third);

        int umask(int mask);

        int prctl(int option, long first, long second, long third, long fourth);

        int setenv(String name, String value, int overwrite);

        int execv(String path, String[] arguments);

        String strerror(int errno);
    }

    private static final Bindings LIBC = LibraryLoader.create(Bindings.class)
            .failImmediately()
            .load(Platform.getNativePlatform().getStandardCLibraryName());
    private static final Runtime RUNTIME = Runtime.getRuntime(LIBC);

    private LibC() {}

    static int open(String path, int flags) {
        return result(LIBC.open(path, flags));
    }

    static int close(int fd) {
        return result(LIBC.close(fd));
    }

    static int read(int fd, long address, int length) {
        return result(LIBC.read(fd, address, length));
    }

    static int write(int fd, long address, int length) {
        return result(LIBC.write(fd, address, length));
    }

    static int writev(int fd, long iovecs, int count) {
        return result(LIBC.writev(fd, iovecs, count));
    }

    static int ioctl(int fd, long request, long argument) {
        return result(LIBC.ioctl(fd, request, argument));
    }

    /** Another descriptor of the same file description, closed on exec. */
    static int duplicate(int fd) {
        return result(LIBC.fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }

    static int flock(int fd, int operation) {
        return result(LIBC.flock(fd, operation));
    }

    static int poll(long pollfds, int count, int timeoutMillis) {
        return result(LIBC.poll(pollfds, count, timeoutMillis));
    }

    static int socket(int domain, int type, int protocol) {
        return result(LIBC.socket(domain, type, protocol));
    }

    static int bind(int fd, long address, int length) {
        return result(LIBC.bind(fd, address, length));
    }

    static int connect(int fd, long address, int length) {
        return result(LIBC.connect(fd, address, length));
    }

    static int getsockname(int fd, long address, long lengthAddress) {
        return result(LIBC.getsockname(fd, address, lengthAddress));
    }

    static int setsockopt(int fd, int level, int name, long value, int length) {
        return result(LIBC.setsockopt(fd, level, name, value, length));
    }

    static int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        return result(LIBC.getsockopt(fd, level, name, value, lengthAddress));
    }

    static int recvmmsg(int fd, long messages, int count, int flags) {
        return result(LIBC.recvmmsg(fd, messages, count, flags, 0));
    }

    static int sendmmsg(int fd, long messages, int count, int flags) {
        return result(LIBC.sendmmsg(fd, messages, count, flags));
    }

    /** The C library has no function for it. */
    static int bpf(int command, long attributes, int length) {
        return result(LIBC.syscall(SYS_BPF, command, attributes, length));
    }

    /** Of the whole process; gives the mask before. */
    static int umask(int mask) {
        return LIBC.umask(mask);
    }

    /** An option with one argument. */
    static int prctl(int option, long argument) {
        return result(LIBC.prctl(option, argument, 0, 0, 0));
    }

    static int capget(long header, long data) {
        return result(LIBC.syscall(SYS_CAPGET, header, data, 0));
    }

    static int capset(long header, long data) {
        return result(LIBC.syscall(SYS_CAPSET, header, data, 0));
    }

    /** For programs that this process executes; System.getenv does not see it. */
    static int setenv(String name, String value) {
        return result(LIBC.setenv(name, value, 1));
    }

    /** Replaces the process; returns only if that fails. */
    static int execv(String path, String[] arguments) {
        return result(LIBC.execv(path, arguments));
    }

    static String strerror(int errno) {
        return LIBC.strerror(errno);
    }

    /** errno was saved inside the call's stub, before this thread returned to Java. */
    private static int result(long returned) {
        return returned >= 0 ? (int) returned : -RUNTIME.getLastError();
    }
}
