package org.weft.control;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.weft.config.VtepAttributes;
import org.weft.config.VtepOverlap;
import org.weft.control.http.Fields;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Adds, changes and removes VTEPs. */
final class LinkOperations {
    static final List<String> ACTIONS = List.of("add", "set", "del");

    private final VtepRegistry registry;
    private final UnderlayMtu underlayMtu;

    LinkOperations(VtepRegistry registry, UnderlayMtu underlayMtu) {
        this.registry = registry;
        this.underlayMtu = underlayMtu;
    }

    void apply(String action, Fields fields, Consumer<String> warnings) {
        String name = fields.require("dev");
        switch (action) {
            case "add" -> add(name, attributes(fields), warnings);
            case "set" -> set(name, attributes(fields), warnings);
            default -> {
                fields.refuseOthers();
                registry.remove(KnownVteps.named(registry, name));
            }
        }
    }

    private static Map<String, String> attributes(Fields fields) {
        Map<String, String> attributes = fields.attributes("attributes");
        fields.refuseOthers();
        return attributes;
    }

    private void add(String name, Map<String, String> attributes, Consumer<String> warnings) {
        if (registry.vtep(name) != null) {
            throw new OperatorException(
                    Kind.CANNOT_CREATE, "File exists (this daemon has a VTEP of this name; change it with set)");
        }
        VtepConfig config = VtepAttributes.create(name, attributes, underlayMtu, warnings);
        String overlap = VtepOverlap.find(
                config, registry.vteps().stream().map(Vtep::config).toList());
        if (overlap != null) {
            throw new OperatorException(Kind.CANNOT_CREATE, "File exists (" + overlap + ")");
        }
        boolean mtuAssumed = VtepAttributes.assumesMtu(attributes, config, underlayMtu);
        registry.add(new VtepEntries(config, List.of(), List.of(), List.of(), mtuAssumed));
    }

    private void set(String name, Map<String, String> attributes, Consumer<String> warnings) {
        Vtep vtep = KnownVteps.named(registry, name);
        String up = attributes.remove("up");
        Boolean wanted = up == null ? null : up(up);
        VtepConfig before = vtep.config();
        VtepConfig changed = VtepAttributes.change(before, attributes, underlayMtu, warnings);
        if (!changed.equals(before)) {
            registry.change(vtep, changed);
        }
        if (wanted != null) {
            up(vtep, wanted, before);
        }
    }

    /** @param before the configuration that is put back if the kernel refuses */
    private void up(Vtep vtep, boolean wanted, VtepConfig before) {
        try {
            registry.up(vtep, wanted);
        } catch (RuntimeException | Error e) {
            if (!before.equals(vtep.config())) {
                changeBack(vtep, before, e);
            }
            throw e;
        }
    }

    private void changeBack(Vtep vtep, VtepConfig before, Throwable cause) {
        try {
            registry.change(vtep, before);
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }

    private static boolean up(String text) {
        return switch (text) {
            case "up", "true" -> true;
            case "down", "false" -> false;
            default -> throw new OperatorException(Kind.BAD_DATA, "up: \"" + text + "\" is not up or down");
        };
    }
}
