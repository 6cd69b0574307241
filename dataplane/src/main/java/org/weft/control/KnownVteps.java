package org.weft.control;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Finds the VTEP that a request names. Errors list the names that this daemon knows. */
final class KnownVteps {
    private KnownVteps() {}

    /** @throws OperatorException if this daemon has no VTEP of this name */
    static Vtep named(VtepRegistry registry, String name) {
        Vtep vtep = registry.vtep(name);
        if (vtep == null) {
            throw new OperatorException(Kind.NO_INPUT, "Cannot find device \"" + name + "\" (" + known(registry) + ")");
        }
        return vtep;
    }

    /** The VTEP that an operation means if it names none. */
    static Vtep only(VtepRegistry registry) {
        List<Vtep> vteps = registry.vteps();
        if (vteps.size() != 1) {
            throw new OperatorException(Kind.USAGE, "name the device with \"dev\" (" + known(registry) + ")");
        }
        return vteps.get(0);
    }

    private static String known(VtepRegistry registry) {
        Set<String> names = registry.vteps().stream().map(Vtep::name).collect(Collectors.toUnmodifiableSet());
        return names.isEmpty()
                ? "this daemon has no VTEP"
                : "this daemon has " + names.stream().sorted().collect(Collectors.joining(", "));
    }
}
