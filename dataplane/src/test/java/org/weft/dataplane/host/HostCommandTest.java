package org.weft.dataplane.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.host.HostCommand.Answer;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

class HostCommandTest {
    @Test
    void namesThePackageOfACommandThatIsMissing() {
        var e = assertThrows(
                OperatorException.class, () -> HostCommand.run("", List.of("weft-no-such-command"), "nftables"));
        assertEquals(Kind.UNAVAILABLE, e.kind());
        assertTrue(
                e.getMessage().startsWith("the command weft-no-such-command does not run: install nftables"),
                e.getMessage());
    }

    @Test
    void takesInMoreThanAPipeHolds() {
        String input = "line\n".repeat(100_000);
        Answer answer = HostCommand.run(input, List.of("tee", "/dev/stderr"), "coreutils");
        assertTrue(answer.succeeded());
        assertEquals(input, answer.output());
        assertEquals(input, answer.errors());
    }

    @Test
    void tellsWhyItFailed() {
        Answer answer = HostCommand.run("echo; echo so it is >&2; exit 3", List.of("sh"), "dash");
        assertFalse(answer.succeeded());
        assertEquals("so it is", answer.reason());
    }
}
