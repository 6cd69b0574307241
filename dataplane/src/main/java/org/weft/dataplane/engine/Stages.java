package org.weft.dataplane.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.engine.EngineConfig.Threading;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.linux.Worker;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.dataplane.watchdog.ThreadNames;

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

        /** Whether the first agent is still called when there is something to read; not after its descriptor failed. */
        default boolean running() {
            return true;
        }
    }

    /** Names of the threads of dedicated agents. */
    private final ThreadNames names = new ThreadNames();

    private final Threading threading;
    private final List<Worker> workers = new ArrayList<>();

    Stages(EngineConfig config) {
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
        Turn turn = new Turn(agents, worker::doing);
        return worker.call(() -> {
            SharedLine shared = new SharedLine(worker, turn);
            shared.registration = worker.onReadable(fd, turn::run, shared::fail);
            return shared;
        });
    }

    private static final class SharedLine implements Line {
        /** One error is reported once, as that of a socket that somebody aborted. */
        private static final int MOST_FAILURES = 3;

        private final Worker worker;
        private final Turn turn;
        private int failures;
        private volatile boolean failed;
        private Worker.Registration registration;

        SharedLine(Worker worker, Turn turn) {
            this.worker = worker;
            this.turn = turn;
        }

        /** An error that reading does not end makes the descriptor ready for ever: it is not asked about any more. */
        private void fail() {
            if (++failures >= MOST_FAILURES) {
                failed = true;
                registration.close();
            }
        }

        @Override
        public boolean running() {
            return !failed;
        }

        @Override
        public void stop() {
            worker.call(() -> {
                registration.close();
                drain(turn);
                return null;
            });
        }
    }

    private Line dedicate(List<? extends Agent> agents) {
        List<AgentRunner> runners = new ArrayList<>();
        List<Heartbeat> heartbeats = new ArrayList<>();
        List<String> taken = new ArrayList<>();
        for (Agent agent : agents) {
            String name = names.take("weft-" + stage(agent) + "-");
            taken.add(name);
            Heartbeat heartbeat = Heartbeats.PROCESS.register(name, Heartbeats.PACKETS);
            heartbeat.doing(agent.roleName());
            heartbeats.add(heartbeat);
            AgentRunner runner = new AgentRunner(
                    new BackoffIdleStrategy(MAX_SPINS, MAX_YIELDS, MIN_PARK_NANOS, MAX_PARK_NANOS),
                    heartbeat::failed,
                    null,
                    new Beating(agent, heartbeat, name));
            AgentRunner.startOnThread(runner);
            runners.add(runner);
        }
        return () -> {
            heartbeats.forEach(Heartbeat::close);
            runners.forEach(AgentRunner::close);
            taken.forEach(names::giveBack);
            // The agents' threads have ended, so this thread may call them.
            drain(new Turn(agents, role -> {}));
        };
    }

    /** One word for an agent's work, short enough for the name of its thread. */
    private static String stage(Agent agent) {
        if (agent instanceof TapReader) {
            return "read";
        }
        if (agent instanceof Encapsulator) {
            return "encap";
        }
        if (agent instanceof Decapsulator) {
            return "decap";
        }
        return agent instanceof TapWriter ? "write" : "agent";
    }

    /**
     * An agent with a thread of its own, which beats now and then. Agrona names the thread for the
     * role.
     */
    private static final class Beating implements Agent {
        /** A power of two; an idle agent sleeps a millisecond at most in each duty cycle. */
        private static final int CYCLES_PER_BEAT = 64;

        private final Agent agent;
        private final Heartbeat heartbeat;
        private final String threadName;
        private int cycles;

        Beating(Agent agent, Heartbeat heartbeat, String threadName) {
            this.agent = agent;
            this.heartbeat = heartbeat;
            this.threadName = threadName;
        }

        @Override
        public int doWork() throws Exception {
            if ((cycles++ & CYCLES_PER_BEAT - 1) == 0) {
                heartbeat.beat();
            }
            return agent.doWork();
        }

        @Override
        public String roleName() {
            return threadName;
        }
    }

    /**
     * Moves on what upstream agents left in the rings. A failure is logged, because the line stops
     * in any case.
     */
    private static void drain(Turn turn) {
        try {
            turn.drain();
        } catch (Throwable t) {
            LOG.error("an agent failed while its line stopped: {}", t.toString(), t);
        }
    }

    @Override
    public void close() {
        Closing.each(workers, Worker::close);
    }
}
