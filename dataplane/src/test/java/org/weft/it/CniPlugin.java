package org.weft.it;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A CNI plugin as a container runtime calls it, in a host's namespace. */
final class CniPlugin {
    private final Netns host;
    private final Path program;
    private final JsonObject config;
    private final Map<String, String> environment = new LinkedHashMap<>();

    /** @param config without cniVersion and name, which a runtime puts in from the list of plugins */
    CniPlugin(Netns host, Path program, String version, String network, String config) {
        this.host = host;
        this.program = program;
        this.config = JsonParser.parseString(config).getAsJsonObject();
        this.config.addProperty("cniVersion", version);
        this.config.addProperty("name", network);
        environment.put("CNI_PATH", "/usr/lib/cni");
    }

    CniPlugin with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    CniPlugin container(String id, Netns netns) {
        return with("CNI_CONTAINERID", id)
                .with("CNI_NETNS", "/run/netns/" + netns.name())
                .with("CNI_IFNAME", "eth0");
    }

    /** @param previous null at the beginning of a chain */
    Command attempt(String command, JsonElement previous) {
        JsonObject input = config.deepCopy();
        if (previous != null) {
            input.add("prevResult", previous);
        }
        List<String> words =
                new ArrayList<>(List.of("ip", "netns", "exec", host.name(), "env", "CNI_COMMAND=" + command));
        environment.forEach((name, value) -> words.add(name + "=" + value));
        words.add(program.toString());
        return Command.attempt(input.toString(), words);
    }

    JsonObject add(JsonElement previous) {
        return JsonParser.parseString(run("ADD", previous)).getAsJsonObject();
    }

    /** A command that must succeed. */
    String run(String command, JsonElement previous) {
        Command run = attempt(command, previous);
        if (run.exitCode() != 0) {
            throw new AssertionError(run);
        }
        return run.output();
    }

    /** The error of a command that must fail. */
    JsonObject error(String command, JsonElement previous) {
        Command run = attempt(command, previous);
        if (run.exitCode() == 0) {
            throw new AssertionError("did not fail: " + run);
        }
        return JsonParser.parseString(run.output()).getAsJsonObject();
    }
}
