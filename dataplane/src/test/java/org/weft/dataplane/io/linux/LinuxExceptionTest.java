package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;

class LinuxExceptionTest {
    @Test
    void namesCallSubjectCauseAndAdvice() {
        LinuxException e =
                new LinuxException("TUNSETIFF", "silk-vtep", Errno.EPERM, LinuxTap.attachAdvice(Errno.EPERM));
        assertEquals(
                "TUNSETIFF silk-vtep: EPERM (Operation not permitted): needs CAP_NET_ADMIN, run as root",
                e.getMessage());
        assertEquals(1, e.errno());
    }

    @Test
    void endsWithTheCauseWhereThereIsNoAdvice() {
        assertEquals(
                "poll fd 3: EFAULT (Bad address)", new LinuxException("poll", "fd 3", Errno.EFAULT, "").getMessage());
    }

    @Test
    void passesOnWhatSucceeded() {
        assertEquals(7, LinuxException.check(7, "open", "/dev/null"));
        assertThrows(LinuxException.class, () -> LinuxException.check(-Errno.ENOENT, "open", "/nowhere"));
    }

    @Test
    void everyErrnoHasItsName() throws ReflectiveOperationException {
        for (Field constant : Errno.class.getFields()) {
            assertEquals(constant.getName(), Errno.name(constant.getInt(null)));
        }
        assertEquals("errno 4095", Errno.name(4095));
    }

    @Test
    void tapErrorsSayWhatToDo() {
        assertTrue(LinuxTap.openAdvice(Errno.ENOENT).contains("modprobe tun"));
        assertTrue(LinuxTap.openAdvice(Errno.EACCES).contains("CAP_NET_ADMIN"));
        assertTrue(LinuxTap.attachAdvice(Errno.EINVAL).contains("no TAP"));
        assertTrue(LinuxTap.attachAdvice(Errno.EBUSY).contains("another process"));
    }

    @Test
    void bindErrorsSayWhatToDo() {
        String inUse = LinuxUnderlay.bindAdvice(Errno.EADDRINUSE);
        assertTrue(inUse.contains("kernel's own vxlan device"));
        assertTrue(inUse.contains("ip -d link show type vxlan"));
        assertTrue(inUse.contains("ss -lunp"));
    }
}
