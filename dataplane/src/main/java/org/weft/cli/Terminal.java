package org.weft.cli;

import com.google.gson.JsonElement;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.weft.text.Visible;
import picocli.CommandLine.IVersionProvider;

/**
 * Where commands print. Text that others wrote is in it, so characters that a terminal would act upon are printed as
 * escapes; JSON stays JSON. Bytes that are written pass as they are.
 */
public final class Terminal extends PrintStream {
    private Terminal(PrintStream out, boolean flush) {
        super(out, flush, StandardCharsets.UTF_8);
    }

    /** @param flush whether a line is to be seen at once */
    public static PrintStream on(PrintStream out, boolean flush) {
        return new Terminal(out, flush);
    }

    /** A line. A line feed in it is not ours. */
    @Override
    public void println(String line) {
        super.println(Visible.line(String.valueOf(line)));
    }

    @Override
    public void print(String text) {
        super.print(Visible.lines(String.valueOf(text)));
    }

    @Override
    public void println(Object value) {
        super.println(text(value));
    }

    @Override
    public void print(Object value) {
        super.print(text(value));
    }

    private static String text(Object value) {
        String text = String.valueOf(value);
        return value instanceof JsonElement ? Visible.json(text) : Visible.line(text);
    }

    /** Whether a file descriptor of this process is a terminal. */
    static boolean isTerminal(int fd) {
        try {
            String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** What {@code --version} prints; the number is the jar's. */
    public static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Terminal.class.getPackage().getImplementationVersion();
            return new String[] {
                "weft " + (version == null ? "(not packaged)" : version) + ", Java "
                        + System.getProperty("java.version")
            };
        }
    }
}
