package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.SystemEpochClock;
import org.agrona.concurrent.SystemNanoClock;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.OwnDatagrams;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.engine.Engine;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.linux.LinuxTap;
import org.weft.dataplane.io.linux.SocketPools;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.RequiresRoot;

/**
 * The agents of a daemon share no objects but those that are made for several threads: with {@code
 * threading: dedicated} each agent has a thread, and in shared mode the agents of two workers have
 * two.
 */
@RequiresRoot
class SharedObjectsIT {
    private static final String CONFIG =
            """
            threading: %s
            workers: 2
            underlay:
              local: 10.0.16.14
            vteps:
              - {name: first, vni: 1, mtu: 1410, gbp: true, learning: false, proxy: true}
              - {name: second, vni: 2, mtu: 1410, learning: true}
            """;

    /**
     * Each agent has both ends of a line: two lines for two VTEPs and two workers, and a
     * decapsulator for each worker.
     */
    private static final int AGENTS = 2 * (2 * 3 + 1);

    /**
     * Classes that are made for several threads by their contract, so the test does not look
     * inside. A buffer that two agents have is that of a slab, whose slots have one owner at a
     * time.
     */
    private static final Set<String> CLOSED = Set.of(
            Vtep.class.getName(),
            Counters.class.getName(),
            Capture.class.getName(),
            OwnDatagrams.class.getName(),
            FrameRing.class.getName(),
            FrameSlab.class.getName(),
            SocketPools.class.getName(),
            "org.weft.dataplane.io.linux.SocketPool",
            SystemNanoClock.class.getName(),
            SystemEpochClock.class.getName(),
            UnsafeBuffer.class.getName());

    /** Classes whose objects several threads use, so their parts must allow that, too. */
    private static final Set<String> OPEN = Set.of(LinuxTap.class.getName(), "org.weft.dataplane.io.linux.TapOffloads");

    @ParameterizedTest
    @ValueSource(strings = {"dedicated", "shared"})
    void agentsShareNoObjectsThatAreMadeForOneThread(String threading) {
        try (HostLab lab = HostLab.open(Subject.KERNEL)) {
            Engine engine = OverlayHost.openWeft(lab.host, CONFIG.formatted(threading));
            try {
                assertEquals(Set.of(), shared(agents(engine)));
            } finally {
                OverlayHost.close(lab.host, engine);
            }
        }
    }

    private static List<Agent> agents(Engine engine) {
        List<Agent> agents = reach(engine, object -> false).keySet().stream()
                .filter(object -> object.getClass().getPackageName().equals("org.weft.dataplane.agent"))
                .filter(Agent.class::isInstance)
                .map(Agent.class::cast)
                .toList();
        assertEquals(AGENTS, agents.size(), () -> roles(agents).toString());
        return agents;
    }

    private static Set<String> roles(List<Agent> agents) {
        return new TreeSet<>(agents.stream().map(Agent::roleName).toList());
    }

    /** Objects that two agents reach, by class and agents. */
    private static Set<String> shared(List<Agent> agents) {
        Map<Object, Agent> owners = new IdentityHashMap<>();
        Set<String> shared = new TreeSet<>();
        for (Agent agent : agents) {
            Set<Object> reached = reach(agent, SharedObjectsIT::isClosed).keySet();
            assertTrue(reached.size() > 5, agent.roleName());
            for (Object object : reached) {
                Agent owner = owners.putIfAbsent(object, agent);
                if (owner != null && !mayBeShared(object)) {
                    shared.add(object.getClass().getName() + " of " + owner.roleName() + " and " + agent.roleName());
                }
            }
        }
        return shared;
    }

    private static boolean isClosed(Object object) {
        return CLOSED.contains(object.getClass().getName());
    }

    private static boolean mayBeShared(Object object) {
        Class<?> type = object.getClass();
        return isClosed(object) || OPEN.contains(type.getName()) || isImmutable(object);
    }

    /**
     * Records of this project are immutable; a collection is followed, and is immutable or not
     * written.
     */
    private static boolean isImmutable(Object object) {
        return object instanceof Record || object instanceof Collection;
    }

    /**
     * All objects of this project and of Agrona, and arrays, that are reached from one by fields,
     * elements and entries.
     */
    private static Map<Object, Boolean> reach(Object start, Predicate<Object> closed) {
        Map<Object, Boolean> reached = new IdentityHashMap<>();
        Deque<Object> open = new ArrayDeque<>(List.of(start));
        while (!open.isEmpty()) {
            Object object = open.pop();
            if (isFollowed(object) && reached.put(object, true) == null && (object == start || !closed.test(object))) {
                parts(object).forEach(open::push);
            }
        }
        return reached;
    }

    private static boolean isFollowed(Object object) {
        return object instanceof Collection
                || object instanceof Map
                || object.getClass().isArray()
                || hasFollowedFields(object.getClass()) && !(object instanceof Enum);
    }

    /**
     * Whether a class is of this project, or of Agrona, which runs agents and has their buffers.
     */
    private static boolean hasFollowedFields(Class<?> type) {
        return type.getName().startsWith("org.weft.") || type.getName().startsWith("org.agrona.");
    }

    private static Collection<Object> parts(Object object) {
        if (object instanceof Collection<?> collection) {
            return List.copyOf(collection);
        }
        if (object instanceof Map<?, ?> map) {
            return List.copyOf(map.values());
        }
        Set<Object> parts = Collections.newSetFromMap(new IdentityHashMap<>());
        if (object instanceof Object[] array) {
            for (Object element : array) {
                add(element, parts);
            }
        } else if (!object.getClass().isArray()) {
            addFields(object, parts);
        }
        return parts;
    }

    private static void addFields(Object object, Set<Object> parts) {
        for (Class<?> type = object.getClass(); hasFollowedFields(type); type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
                    add(value(field, object), parts);
                }
            }
        }
    }

    private static Object value(Field field, Object object) {
        try {
            field.setAccessible(true);
            return field.get(object);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private static void add(Object part, Set<Object> parts) {
        if (part != null) {
            parts.add(part);
        }
    }
}
