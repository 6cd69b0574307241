package org.weft.silk.cell;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.weft.dataplane.host.Iproute2;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.lease.Overlay;

/** {@link HostRoutes} through iproute2: one process for each call, however many the changes are. */
final class KernelRoutes implements HostRoutes {
    private final Supplier<String> name;
    private final Overlay overlay;

    /** @param name of the device, which others may change */
    KernelRoutes(Supplier<String> name, Overlay overlay) {
        this.name = name;
        this.overlay = overlay;
    }

    @Override
    public Installed read() {
        String dev = name.get();
        Map<IpPrefix, Route> routes = new LinkedHashMap<>();
        for (JsonElement element : list("-4", "route", "show", "dev", dev)) {
            JsonObject route = element.getAsJsonObject();
            if (isOurs(route)) {
                routes.put(
                        IpPrefix.parse(text(route, "dst")),
                        new Route(
                                IpAddress.parse(text(route, "gateway")),
                                route.has("prefsrc") ? IpAddress.parse(text(route, "prefsrc")) : null,
                                route.has("flags")
                                        && route.get("flags").toString().contains("\"onlink\"")));
            }
        }
        Map<IpAddress, Long> neighbours = new LinkedHashMap<>();
        for (JsonElement element : list("-4", "neighbour", "show", "dev", dev, "nud", "permanent")) {
            JsonObject neighbour = element.getAsJsonObject();
            IpAddress address = IpAddress.parse(text(neighbour, "dst"));
            if (neighbour.has("lladdr") && overlay.contains(address)) {
                neighbours.put(address, MacAddress.parse(text(neighbour, "lladdr")));
            }
        }
        return new Installed(routes, neighbours);
    }

    /** Only leases have routes whose gateway is the network's own first address. All others are somebody else's. */
    private boolean isOurs(JsonObject route) {
        String gateway = text(route, "gateway");
        String network = text(route, "dst");
        return gateway != null
                && !route.has("metric")
                && network.startsWith(gateway + "/")
                && overlay.contains(IpAddress.parse(gateway));
    }

    private static String text(JsonObject object, String field) {
        return object.has(field) ? object.get(field).getAsString() : null;
    }

    private static JsonArray list(String... words) {
        String json = Iproute2.here().json(words);
        return json.isBlank() ? new JsonArray() : JsonParser.parseString(json).getAsJsonArray();
    }

    @Override
    public Map<IpPrefix, String> write(List<Line> lines) {
        Map<IpPrefix, String> failures = new LinkedHashMap<>();
        if (!lines.isEmpty()) {
            String batch = lines.stream().map(Line::text).collect(Collectors.joining("\n"));
            Iproute2.here().attempt(batch).forEach((number, reason) -> {
                Line line = lines.get(number - 1);
                if (!line.removal() || !isMissing(reason)) {
                    failures.put(line.about(), "ip " + line.text() + ": " + reason);
                }
            });
        }
        return failures;
    }

    private static boolean isMissing(String reason) {
        return reason.contains("No such process") || reason.contains("No such file or directory");
    }
}
