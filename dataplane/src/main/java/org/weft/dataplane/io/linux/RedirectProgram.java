package org.weft.dataplane.io.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;

/**
 * An eBPF program on the ingress of a device (tcx, Linux 6.6) that sends each frame out of the interface whose index is in
 * the first four bytes of its source MAC address, big endian. Next hop and MAC addresses are left to the kernel
 * (bpf_redirect_neigh). It is taken off the device when this is closed, or the process dies.
 */
final class RedirectProgram implements AutoCloseable {
    // include/uapi/linux/bpf.h: commands, types, and fields of union bpf_attr
    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_LINK_CREATE = 28;
    private static final int BPF_PROG_TYPE_SCHED_CLS = 3;
    private static final int BPF_TCX_INGRESS = 46;
    private static final int ATTRIBUTES_LENGTH = 128;
    private static final int PROGRAM_TYPE_OFFSET = 0;
    private static final int INSTRUCTION_COUNT_OFFSET = 4;
    private static final int INSTRUCTIONS_OFFSET = 8;
    private static final int LICENSE_OFFSET = 16;
    private static final int LINK_PROGRAM_OFFSET = 0;
    private static final int LINK_TARGET_OFFSET = 4;
    private static final int LINK_TYPE_OFFSET = 8;

    // Operation codes of Documentation/bpf/standardization/instruction-set.rst, and the number of the helper
    private static final int MOVE_REGISTER = 0xbf;
    private static final int MOVE_NUMBER = 0xb7;
    private static final int LOAD_PACKET_WORD = 0x20;
    private static final int CALL = 0x85;
    private static final int EXIT = 0x95;
    private static final int REDIRECT_NEIGH = 152;

    private static final int SOURCE_OFFSET = 6;

    private static final long[] INSTRUCTIONS = {
        // LOAD_PACKET_WORD takes the context from r6 and leaves the word, in host order, in r0.
        instruction(MOVE_REGISTER, 6, 1, 0),
        instruction(LOAD_PACKET_WORD, 0, 0, SOURCE_OFFSET),
        instruction(MOVE_REGISTER, 1, 0, 0),
        instruction(MOVE_NUMBER, 2, 0, 0),
        instruction(MOVE_NUMBER, 3, 0, 0),
        instruction(MOVE_NUMBER, 4, 0, 0),
        instruction(CALL, 0, 0, REDIRECT_NEIGH),
        instruction(EXIT, 0, 0, 0)
    };

    private final int program;
    private final int link;

    private RedirectProgram(int program, int link) {
        this.program = program;
        this.link = link;
    }

    /** struct bpf_insn: operation code, two registers of four bits, offset, number. */
    private static long instruction(int code, int destination, int source, int number) {
        return code | (long) (source << 4 | destination) << 8 | (long) number << 32;
    }

    /**
     * Loads the program and puts it on a device.
     *
     * @throws LinuxException if the kernel does not take it; nothing is left behind
     */
    static RedirectProgram attach(String device, int ifindex) {
        int program = LinuxException.check(load(), "BPF_PROG_LOAD", device, RedirectProgram::advice);
        UnsafeBuffer attributes = new UnsafeBuffer(ByteBuffer.allocateDirect(ATTRIBUTES_LENGTH));
        attributes.putInt(LINK_PROGRAM_OFFSET, program);
        attributes.putInt(LINK_TARGET_OFFSET, ifindex);
        attributes.putInt(LINK_TYPE_OFFSET, BPF_TCX_INGRESS);
        int link = LibC.bpf(BPF_LINK_CREATE, attributes, ATTRIBUTES_LENGTH);
        if (link < 0) {
            LibC.close(program);
            throw new LinuxException("BPF_LINK_CREATE", device, -link, advice(-link));
        }
        return new RedirectProgram(program, link);
    }

    /** The source MAC address of a frame that is to leave by an interface. */
    static long source(int ifindex) {
        return (ifindex & 0xffff_ffffL) << 16;
    }

    private static int load() {
        UnsafeBuffer code = new UnsafeBuffer(ByteBuffer.allocateDirect(INSTRUCTIONS.length * Long.BYTES));
        for (int i = 0; i < INSTRUCTIONS.length; i++) {
            code.putLong(i * Long.BYTES, INSTRUCTIONS[i], ByteOrder.LITTLE_ENDIAN);
        }
        byte[] name = "Apache-2.0\0".getBytes(StandardCharsets.US_ASCII);
        UnsafeBuffer license = new UnsafeBuffer(ByteBuffer.allocateDirect(name.length));
        license.putBytes(0, name);
        UnsafeBuffer attributes = new UnsafeBuffer(ByteBuffer.allocateDirect(ATTRIBUTES_LENGTH));
        attributes.putInt(PROGRAM_TYPE_OFFSET, BPF_PROG_TYPE_SCHED_CLS);
        attributes.putInt(INSTRUCTION_COUNT_OFFSET, INSTRUCTIONS.length);
        attributes.putLong(INSTRUCTIONS_OFFSET, code.addressOffset());
        attributes.putLong(LICENSE_OFFSET, license.addressOffset());
        try {
            return LibC.bpf(BPF_PROG_LOAD, attributes, ATTRIBUTES_LENGTH);
        } finally {
            Reference.reachabilityFence(code);
            Reference.reachabilityFence(license);
        }
    }

    private static String advice(int errno) {
        return switch (errno) {
            case Errno.EPERM -> "needs CAP_BPF and CAP_NET_ADMIN, run as root";
            case Errno.EINVAL, Errno.ENOSYS -> "the kernel has no tcx (Linux 6.6, CONFIG_BPF_SYSCALL)";
            default -> "";
        };
    }

    @Override
    public void close() {
        LibC.close(link);
        LibC.close(program);
    }
}
