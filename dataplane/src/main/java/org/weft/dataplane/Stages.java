package org.weft.dataplane;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.config.DaemonConfig;
import org.weft.dataplane.config.DaemonConfig.Threading;
import org.weft.dataplane.io.linux.Worker;

/**
 * Puts agents on threads: the only place that knows how. Agents joined by rings form a line; the first one reads from a
 * file descriptor.
 */
final class Stages implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Stages.class);
    private static final int MAX_SPINS = 100;
    private static final int MAX_YIELDS = 100;
    private static final long MIN_PARK_NANOS = TimeUnit.MICROSECONDS.toNanos(1);
    private static final long MAX_PARK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** A running line of agents. */
    interface Line {
        /** Returns when no agent of the line runs any more and nothing is left in the rings between them. */
        void stop();
    }

    private final Threading threading;
    private final List<Worker> workers = new ArrayList<>();

    Stages(DaemonConfig config) {
        threading = config.threading();
        for (int i = 0; i < config.workers(); i++) {
            Worker worker = new Worker("weft-worker-" + i);
            worker.busyPoll(TimeUnit.MICROSECONDS.toNanos(config.busyPollMicros()));
            workers.add(worker);
        }
    }

    /** The event loops that own the sockets, and in shared mode run the agents. */
    List<Worker> workers() {
        return workers;
    }

    /**
     * Starts a line.
     *
     * @param worker its index
     * @param fd what the first agent reads from
     * @param agents in the packet's order
     */
    Line start(int worker, int fd, List<? extends Agent> agents) {
        return threading == Threading.SHARED ? share(workers.get(worker), fd, agents) : dedicate(agents);
    }

    private static Line share(Worker worker, int fd, List<? extends Agent> agents) {
        Agent[] line = agents.toArray(Agent[]::new);
        Worker.Registration[] registration = new Worker.Registration[1];
        worker.call(() -> {
            registration[0] = worker.onReadable(fd, () -> runInTurn(line), () -> registration[0].close());
            return null;
        });
        return () -> worker.call(() -> {
            registration[0].close();
            return null;
        });
    }

    private static void runInTurn(Agent[] line) {
        try {
            for (Agent agent : line) {
                agent.doWork();
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static Line dedicate(List<? extends Agent> agents) {
        List<AgentRunner> runners = new ArrayList<>();
        for (Agent agent : agents) {
            AgentRunner runner = new AgentRunner(
                    new BackoffIdleStrategy(MAX_SPINS, MAX_YIELDS, MIN_PARK_NANOS, MAX_PARK_NANOS),
                    e -> LOG.error("{}: {}", agent.roleName(), e.toString(), e),
                    null,
                    agent);
            AgentRunner.startOnThread(runner);
            runners.add(runner);
        }
        return () -> {
            runners.forEach(AgentRunner::close);
            // Upstream agents have stopped; what they left in the rings is still to be moved on.
            for (Agent agent : agents.subList(1, agents.size())) {
                drain(agent);
            }
        };
    }

    private static void drain(Agent agent) {
        try {
            while (agent.doWork() > 0) {
                Thread.onSpinWait();
            }
        } catch (Exception e) {
            LOG.error("{}: {}", agent.roleName(), e.toString(), e);
        }
    }

    @Override
    public void close() {
        workers.forEach(Worker::close);
    }
}
