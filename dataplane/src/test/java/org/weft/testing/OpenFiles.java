package org.weft.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The sockets, TAPs and event polls of this process, to see that none is left behind. */
public final class OpenFiles {
    static {
        // From its first channel on, the JDK keeps a socket of its own.
        try {
            DatagramChannel.open().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private OpenFiles() {}

    /** Descriptors and what they refer to; files, which the JVM opens as it loads classes, are left out. */
    public static Map<String, String> now() {
        Map<String, String> open = new TreeMap<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
                put(open, descriptor);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return open;
    }

    private static void put(Map<String, String> open, Path descriptor) throws IOException {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            if (!target.startsWith("/") || target.equals("/dev/net/tun")) {
                open.put(descriptor.getFileName().toString(), target);
            }
        } catch (NoSuchFileException e) {
            // Closed since it was listed; the directory's own descriptor always is.
            open.remove(descriptor.getFileName().toString());
        }
    }
}
