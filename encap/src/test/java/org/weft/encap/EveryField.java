package org.weft.encap;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Calls all accessors of a flyweight, so that none is forgotten when one is added. */
final class EveryField {
    private static final ClassValue<List<Method>> ACCESSORS = new ClassValue<>() {
        @Override
        protected List<Method> computeValue(Class<?> type) {
            return Arrays.stream(type.getDeclaredMethods())
                    .filter(method -> Modifier.isPublic(method.getModifiers()))
                    .filter(method -> !Modifier.isStatic(method.getModifiers()))
                    .filter(method -> method.getParameterCount() == 0)
                    .filter(method -> method.getReturnType().isPrimitive())
                    .sorted(Comparator.comparing(Method::getName))
                    .toList();
        }
    };

    private EveryField() {}

    static List<Object> of(Object flyweight) {
        return ACCESSORS.get(flyweight.getClass()).stream()
                .map(method -> call(method, flyweight))
                .toList();
    }

    private static Object call(Method method, Object flyweight) {
        try {
            return method.invoke(flyweight);
        } catch (InvocationTargetException e) {
            throw new AssertionError(method + " failed", e.getCause());
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
