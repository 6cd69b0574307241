package org.weft.dataplane.engine;

import java.util.List;
import java.util.function.Consumer;
import org.agrona.LangUtil;
import org.agrona.concurrent.Agent;

/**
 * One pass of the packets through the agents of a line, one agent after the other. One thread at a
 * time calls it.
 *
 * <p>A descriptor wakes the first agent only. So each agent behind it runs until it finds nothing
 * more to do, as the kernel polls a queue until it is empty (gro_cell_poll). Otherwise frames would
 * wait in a ring until another packet comes. A turn is bounded, so that the other lines of the
 * thread have their turns: the first agent runs once, and the rings hold no more than what it has
 * put there.
 */
final class Turn {
    /**
     * Exceptions that end an agent's turn. An agent takes up to a batch of frames with each call
     * that throws. So this many calls empty a full ring even if each of them throws.
     */
    static final int MOST_FAILURES = 32;

    private final Agent[] agents;
    private final String[] roles;
    private final Consumer<String> doing;

    /**
     * @param agents in the packet's order; all but the first return 0 once nothing waits for them
     * @param doing hears which agent runs, by role, and null when none does
     */
    Turn(List<? extends Agent> agents, Consumer<String> doing) {
        this.agents = agents.toArray(Agent[]::new);
        this.roles = agents.stream().map(Agent::roleName).toArray(String[]::new);
        this.doing = doing;
    }

    /**
     * Runs the first agent once, and the agents behind it until nothing waits for them. Each agent
     * has its turn, whatever the agents before it throw, because frames wait for it. The first
     * exception is thrown at the end.
     */
    void run() {
        Throwable failure = null;
        doing.accept(roles[0]);
        try {
            agents[0].doWork();
        } catch (Throwable t) {
            failure = t;
        }
        moveOn(failure);
    }

    /**
     * Runs all agents but the first until nothing waits for them, and throws as {@link #run} does.
     */
    void drain() {
        moveOn(null);
    }

    private void moveOn(Throwable before) {
        Throwable failure = before;
        for (int i = 1; i < agents.length; i++) {
            doing.accept(roles[i]);
            Throwable thrown = empty(agents[i]);
            failure = failure == null ? thrown : failure;
        }
        doing.accept(null);
        if (failure != null) {
            LangUtil.rethrowUnchecked(failure);
        }
    }

    /** Returns the first exception, or null. */
    private static Throwable empty(Agent agent) {
        Throwable first = null;
        int failures = 0;
        while (failures < MOST_FAILURES) {
            try {
                if (agent.doWork() == 0) {
                    return first;
                }
            } catch (Throwable t) {
                failures++;
                first = first == null ? t : first;
            }
        }
        return first;
    }
}
