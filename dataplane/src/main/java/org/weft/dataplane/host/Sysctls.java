package org.weft.dataplane.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The kernel's settings below {@code net} in the network namespace of this thread. */
public final class Sysctls {
    private static final Path NET = Path.of("/proc/sys/net");

    private Sysctls() {}

    /**
     * The first character of one, which is all of a switch.
     *
     * @throws NoSuchFileException if the kernel does not have it
     */
    static String get(String name) throws IOException {
        return Files.readString(NET.resolve(name)).strip();
    }

    /** Whether a switch exists and is off. */
    public static boolean isOff(String name) {
        try {
            return get(name).equals("0");
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a setting has a value, or does not exist in this kernel. */
    public static boolean has(String name, String value) {
        try {
            return get(name).equals(value);
        } catch (IOException e) {
            return true;
        }
    }

    /**
     * Sets one, unless it has that value already. One that the kernel does not have is passed over.
     *
     * @param name such as {@code ipv4/ip_forward}
     */
    public static void set(String name, String value) {
        Path file = NET.resolve(name);
        try {
            if (!Files.readString(file).strip().equals(value)) {
                Files.write(file, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
            }
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.OS_ERROR, file + " cannot be set to " + value + ": " + e.getMessage() + ", run as root", e);
        }
    }
}
