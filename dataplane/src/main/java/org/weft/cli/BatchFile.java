package org.weft.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.weft.cli.DaemonErrors.Failure;
import org.weft.cli.Statement.Change;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Runs the lines of a file in order, as {@code ip -batch} does. Changes that follow each other go to the daemon
 * in one request; what went before a line that fails stands.
 */
final class BatchFile {
    private static final int FAILED = 1;

    private final Session session;
    private final String file;
    private final boolean force;
    private final PrintStream err;

    /** The request being written; null if none is. */
    private ChangeStream changes;

    /** The line that each of its changes came from. */
    private final List<Integer> changeLines = new ArrayList<>();

    private int line;
    private int exitCode;

    /**
     * @param file its name, for messages
     * @param force go on behind a line that fails
     */
    BatchFile(Session session, String file, boolean force, PrintStream err) {
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
            if (!lines.ready()) {
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
                changes = changes == null ? session.client().changes(force) : changes;
                changes.add(change.body());
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
        if (changes == null) {
            return;
        }
        for (Failure failure : changes.finish()) {
            int index = Math.max(1, Math.min(failure.index(), changeLines.size()));
            failed(changeLines.get(index - 1), failure.sentence());
        }
        changes = null;
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
        int at = 0;
        while (at < line.length() && line.charAt(at) != '#') {
            if (isBlank(line.charAt(at))) {
                at++;
            } else {
                at = word(line, at, words);
            }
        }
        return words;
    }

    /** Adds the word that begins at {@code start}, and returns where it ends. */
    private static int word(String line, int start, List<String> words) {
        StringBuilder unquoted = null;
        int from = start;
        int at = start;
        while (at < line.length() && !isBlank(line.charAt(at)) && line.charAt(at) != '#') {
            char c = line.charAt(at);
            if (c == '"' || c == '\'') {
                int end = line.indexOf(c, at + 1);
                if (end < 0) {
                    throw new OperatorException(Kind.USAGE, "a quote (" + c + ") is not closed");
                }
                unquoted = unquoted == null ? new StringBuilder() : unquoted;
                unquoted.append(line, from, at).append(line, at + 1, end);
                at = end;
                from = end + 1;
            }
            at++;
        }
        words.add(
                unquoted == null
                        ? line.substring(start, at)
                        : unquoted.append(line, from, at).toString());
        return at;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
    }
}
