package org.weft.silk.etcd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;

/** What keys are called and how values are written. A subnet's name in a key is {@code 10.255.43.0-24}. */
final class Keys {
    private static final int MOST_RANGES = 64;

    private final String leases;
    private final String alive;
    private final String underlay;

    /** @param prefix such as {@code /weft} */
    Keys(String prefix) {
        String root = prefix.endsWith("/") ? prefix : prefix + "/";
        leases = root + "leases/";
        alive = root + "alive/";
        underlay = root + "underlay/";
    }

    String lease(String name) {
        return leases + name;
    }

    String alive(String name) {
        return alive + name;
    }

    /** Its value is the name of the subnet that the host has. */
    String underlay(IpAddress host) {
        return underlay + host;
    }

    /** All that hosts follow: {@code alive/} and {@code leases/}. That nothing else is between them is why the third is called {@code underlay/}. */
    KeyRange followed() {
        return new KeyRange(alive, KeyRange.after(leases));
    }

    boolean isLease(String key) {
        return key.startsWith(leases);
    }

    boolean isAlive(String key) {
        return key.startsWith(alive);
    }

    /** Whether it is named as a subnet is; others are no host's. */
    boolean isOfSubnet(String key) {
        return (isLease(key) || isAlive(key)) && subnet(name(key)) != null;
    }

    /** What follows the last of our own words in a key. */
    String name(String key) {
        return key.substring(isLease(key) ? leases.length() : alive.length());
    }

    static String name(IpPrefix subnet) {
        return subnet.address() + "-" + subnet.length();
    }

    /** The subnet of a name; null if it is none. */
    static IpPrefix subnet(String name) {
        try {
            IpPrefix subnet = IpPrefix.parse(name.replace('-', '/'));
            return subnet.address().isIpv4() && name.equals(name(subnet)) ? subnet : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Keys of all networks that contain a subnet and are parts of an overlay network of this length. */
    List<String> containing(IpPrefix subnet, int networkLength) {
        List<String> keys = new ArrayList<>();
        for (int length = networkLength + 1; length < subnet.length(); length++) {
            int base = subnet.address().ipv4() & -1 << 32 - length;
            keys.add(lease(name(new IpPrefix(IpAddress.ofIpv4(base), length))));
        }
        return keys;
    }

    /**
     * Ranges of keys that hold those of all subnets in this one. Keys are text, so that a range ends where an octet
     * does, and holds some more where the subnet does not.
     */
    List<KeyRange> within(IpPrefix subnet) {
        int octets = (subnet.length() + 7) / 8;
        int ranges = 1 << octets * 8 - subnet.length();
        if (ranges > MOST_RANGES) {
            octets--;
            ranges = 1;
        }
        List<KeyRange> all = new ArrayList<>();
        for (int i = 0; i < ranges; i++) {
            int address = subnet.address().ipv4() + (octets == 0 ? 0 : i << 32 - octets * 8);
            all.add(KeyRange.startingWith(leases + firstOctets(address, octets)));
        }
        return all;
    }

    private static String firstOctets(int address, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(address >>> 24 - 8 * i & 0xff).append(i == 3 ? '-' : '.');
        }
        return text.toString();
    }

    /** As silk-controller writes a lease. */
    static String value(Lease lease) {
        LeaseRecord record = lease.record("");
        JsonObject json = new JsonObject();
        json.addProperty("underlay_ip", record.underlayIp());
        json.addProperty("overlay_subnet", record.overlaySubnet());
        json.addProperty("overlay_hardware_addr", record.overlayHardwareAddr());
        return json.toString();
    }

    /** Reads a value of {@code leases/}; a field that is not there, or no text, is null. */
    static LeaseRecord record(KeyValue kv) {
        if (kv.omitted() > 0) {
            String fault = "its value has " + kv.omitted() + " bytes, and that of a lease at most " + KeyValue.MAX_VALUE
                    + ": delete it";
            return new LeaseRecord(null, null, null, "etcd key " + kv.key(), fault);
        }
        JsonObject json = object(kv.value());
        return new LeaseRecord(
                field(json, "underlay_ip"),
                field(json, "overlay_subnet"),
                field(json, "overlay_hardware_addr"),
                "etcd key " + kv.key());
    }

    private static JsonObject object(String text) {
        try {
            JsonElement json = JsonParser.parseString(text);
            return json.isJsonObject() ? json.getAsJsonObject() : new JsonObject();
        } catch (JsonParseException e) {
            return new JsonObject();
        }
    }

    private static String field(JsonObject json, String name) {
        JsonElement value = json.get(name);
        return value != null && value.isJsonPrimitive() ? value.getAsString() : null;
    }
}
