package org.weft.cli;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** An object whose words are {@link Grammar}'s. */
abstract class ObjectCommand implements Callable<Integer> {
    /** Words the shell offers behind an object. */
    abstract static class Vocabulary implements Iterable<String> {
        private final String object;

        Vocabulary(String object) {
            this.object = object;
        }

        @Override
        public Iterator<String> iterator() {
            return Grammar.vocabulary(object).iterator();
        }
    }

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Spec
    private CommandSpec spec;

    /** The words behind the object. */
    abstract List<String> words();

    @Override
    public Integer call() {
        if (words().equals(List.of("help"))) {
            weft.out().print(spec.commandLine().getUsageMessage());
            return 0;
        }
        weft.session().run(Grammar.parse(spec.name(), words(), 0));
        return 0;
    }
}
