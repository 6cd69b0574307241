package org.weft.daemon;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.weft.cli.Terminal;
import org.weft.cli.WeftCommand;
import org.weft.dataplane.io.linux.Confinement;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line's entry: arguments, exit codes (sysexits.h), and one sentence for each error. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
                false,
                StandardCharsets.UTF_8);
        int exitCode = execute(List.of(arguments), System.in, out, System.err, Confinement::enter);
        out.flush();
        System.exit(exitCode);
    }

    /** Runs one command line in a process that keeps what it may do, and returns its exit code. */
    public static int execute(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        return execute(arguments, in, out, err, cell -> {});
    }

    /** @param confine limits this process before it becomes a daemon, with a cell or without; may replace the process */
    public static int execute(
            List<String> arguments, InputStream in, PrintStream out, PrintStream err, Consumer<Boolean> confine) {
        try {
            return run(arguments, new WeftCommand(in, Terminal.on(out, false), Terminal.on(err, true)), confine);
        } catch (Error e) {
            return failed(Fault.of(e), err);
        }
    }

    private static int run(List<String> arguments, WeftCommand weft, Consumer<Boolean> confine) {
        PrintStream out = weft.out();
        PrintStream err = weft.err();
        CommandLine commandLine = new CommandLine(weft)
                .addSubcommand(new DaemonCommand(weft, confine))
                .addSubcommand(GenerateCompletion.class)
                .addSubcommand(HelpCommand.class)
                .setExpandAtFiles(false)
                .setAbbreviatedSubcommandsAllowed(true)
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
                .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(err, true, StandardCharsets.UTF_8))
                .setUsageHelpWidth(100)
                .setParameterExceptionHandler((e, words) -> usage(e, err))
                .setExecutionExceptionHandler((e, line, result) -> failed(e, result, err));
        int exitCode = commandLine.execute(arguments.toArray(String[]::new));
        out.flush();
        return exitCode;
    }

    private static int usage(ParameterException e, PrintStream err) {
        CommandLine command = e.getCommandLine();
        String sentence = e.getMessage().replaceFirst("^Error: ", "");
        if (e instanceof UnmatchedArgumentException unmatched && command.getParent() == null) {
            String word = unmatched.getUnmatched().get(0);
            sentence = (word.startsWith("-") ? "unknown option \"" : "unknown object \"") + word + "\""
                    + Suggestion.ofWord(word, command.getSubcommands().keySet());
        }
        err.println("weft: " + sentence + "; try '" + command.getCommandSpec().qualifiedName() + " --help'");
        return Kind.USAGE.exitCode();
    }

    private static int failed(Exception e, ParseResult result, PrintStream err) {
        if (e instanceof OperatorException operator) {
            ("weft: " + operator.getMessage()).lines().forEach(err::println);
            return operator.kind().exitCode();
        }
        Fault fault = Fault.of(e);
        if (fault != null) {
            return failed(fault, err);
        }
        err.println("weft: internal error in " + String.join(" ", result.originalArgs()) + ":");
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        trace.toString().lines().forEach(line -> err.println(line.replace("\t", "    ")));
        return Fault.INTERNAL_ERROR;
    }

    private static int failed(Fault fault, PrintStream err) {
        err.println("weft: " + fault.sentence());
        return fault.exitCode();
    }
}
