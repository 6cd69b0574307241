package org.weft.it;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The kernel's own vxlan devices. */
final class KernelEndpoint implements Endpoint {
    private final Netns host;

    KernelEndpoint(Netns host) {
        this.host = host;
    }

    @Override
    public void add(Device device) {
        String name = device.name();
        host.ip("link add " + name + " address " + device.mac() + " mtu " + device.mtu() + " type vxlan "
                + device.attributes() + "\nlink set " + name + " up\n");
    }

    @Override
    public void remove(String device) {
        host.ip("link del " + device);
    }

    @Override
    public void fdb(String action, String mac, String device, String arguments) {
        host.bridge("fdb " + action + " " + mac + " dev " + device + " " + arguments);
    }

    @Override
    public void neighbour(String ip, String mac, String device) {
        host.ip("neigh replace " + ip + " lladdr " + mac + " dev " + device + " nud permanent");
    }

    /** As silk does it: a mark, which the device turns into the tag. */
    @Override
    public void tag(String sourceIp, int tag, String device) {
        host.exec("nft", "add table ip weft-it");
        host.exec("nft", "add chain ip weft-it tag { type filter hook postrouting priority 0 ; }");
        host.exec(
                "nft",
                "add rule ip weft-it tag oifname \"" + device + "\" ip saddr " + sourceIp + " meta mark set " + tag);
    }

    @Override
    public List<String> remotes(String mac, String device) {
        String json = Command.run(List.of("bridge", "-n", host.name(), "-j", "fdb", "show", "dev", device));
        List<String> remotes = new ArrayList<>();
        for (JsonElement entry : JsonParser.parseString(json).getAsJsonArray()) {
            var fields = entry.getAsJsonObject();
            if (fields.get("mac").getAsString().equals(mac) && fields.has("dst")) {
                remotes.add(fields.get("dst").getAsString());
            }
        }
        return remotes;
    }

    @Override
    public Map<String, Long> drops(String direction) {
        return Map.of();
    }

    @Override
    public void close() {
        // its devices go with the namespace
    }
}
