package org.weft.silk.cni;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.operator.OperatorException;
import org.weft.silk.cni.CniException.Code;
import org.weft.silk.container.Attachment;
import org.weft.silk.container.Containers;

/**
 * The Container Network Interface: what the plugin {@code weft-cni} is asked, answered by the daemon. Versions 0.3.0 to
 * 1.1.0 of the specification; Weft is the plugin that makes the interface, so others are chained behind it.
 *
 * <p>The plugin asks with {@code POST /v1/cni} on the control socket: the variables are headers (see {@link #environment}),
 * the configuration is the body. It prints the body of the answer, and exits with 0 if the status is 200, else with 1; 404
 * tells it that there is no cell here.
 */
public final class Cni {
    private static final Logger LOG = LoggerFactory.getLogger(Cni.class);
    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /**
     * What the plugin prints before it ends.
     *
     * @param ok whether it then exits with 0
     * @param json empty where the specification has no result
     */
    public record Answer(boolean ok, String json) {}

    private final Containers containers;
    private volatile String lastRefusal;

    public Cni(Containers containers) {
        this.containers = containers;
    }

    /** The variables in headers of HTTP: {@code CNI-ContainerID} is {@code CNI_CONTAINERID}. Other headers are left out. */
    public static Map<String, String> environment(Iterable<Map.Entry<String, String>> headers) {
        Map<String, String> environment = new TreeMap<>();
        for (Map.Entry<String, String> header : headers) {
            String name = header.getKey().toUpperCase(Locale.ROOT).replace('-', '_');
            if (name.startsWith("CNI_")) {
                environment.put(name, header.getValue());
            }
        }
        return environment;
    }

    /**
     * Does what a container runtime asks for. It may take some ten milliseconds; failures are answers too.
     *
     * @param environment variables that begin with {@code CNI_}
     * @param stdin the network's configuration
     */
    public Answer handle(Map<String, String> environment, String stdin) {
        String command = environment.getOrDefault("CNI_COMMAND", "");
        try {
            JsonObject result = command.equals("VERSION") ? versions(stdin) : execute(command, environment, stdin);
            return new Answer(true, result == null ? "" : GSON.toJson(result));
        } catch (CniException e) {
            return failure(command, e, stdin);
        } catch (OperatorException e) {
            return failure(command, new CniException(code(e.kind()), e.getMessage(), e), stdin);
        } catch (RuntimeException e) {
            LOG.error("CNI {} failed unforeseen", command, e);
            return failure(command, new CniException(Code.HOST_FAILURE, e.toString(), e), stdin);
        }
    }

    private JsonObject execute(String command, Map<String, String> environment, String stdin) {
        CniCall call = new CniCall(environment, stdin);
        switch (command) {
            case "ADD" -> {
                return CniResult.of(call, containers.attach(call.request()));
            }
            case "DEL" -> delete(call);
            case "CHECK" -> check(call);
            case "GC" -> {
                call.version().requireFor(command, CniVersion.V1_1_0);
                containers.gc(call.network(), call.validAttachments()::contains);
            }
            case "STATUS" -> {
                call.version().requireFor(command, CniVersion.V1_1_0);
                status();
            }
            default ->
                throw new CniException(
                        Code.INVALID_ENVIRONMENT,
                        "CNI_COMMAND: \"" + command + "\" is not one of ADD, DEL, CHECK, GC, STATUS, VERSION");
        }
        return null;
    }

    /** The namespace may be gone, and then is not named. */
    private void delete(CniCall call) {
        Attachment.Key key = call.key();
        Path netns = call.netnsIfAny();
        if (!containers.detach(key) && netns != null) {
            containers.detachFound(netns, key.ifname());
        }
    }

    private void check(CniCall call) {
        call.version().requireFor("CHECK", CniVersion.V0_4_0);
        JsonObject result = call.prevResult();
        if (result == null) {
            throw new CniException(Code.INVALID_CONFIG, "prevResult is missing, and CHECK compares with it");
        }
        Attachment.Key key = call.key();
        String netns = call.netns();
        Attachment attachment = containers.entries().stream()
                .filter(entry -> entry.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new CniException(Code.UNKNOWN_CONTAINER, key + " is not attached"));
        CniResult.requireNames(result, attachment, netns);
        List<String> faults = containers.check(key, CniResult.hasDefaultRoute(result));
        if (!faults.isEmpty()) {
            throw new CniException(Code.NOT_AS_LAID, key + ": " + String.join("; ", faults));
        }
    }

    private void status() {
        String reason = containers.unavailable();
        if (reason != null) {
            boolean limited = !containers.isLeased() && containers.size() > 0;
            throw new CniException(limited ? Code.NOT_AVAILABLE_AND_LIMITED : Code.NOT_AVAILABLE, reason);
        }
    }

    private static JsonObject versions(String stdin) {
        JsonArray all = new JsonArray();
        CniVersion.all().forEach(all::add);
        JsonObject result = new JsonObject();
        result.addProperty("cniVersion", versionOf(stdin));
        result.add("supportedVersions", all);
        return result;
    }

    private Answer failure(String command, CniException e, String stdin) {
        String refusal = command + " is refused: " + e.getMessage();
        // Runtimes try again and again.
        if (!refusal.equals(lastRefusal)) {
            LOG.info("CNI {}", refusal);
        }
        lastRefusal = refusal;
        JsonObject error = new JsonObject();
        error.addProperty("cniVersion", versionOf(stdin));
        error.addProperty("code", e.code().number);
        error.addProperty("msg", e.getMessage());
        return new Answer(false, GSON.toJson(error));
    }

    /** The version of a configuration that may be none, or one of a version that is not known. */
    private static String versionOf(String stdin) {
        try {
            String text = CniCall.text(JsonParser.parseString(stdin).getAsJsonObject(), "cniVersion");
            return CniVersion.of(String.valueOf(text)).toString();
        } catch (JsonParseException | IllegalStateException | CniException e) {
            return CniVersion.DEFAULT.toString();
        }
    }

    private static Code code(OperatorException.Kind kind) {
        return switch (kind) {
            case UNAVAILABLE -> Code.TRY_AGAIN_LATER;
            case USAGE, NO_INPUT -> Code.INVALID_ENVIRONMENT;
            case BAD_DATA, BAD_CONFIG -> Code.INVALID_CONFIG;
            case CANNOT_CREATE -> Code.IO_FAILURE;
            case OS_ERROR, NO_PERMISSION -> Code.HOST_FAILURE;
        };
    }
}
