package org.weft.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.joran.spi.JoranException;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonWriter;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VisibleTest {
    /** Sets a colour, in seven bits and in eight, ends a line, and reverses the direction of what follows. */
    private static final String HOSTILE = "\u001b[31m \u009b31m \nFAKE\r\u202e\u007f";

    private static final String SHOWN = "\\x1b[31m \\u009b31m \\x0aFAKE\\x0d\\u202e\\x7f";

    @Test
    void showsWhatATerminalWouldActUpon() {
        assertEquals(SHOWN, Visible.line(HOSTILE));
        assertEquals(SHOWN.replace("\\x0a", "\n"), Visible.lines(HOSTILE));
    }

    @Test
    void leavesOtherTextAsItIs() {
        for (String text : new String[] {
            "", "10.255.1.0/24 dev silk-vtep", "C:\\path \"quoted\"", "gr\u00fc\u00dfe \u6f22\u5b57 \ud83d\ude00"
        }) {
            assertSame(text, Visible.line(text));
            assertSame(text, Visible.lines(text));
            assertSame(text, Visible.json(text));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x00", "0x09", "0x1f", "0x7f", "0x80", "0x85", "0x9f", "0xad", "0x200e", "0x2028", "0x2029", "0x202a",
        "0x2066", "0xfeff", "0xd800", "0xe0001"
    })
    void hidesAllControlsSeparatorsAndFormats(int point) {
        String shown = Visible.line("a" + Character.toString(point) + "b");
        assertTrue(shown.matches("a(\\\\x[0-9a-f]{2}|(\\\\u[0-9a-f]{4})+)b"), shown);
    }

    @Test
    void jsonKeepsItsValue() {
        Random random = new Random(7);
        for (int i = 0; i < 500; i++) {
            JsonObject json = new JsonObject();
            StringBuilder text = new StringBuilder(HOSTILE);
            random.ints(20, 0, 0x3000).forEach(text::appendCodePoint);
            json.addProperty("name", text.toString());
            String shown = Visible.json(json.toString());
            assertEquals(json, JsonParser.parseString(shown));
            assertEquals(shown, Visible.lines(shown), "a character is still there");
        }
    }

    @Test
    void jsonThatIsWrittenInPiecesKeepsItsValue() throws IOException {
        String text = (HOSTILE + "\ud83d\ude00\udb40\udc01").repeat(1000);
        StringWriter out = new StringWriter();
        try (JsonWriter json = new JsonWriter(new BufferedWriter(new JsonOutput(out), 7))) {
            json.beginArray().value(text).value(7).endArray();
        }
        assertEquals(
                text,
                JsonParser.parseString(out.toString()).getAsJsonArray().get(0).getAsString());
        assertEquals(out.toString(), Visible.line(out.toString()));
    }

    @Test
    void aLogEventIsOneLineWithoutControlsMessageAndExceptionAlike() throws JoranException {
        LoggerContext context = new LoggerContext();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(getClass().getResource("/logback.xml"));
        Logger root = context.getLogger("ROOT");
        ConsoleAppender<ILoggingEvent> appender = (ConsoleAppender<ILoggingEvent>) root.getAppender("stderr");
        LoggingEvent event = new LoggingEvent(
                "", root, Level.WARN, "lease {}", new IllegalStateException(HOSTILE), new Object[] {HOSTILE});
        String line = new String(appender.getEncoder().encode(event), StandardCharsets.UTF_8);

        assertTrue(line.endsWith("\n"));
        String body = line.substring(0, line.length() - 1);
        assertSame(body, Visible.line(body));
        assertTrue(body.matches("[0-9:.]{12} WARN  ROOT: lease [^%]*"), "no word of the pattern stays: " + body);
        assertTrue(
                body.contains(
                        "lease \\x1b[31m \\u009b31m FAKE \\u202e\\x7f java.lang.IllegalStateException: \\x1b[31m"),
                body);
    }
}
