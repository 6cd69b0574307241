package org.weft.silk.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * What a cell is to be, valid: the role of silk-daemon and silk-cni on this host.
 *
 * @param underlay this host's underlay address, which identifies its lease; null while {@code
 *     underlayDev} has none
 * @param underlayDev the interface whose first IPv4 address is the underlay address; null if the
 *     address itself is given
 * @param overlay IPv4 networks of the overlay
 * @param subnetLength prefix length of a cell's subnet
 * @param singleIp this host is no cell and has one address only (a /32)
 * @param vtepName name of the TAP device
 * @param vtepAttributes attributes of the VTEP under iproute2's names; its address and MAC follow from the lease
 * @param tags group policy ids to begin with
 * @param state directory for what must survive a restart
 * @param networkInfo where silk-cni asks for subnet and MTU, {@code host:port}
 */
public record CellConfig(
        IpAddress underlay,
        String underlayDev,
        List<IpPrefix> overlay,
        int subnetLength,
        boolean singleIp,
        String vtepName,
        Map<String, String> vtepAttributes,
        List<Tag> tags,
        Path state,
        String networkInfo,
        Leases leases) {
    /** Where leases come from. */
    public sealed interface Leases {}

    /** A list of leases in YAML or JSON. */
    public record LeaseFile(Path path) implements Leases {}

    /**
     * silk-controller's HTTP API.
     *
     * @param partitionTolerance how long this host's lease may go without renewal
     */
    public record SilkController(URI url, TlsFiles tls, Duration poll, Duration timeout, Duration partitionTolerance)
            implements Leases {}

    /**
     * An etcd cluster.
     *
     * @param endpoints {@code http} or {@code https}, one or several members
     * @param prefix what keys begin with, such as {@code /weft}
     * @param tls null without TLS
     * @param user null without authentication
     * @param passwordFile holds the user's password on its first line; null without authentication
     * @param ttl how long a host counts as alive that is not heard of
     * @param expiry how long a subnet stays its host's that is not heard of
     */
    public record Etcd(
            List<URI> endpoints,
            String prefix,
            TlsFiles tls,
            String user,
            Path passwordFile,
            Duration ttl,
            Duration expiry,
            Duration timeout)
            implements Leases {
        public Etcd {
            endpoints = List.copyOf(endpoints);
        }
    }

    /**
     * PEM files.
     *
     * @param ca who signs the server's certificate; null: whom the JVM trusts
     * @param certificate ours; null without mutual TLS, as is its key
     */
    public record TlsFiles(Path ca, Path certificate, Path key) {}

    private static final int IANA_PORT = 4789;

    public CellConfig {
        overlay = List.copyOf(overlay);
        vtepAttributes = Map.copyOf(vtepAttributes);
        tags = List.copyOf(tags);
    }

    /**
     * This cell with an address of its underlay interface.
     *
     * @throws IllegalArgumentException in a sentence, if the address is in the overlay
     */
    public CellConfig at(IpAddress address) {
        for (IpPrefix network : overlay) {
            if (CellSection.contains(network, address)) {
                throw new IllegalArgumentException(CellSection.inOverlay(address, network));
            }
        }
        Map<String, String> attributes = new LinkedHashMap<>(vtepAttributes);
        attributes.put("local", address.toString());
        return new CellConfig(
                address,
                underlayDev,
                overlay,
                subnetLength,
                singleIp,
                vtepName,
                attributes,
                tags,
                state,
                networkInfo,
                leases);
    }

    /** UDP port of the VTEP. */
    public int port() {
        return Stream.of("port", "dstport")
                .filter(vtepAttributes::containsKey)
                .map(name -> Integer.valueOf(vtepAttributes.get(name)))
                .findFirst()
                .orElse(IANA_PORT);
    }
}
