package org.weft.silk.config;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.weft.config.Values;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.file.LimitedFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.config.CellConfig.TlsFiles;

/**
 * silk-daemon's {@code client-config.json} (silk: client/config/config.go; silk-release:
 * jobs/silk-daemon/templates/client-config.json.erb), older or newer, without what only silk-daemon itself needs (its
 * logs, its debug server, its metrics, its store of containers).
 *
 * @param underlay {@code underlay_ip}
 * @param device {@code vxlan_interface_name}, for a time {@code custom_underlay_interface_name}: whose MTU counts; null
 *     if none is named, which means the interface that has the underlay address
 * @param overlay {@code overlay_network}, one text in older files, a list in newer ones; without bits beyond lengths
 * @param subnetLength {@code subnet_prefix_length}
 * @param singleIp {@code single_ip_only}
 * @param vtepName {@code vtep_name}
 * @param vni {@code vni}
 * @param vtepPort {@code vtep_port}
 * @param networkInfo where silk-cni asks, {@code 127.0.0.1:} and {@code health_check_port}
 * @param controller {@code connectivity_server_url}, the three files, {@code poll_interval},
 *     {@code client_timeout_seconds} and {@code partition_tolerance_seconds}
 */
public record SilkClientConfig(
        IpAddress underlay,
        String device,
        List<IpPrefix> overlay,
        int subnetLength,
        boolean singleIp,
        String vtepName,
        int vni,
        int vtepPort,
        String networkInfo,
        SilkController controller) {
    private static final int MAX_SUBNET_LENGTH = 30;
    private static final int MAX_SECONDS = Integer.MAX_VALUE;

    public SilkClientConfig {
        overlay = List.copyOf(overlay);
    }

    /**
     * Reads and checks a file. Fields that are not known are let be.
     *
     * @throws OperatorException {@link Kind#NO_INPUT} if it cannot be read, {@link Kind#BAD_CONFIG} with a line
     *     {@code file: field: sentence} for each problem if it is wrong
     */
    public static SilkClientConfig read(Path file) {
        JsonElement root = parse(file);
        if (!root.isJsonObject()) {
            throw new OperatorException(Kind.BAD_CONFIG, file + ": is not a JSON object, as silk's configuration is");
        }
        JsonFields fields = new JsonFields(file.toString(), root.getAsJsonObject());
        SilkClientConfig config = read(fields);
        fields.throwIfAny();
        return config;
    }

    private static JsonElement parse(Path file) {
        try (JsonReader reader = new JsonReader(new StringReader(LimitedFile.text(file, LimitedFile.SMALL)))) {
            reader.setStrictness(Strictness.STRICT);
            return JsonParser.parseReader(reader);
        } catch (NoSuchFileException e) {
            throw new OperatorException(Kind.NO_INPUT, "silk's configuration " + file + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new OperatorException(
                    Kind.NO_PERMISSION, "silk's configuration " + file + " cannot be read: permission denied", e);
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.NO_INPUT, "silk's configuration " + file + " cannot be read: " + e.getMessage(), e);
        } catch (JsonParseException e) {
            throw new OperatorException(Kind.BAD_CONFIG, file + ": is not JSON", e);
        }
    }

    private static SilkClientConfig read(JsonFields fields) {
        List<IpPrefix> overlay = fields.requireSome("overlay_network", SilkClientConfig::network);
        int subnetLength = fields.require("subnet_prefix_length", 1, MAX_SUBNET_LENGTH);
        overlay.stream()
                .filter(network -> fields.none() && subnetLength <= network.length())
                .forEach(network -> fields.problem(
                        "subnet_prefix_length",
                        subnetLength + " must be more than the length of the overlay network " + network));
        String device = fields.read("vxlan_interface_name", Values::deviceName);
        return new SilkClientConfig(
                fields.require("underlay_ip", SilkClientConfig::underlay),
                device == null ? fields.read("custom_underlay_interface_name", Values::deviceName) : device,
                overlay,
                subnetLength,
                fields.flag("single_ip_only"),
                fields.require("vtep_name", Values::deviceName),
                fields.require("vni", 1, 0xff_ffff),
                fields.require("vtep_port", 1, 0xffff),
                "127.0.0.1:" + fields.require("health_check_port", 1, 0xffff),
                controller(fields));
    }

    private static SilkController controller(JsonFields fields) {
        return new SilkController(
                fields.require("connectivity_server_url", SilkClientConfig::url),
                new TlsFiles(
                        fields.require("ca_cert_file", Path::of),
                        fields.require("client_cert_file", Path::of),
                        fields.require("client_key_file", Path::of)),
                Duration.ofSeconds(fields.require("poll_interval", 1, MAX_SECONDS)),
                Duration.ofSeconds(fields.require("client_timeout_seconds", 1, MAX_SECONDS)),
                Duration.ofSeconds(fields.require("partition_tolerance_seconds", 1, MAX_SECONDS)));
    }

    /** silk-controller leases to IPv4 addresses only. */
    private static IpAddress underlay(String text) {
        IpAddress address = Values.hostAddress(text);
        if (!address.isIpv4()) {
            throw new IllegalArgumentException(text + " is not an IPv4 address");
        }
        return address;
    }

    /** As Go's net.ParseCIDR, which drops bits beyond the length. */
    private static IpPrefix network(String text) {
        IpPrefix prefix = IpPrefix.parse(text);
        if (!prefix.address().isIpv4() || !text.contains("/")) {
            throw new IllegalArgumentException("\"" + text + "\" is not an IPv4 network such as 10.255.0.0/16");
        }
        int mask = prefix.length() == 0 ? 0 : -1 << 32 - prefix.length();
        return new IpPrefix(IpAddress.ofIpv4(prefix.address().ipv4() & mask), prefix.length());
    }

    private static URI url(String text) {
        URI url = URI.create(text);
        if (!"https".equals(url.getScheme()) || url.getHost() == null) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not a URL such as https://silk-controller.service.cf.internal:4103");
        }
        return url;
    }
}
