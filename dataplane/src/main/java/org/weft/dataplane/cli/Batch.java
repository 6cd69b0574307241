package org.weft.dataplane.cli;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.weft.dataplane.cli.ControlClient.Failure;
import org.weft.dataplane.cli.Statement.Change;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

/**
 * Runs the lines of a file in order, as {@code ip -batch} does. Changes that follow each other go to the daemon
 * together; what went before a line that fails stands.
 */
final class Batch {
    /** Changes are sent when so many bytes of them are waiting. */
    private static final int RUN_BYTES = 4 << 20;

    private static final int FAILED = 1;

    private final Session session;
    private final String file;
    private final boolean force;
    private final PrintStream err;

    private final ByteArrayOutputStream changes = new ByteArrayOutputStream(1 << 16);
    /** The line that each of the waiting changes came from. */
    private final List<Integer> changeLines = new ArrayList<>();

    private int line;
    private int exitCode;

    /**
     * @param file its name, for messages
     * @param force go on behind a line that fails
     */
    Batch(Session session, String file, boolean force, PrintStream err) {
        this.session = session;
        this.file = file;
        this.force = force;
        this.err = err;
    }

    /** Returns 0, or 1 if a line failed. */
    int run(BufferedReader lines) throws IOException {
        for (String text = next(lines); text != null && goesOn(); text = next(lines)) {
            statement(text);
            // Whoever writes the lines as it goes wants them carried out before it writes the next one.
            if (changes.size() > RUN_BYTES || !lines.ready()) {
                send();
            }
        }
        if (goesOn()) {
            send();
        }
        return exitCode;
    }

    private boolean goesOn() {
        return force || exitCode == 0;
    }

    /** A line, with those it is continued on by a backslash at its end; null at the end of the file. */
    private String next(BufferedReader lines) throws IOException {
        String text = lines.readLine();
        if (text == null) {
            return null;
        }
        line++;
        while (text.endsWith("\\")) {
            String continuation = lines.readLine();
            line++;
            text = text.substring(0, text.length() - 1) + " " + (continuation == null ? "" : continuation);
        }
        return text;
    }

    private void statement(String text) {
        try {
            List<String> words = split(text);
            if (words.isEmpty()) {
                return;
            }
            Statement statement = Grammar.parse(words);
            if (statement instanceof Change change) {
                changes.writeBytes(change.body().toString().getBytes(StandardCharsets.UTF_8));
                changes.write('\n');
                changeLines.add(line);
            } else {
                send();
                if (goesOn()) {
                    session.run(statement);
                }
            }
        } catch (OperatorException e) {
            if (e.kind() == Kind.UNAVAILABLE) {
                throw e;
            }
            send();
            if (goesOn()) {
                failed(line, e.getMessage());
            }
        }
    }

    private void send() {
        if (changes.size() == 0) {
            return;
        }
        for (Failure failure : session.client().post(changes, force)) {
            int index = Math.max(1, Math.min(failure.index(), changeLines.size()));
            failed(changeLines.get(index - 1), failure.sentence());
        }
        changes.reset();
        changeLines.clear();
    }

    private void failed(int where, String sentence) {
        session.out().flush();
        err.println(sentence);
        err.println("Command failed " + file + ":" + where);
        exitCode = FAILED;
    }

    /** Words between blanks; quotes of both kinds keep blanks in a word; {@code #} begins a comment. */
    static List<String> split(String line) {
        List<String> words = new ArrayList<>(12);
        StringBuilder word = null;
        char quote = 0;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quote != 0 && c == quote) {
                quote = 0;
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
                word = word == null ? new StringBuilder() : word;
            } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
                word = end(word, words);
            } else if (quote == 0 && c == '#') {
                break;
            } else {
                word = word == null ? new StringBuilder(20) : word;
                word.append(c);
            }
        }
        if (quote != 0) {
            throw new OperatorException(Kind.USAGE, "a quote (" + quote + ") is not closed");
        }
        end(word, words);
        return words;
    }

    private static StringBuilder end(StringBuilder word, List<String> words) {
        if (word != null) {
            words.add(word.toString());
        }
        return null;
    }
}
