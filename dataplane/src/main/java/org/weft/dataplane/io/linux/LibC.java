package org.weft.dataplane.io.linux;

import java.lang.ref.Reference;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * System calls. Each returns the call's result (a count, a descriptor, 0) or a negative errno; none
 * throws. They allocate nothing, except calls with a string.
 *
 * <p>Memory is a buffer, which stays reachable until the call returns: the collector would
 * otherwise free a buffer that only the kernel still uses. The caller keeps the memory whose
 * address is in such a buffer.
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

    static int read(int fd, UnsafeBuffer buffer, int offset, int length) {
        return result(LIBC.read(fd, buffer.addressOffset() + offset, length), buffer);
    }

    static int write(int fd, UnsafeBuffer buffer, int offset, int length) {
        return result(LIBC.write(fd, buffer.addressOffset() + offset, length), buffer);
    }

    static int writev(int fd, UnsafeBuffer buffer, int iovecs, int count) {
        return result(LIBC.writev(fd, buffer.addressOffset() + iovecs, count), buffer);
    }

    /** Makes a request with a number, or without one. */
    static int ioctl(int fd, long request, int argument) {
        return result(LIBC.ioctl(fd, request, argument));
    }

    /** Makes a request with a structure, or with a pointer to a number. */
    static int ioctl(int fd, long request, UnsafeBuffer argument) {
        return result(LIBC.ioctl(fd, request, argument.addressOffset()), argument);
    }

    /** Another descriptor of the same file description, closed on exec. */
    static int duplicate(int fd) {
        return result(LIBC.fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }

    static int flock(int fd, int operation) {
        return result(LIBC.flock(fd, operation));
    }

    static int poll(UnsafeBuffer pollfds, int count, int timeoutMillis) {
        return result(LIBC.poll(pollfds.addressOffset(), count, timeoutMillis), pollfds);
    }

    static int socket(int domain, int type, int protocol) {
        return result(LIBC.socket(domain, type, protocol));
    }

    static int bind(int fd, UnsafeBuffer address, int length) {
        return result(LIBC.bind(fd, address.addressOffset(), length), address);
    }

    static int connect(int fd, UnsafeBuffer address, int length) {
        return result(LIBC.connect(fd, address.addressOffset(), length), address);
    }

    /**
     * @param lengthOffset where the length of the address is in the buffer, which begins with the
     *     address
     */
    static int getsockname(int fd, UnsafeBuffer address, int lengthOffset) {
        long start = address.addressOffset();
        return result(LIBC.getsockname(fd, start, start + lengthOffset), address);
    }

    static int setsockopt(int fd, int level, int name, UnsafeBuffer value, int length) {
        return result(LIBC.setsockopt(fd, level, name, value.addressOffset(), length), value);
    }

    /**
     * @param lengthOffset where the length of the value is in the buffer, which begins with the
     *     value
     */
    static int getsockopt(int fd, int level, int name, UnsafeBuffer value, int lengthOffset) {
        long start = value.addressOffset();
        return result(LIBC.getsockopt(fd, level, name, start, start + lengthOffset), value);
    }

    static int recvmmsg(int fd, UnsafeBuffer buffer, int messages, int count, int flags) {
        return result(LIBC.recvmmsg(fd, buffer.addressOffset() + messages, count, flags, 0), buffer);
    }

    static int sendmmsg(int fd, UnsafeBuffer buffer, int messages, int count, int flags) {
        return result(LIBC.sendmmsg(fd, buffer.addressOffset() + messages, count, flags), buffer);
    }

    /** The C library has no function for it. */
    static int bpf(int command, UnsafeBuffer attributes, int length) {
        return result(LIBC.syscall(SYS_BPF, command, attributes.addressOffset(), length), attributes);
    }

    /** Of the whole process; gives the mask before. */
    static int umask(int mask) {
        return LIBC.umask(mask);
    }

    /** An option with one argument. */
    static int prctl(int option, long argument) {
        return result(LIBC.prctl(option, argument, 0, 0, 0));
    }

    static int capget(UnsafeBuffer header, UnsafeBuffer data) {
        return capabilities(SYS_CAPGET, header, data);
    }

    static int capset(UnsafeBuffer header, UnsafeBuffer data) {
        return capabilities(SYS_CAPSET, header, data);
    }

    private static int capabilities(int call, UnsafeBuffer header, UnsafeBuffer data) {
        int result = result(LIBC.syscall(call, header.addressOffset(), data.addressOffset(), 0), header);
        Reference.reachabilityFence(data);
        return result;
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

    /** @param memory that the call has used, reachable until here */
    private static int result(long returned, UnsafeBuffer memory) {
        Reference.reachabilityFence(memory);
        return result(returned);
    }

    /** errno was saved inside the call's stub, before this thread returned to Java. */
    private static int result(long returned) {
        return returned >= 0 ? (int) returned : -RUNTIME.getLastError();
    }
}
