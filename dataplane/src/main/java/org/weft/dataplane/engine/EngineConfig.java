package org.weft.dataplane.engine;

/**
 * How the engine puts work on threads. Immutable.
 *
 * @param threading whether stages share the worker's thread or have one each
 * @param workers how many event loops share each device's queues
 * @param busyPollMicros how long a worker spins before it sleeps, in microseconds; 0: not at all
 */
public record EngineConfig(Threading threading, int workers, int busyPollMicros) {
    /** One worker that runs all stages and sleeps when there is nothing to do. */
    public static final EngineConfig DEFAULT = new EngineConfig(Threading.SHARED, 1, 0);

    /** How the stages of a packet's way are put on threads. */
    public enum Threading {
        /** Each direction runs to completion on the worker's event loop. */
        SHARED,
        /** Each stage has its own thread. */
        DEDICATED
    }
}
