package org.weft.dataplane.cli;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.Weft;
import org.weft.dataplane.config.ConfigFile;
import org.weft.dataplane.config.DaemonConfig;
import org.weft.dataplane.control.ControlServer;
import org.weft.dataplane.io.linux.SystemdNotifier;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code weft daemon}. */
@Command(
        name = "daemon",
        description = "%nRuns VTEPs in the foreground until SIGTERM or SIGINT; logs to standard error.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = "weft daemon [--config FILE] [--control PATH]",
        footer = {"", "Examples:", "  weft daemon --config /etc/weft/weft.yml", "  WEFT_LOG=debug weft daemon"})
final class DaemonCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger("weft");

    @Option(names = "--config", paramLabel = "FILE", description = "YAML or JSON; without it, no VTEP to begin with.")
    private Path config;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Override
    public Integer call() {
        Module base = Object.class.getModule();
        if (!base.isOpen("jdk.internal.misc", DaemonCommand.class.getModule())) {
            throw new OperatorException(
                    Kind.USAGE,
                    "this JVM keeps jdk.internal.misc to itself: start Weft with scripts/weft, or add"
                            + " --add-opens java.base/jdk.internal.misc=ALL-UNNAMED to java's options");
        }
        DaemonConfig daemon =
                config == null ? ConfigFile.none() : ConfigFile.read(config, Weft::underlayMtu, LOG::warn);
        CountDownLatch stopped = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        try (Weft running = new Weft(daemon);
                ControlServer control = new ControlServer(running, Weft::underlayMtu, weft.control())) {
            if (daemon.metrics() != null) {
                control.listenForMetrics(address(daemon.metrics()));
            }
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                stopped.countDown();
                try {
                    closed.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            SystemdNotifier.notify("READY=1");
            LOG.info("ready");
            stopped.await();
            SystemdNotifier.notify("STOPPING=1");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        closed.countDown();
        return 0;
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        return new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    }
}
