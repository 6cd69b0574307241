package org.weft.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;

/** A device whose calls go to another one, until a test makes one kind of them throw. */
public final class Faulty<T> {
    private final T device;
    private String method = "";
    private int period;
    private Supplier<Throwable> fault;
    private int calls;
    private int thrown;

    /** @param kind the device's interface */
    public Faulty(Class<T> kind, T target) {
        device = kind.cast(
                Proxy.newProxyInstance(kind.getClassLoader(), new Class<?>[] {kind}, (proxy, called, arguments) -> {
                    boolean fails = called.getName().equals(method) && ++calls % period == 0;
                    if (fails && !method.equals("flush")) {
                        thrown++;
                        throw fault.get();
                    }
                    try {
                        Object result = called.invoke(target, arguments);
                        if (fails) {
                            thrown++;
                            throw fault.get();
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    public T device() {
        return device;
    }

    /**
     * From now on each call of a method throws whose number can be divided by {@code period}. It has no other effect, but for
     * {@code flush}, which leaves nothing behind that was added.
     */
    public void throwFrom(String method, int period, Supplier<Throwable> fault) {
        this.method = method;
        this.period = period;
        this.fault = fault;
        this.calls = 0;
        this.thrown = 0;
    }

    /** Nothing is thrown any more. */
    public void recover() {
        method = "";
    }

    /** How often something was thrown since {@link #throwFrom}. */
    public int thrown() {
        return thrown;
    }
}
