package org.weft.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.weft.control.http.Fields;
import org.weft.control.http.Refusals;
import org.weft.control.policy.PolicyOperations;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.operator.OperatorException;

/** Executes operations: the JSON objects of {@code POST /v1}. Used by {@code weft-control} only. */
final class Operations {
    private static final List<String> OBJECTS = List.of("link", "fdb", "neigh", "tag", "policy");

    /** The fields that say what an operation is about; the first there is stands in its error text. */
    private static final List<String> KEYS = List.of("mac", "dst", "source", "destination", "dev");

    private final VtepRegistry registry;
    private final LinkOperations links;
    private final TableOperations tables;
    private final PolicyOperations policies;

    Operations(VtepRegistry registry, UnderlayMtu underlayMtu, PolicyOperations policies) {
        this.registry = registry;
        this.links = new LinkOperations(registry, underlayMtu);
        this.tables = new TableOperations(registry);
        this.policies = policies;
    }

    /**
     * Executes one operation.
     *
     * @param warnings hears of what is allowed but hardly meant
     * @return what was done, for the log: {@code fdb add}
     * @throws OperatorException if it cannot be done; nothing was changed then
     */
    String execute(JsonObject operation, Consumer<String> warnings) {
        Fields fields = new Fields(operation);
        String object = Fields.oneOf("object", fields.require("object"), OBJECTS);
        String action = fields.require("action");
        try {
            apply(object, action, fields, warnings);
        } catch (OperatorException e) {
            throw new OperatorException(e.kind(), subject(action, object, operation) + ": " + e.getMessage(), e);
        } catch (LinuxException e) {
            throw new OperatorException(
                    Refusals.kind(e), subject(action, object, operation) + ": " + e.getMessage(), e);
        }
        return object + " " + action;
    }

    /** Done when the change of policies that was executed last is in force, as others are at once. */
    CompletableFuture<Void> inForce() {
        return policies.inForce();
    }

    private void apply(String object, String action, Fields fields, Consumer<String> warnings) {
        if (object.equals("link")) {
            links.apply(Fields.oneOf("action", action, LinkOperations.ACTIONS), fields, warnings);
            return;
        }
        if (object.equals("policy")) {
            policies.apply(Fields.oneOf("action", action, PolicyOperations.ACTIONS), fields);
            return;
        }
        Fields.oneOf("action", action, TableOperations.actions(object));
        String dev = fields.text("dev");
        Vtep vtep = dev == null ? KnownVteps.only(registry) : KnownVteps.named(registry, dev);
        tables.apply(object, action, vtep, fields, warnings);
    }

    private static String subject(String action, String object, JsonObject operation) {
        for (String key : KEYS) {
            JsonElement value = operation.get(key);
            if (value != null && value.isJsonPrimitive()) {
                return action + " " + object + " " + value.getAsString();
            }
        }
        return action + " " + object;
    }
}
