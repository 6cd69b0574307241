package org.weft.dataplane.host;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.util.List;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** A device's own addresses and neighbours in the host's kernel. Never on a packet's way. */
public final class HostNetwork {
    private HostNetwork() {}

    /** Whether there is an interface of this name in this namespace. */
    public static boolean exists(String dev) {
        return Iproute2.here().attempt("link show dev " + dev).isEmpty();
    }

    /** Whether there is one, and it is a TAP device. */
    public static boolean isTap(String dev) {
        return exists(dev)
                && Iproute2.here().json("-details", "link", "show", "dev", dev).contains("\"tun\"");
    }

    public static void removeDevice(String dev) {
        Iproute2.here().batch("link del " + dev);
    }

    /** Gives a device its overlay address; scope link, as silk does. */
    public static void addAddress(String dev, IpPrefix prefix) {
        Iproute2.here()
                .batch("address replace " + withLength(prefix) + " dev " + dev
                        + (prefix.address().isIpv4() ? " scope link" : " nodad"));
    }

    public static void removeAddress(String dev, IpPrefix prefix) {
        Iproute2.here().batch("address del " + withLength(prefix) + " dev " + dev);
    }

    /** Installs neighbours as permanent ones in the kernel. */
    public static void addNeighbours(String dev, List<Neighbour> neighbours) {
        StringBuilder batch = new StringBuilder();
        for (Neighbour neighbour : neighbours) {
            batch.append("neighbour replace ")
                    .append(neighbour.address())
                    .append(" lladdr ")
                    .append(MacAddress.toString(neighbour.mac()))
                    .append(" dev ")
                    .append(dev)
                    .append(" nud permanent\n");
        }
        if (!batch.isEmpty()) {
            Iproute2.here().batch(batch.toString());
        }
    }

    /** Takes neighbours out of the kernel. */
    public static void removeNeighbours(String dev, List<Neighbour> neighbours) {
        StringBuilder batch = new StringBuilder();
        for (Neighbour neighbour : neighbours) {
            batch.append("neighbour del ")
                    .append(neighbour.address())
                    .append(" dev ")
                    .append(dev)
                    .append('\n');
        }
        if (!batch.isEmpty()) {
            Iproute2.here().batch(batch.toString());
        }
    }

    /**
     * A device's first IPv4 address; null if it has none.
     *
     * @throws org.weft.dataplane.vtep.OperatorException if there is no such device
     */
    public static IpAddress ipv4Address(String dev) {
        String answer = Iproute2.here().json("-4", "address", "show", "dev", dev);
        // One object for the device, which is empty if it has no such address.
        for (JsonElement device : JsonParser.parseString(answer).getAsJsonArray()) {
            JsonArray addresses = device.getAsJsonObject().getAsJsonArray("addr_info");
            if (addresses != null && !addresses.isEmpty()) {
                return IpAddress.parse(
                        addresses.get(0).getAsJsonObject().get("local").getAsString());
            }
        }
        return null;
    }

    private static String withLength(IpPrefix prefix) {
        return prefix.address() + "/" + prefix.length();
    }
}
