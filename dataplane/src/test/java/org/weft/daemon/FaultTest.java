package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The sentence and the exit code of a daemon whose start fails with an error. */
class FaultTest {
    private static final String INCOMPLETE = "): Weft is not installed completely, build it again with scripts/setup";

    static Stream<Arguments> errors() {
        OutOfMemoryError noThread = new OutOfMemoryError("unable to create native thread");
        return Stream.of(
                error(new UnsatisfiedLinkError("native code cannot be loaded"), 71, "native code cannot be loaded"),
                error(
                        noThread,
                        71,
                        "out of memory (unable to create native thread): give this process more memory, or more threads"
                                + " (TasksMax=, MemoryMax= and ulimit limit them)"),
                error(
                        new NoClassDefFoundError("io/netty/channel/Channel"),
                        70,
                        "a class cannot be loaded (NoClassDefFoundError: io/netty/channel/Channel" + INCOMPLETE),
                error(
                        new ExceptionInInitializerError(new UnsatisfiedLinkError("first line\nsecond line")),
                        71,
                        "first line"),
                error(new AssertionError(), 70, "internal error: java.lang.AssertionError"),
                error(
                        new IllegalStateException("failed to create a child event loop", noThread),
                        71,
                        "out of memory (unable to create native thread): give this process more memory, or more threads"
                                + " (TasksMax=, MemoryMax= and ulimit limit them)"));
    }

    private static Arguments error(Throwable thrown, int exitCode, String sentence) {
        return Arguments.of(Named.of(thrown.getClass().getSimpleName(), thrown), exitCode, sentence);
    }

    @ParameterizedTest
    @MethodSource("errors")
    void isOneSentenceAndAnExitCodeOfSysexits(Throwable thrown, int exitCode, String sentence) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, false, StandardCharsets.UTF_8);
        int code =
                Main.execute(List.of("daemon"), InputStream.nullInputStream(), stream, stream, cell -> raise(thrown));
        assertEquals("weft: " + sentence, err.toString(StandardCharsets.UTF_8).stripTrailing());
        assertEquals(exitCode, code);
    }

    private static void raise(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) thrown;
    }
}
