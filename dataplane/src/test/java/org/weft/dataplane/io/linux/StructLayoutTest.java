package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import org.agrona.BitUtil;
import org.junit.jupiter.api.Test;

/** Holds the hand-laid structs against what jnr-ffi's own layout rules make of the kernel's declarations. */
class StructLayoutTest {
    private static final Runtime RUNTIME = Runtime.getSystemRuntime();

    private static final class Iovec extends Struct {
        final Pointer base = new Pointer();
        final size_t length = new size_t();

        Iovec() {
            super(RUNTIME);
        }
    }

    private static final class Mmsghdr extends Struct {
        final Pointer name = new Pointer();
        final Unsigned32 nameLength = new Unsigned32();
        final Pointer iov = new Pointer();
        final size_t iovCount = new size_t();
        final Pointer control = new Pointer();
        final size_t controlLength = new size_t();
        final Signed32 flags = new Signed32();

        /** Where struct msghdr ends, and the next member of struct mmsghdr is. */
        final Padding end = new Padding(jnr.ffi.NativeType.ULONG, 0);

        final Unsigned32 transferred = new Unsigned32();

        Mmsghdr() {
            super(RUNTIME);
        }
    }

    private static final class Cmsghdr extends Struct {
        final size_t length = new size_t();
        final Signed32 level = new Signed32();
        final Signed32 type = new Signed32();

        Cmsghdr() {
            super(RUNTIME);
        }
    }

    private static final class SockaddrIn6 extends Struct {
        final Unsigned16 family = new Unsigned16();
        final Unsigned16 port = new Unsigned16();
        final Unsigned32 flowInfo = new Unsigned32();
        final Unsigned8[] address = array(new Unsigned8[16]);
        final Unsigned32 scope = new Unsigned32();

        SockaddrIn6() {
            super(RUNTIME);
        }
    }

    /** The largest member of the union in struct ifreq. */
    private static final class Ifmap extends Struct {
        final UnsignedLong memoryStart = new UnsignedLong();
        final UnsignedLong memoryEnd = new UnsignedLong();
        final Unsigned16 baseAddress = new Unsigned16();
        final Unsigned8 irq = new Unsigned8();
        final Unsigned8 dma = new Unsigned8();
        final Unsigned8 port = new Unsigned8();

        Ifmap() {
            super(RUNTIME);
        }
    }

    @Test
    void messageHeadersAreAsLongAsTheKernels() {
        assertEquals(size(new Mmsghdr()), MessageVector.HEADER_LENGTH);
        assertEquals(size(new Iovec()), MessageVector.IOVEC_LENGTH);
        assertEquals(size(new Cmsghdr()), MessageVector.CONTROL_HEADER_LENGTH);
    }

    @Test
    void messageFieldsAreWhereTheKernelHasThem() {
        Mmsghdr header = new Mmsghdr();
        assertEquals(header.name.offset(), MessageVector.NAME_OFFSET);
        assertEquals(header.nameLength.offset(), MessageVector.NAME_LENGTH_OFFSET);
        assertEquals(header.iov.offset(), MessageVector.IOV_OFFSET);
        assertEquals(header.iovCount.offset(), MessageVector.IOV_COUNT_OFFSET);
        assertEquals(header.control.offset(), MessageVector.CONTROL_OFFSET);
        assertEquals(header.controlLength.offset(), MessageVector.CONTROL_LENGTH_OFFSET);
        assertEquals(header.transferred.offset(), MessageVector.TRANSFERRED_OFFSET);
        assertEquals(new Iovec().length.offset(), MessageVector.IOVEC_LENGTH_OFFSET);
        Cmsghdr control = new Cmsghdr();
        assertEquals(control.level.offset(), MessageVector.CONTROL_LEVEL_OFFSET);
        assertEquals(control.type.offset(), MessageVector.CONTROL_TYPE_OFFSET);
    }

    @Test
    void socketAddressesAreAsLongAsTheKernels() {
        assertEquals(size(new SockaddrIn6()), SocketAddress.IPV6_LENGTH);
        assertEquals(new SockaddrIn6().address[0].offset(), SocketAddress.IPV6_ADDRESS_OFFSET);
    }

    @Test
    void interfaceRequestsAreAsLongAsTheKernels() {
        assertEquals(InterfaceRequest.NAME_LENGTH + size(new Ifmap()), InterfaceRequest.LENGTH);
    }

    /** sizeof, which counts the padding at the end too. */
    private static int size(Struct struct) {
        return BitUtil.align(Struct.size(struct), Struct.alignment(struct));
    }
}
