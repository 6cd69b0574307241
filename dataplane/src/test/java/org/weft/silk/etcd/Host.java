package org.weft.silk.etcd;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;

/** A host with a source of leases, and what it heard. */
final class Host implements AutoCloseable {
    static final Duration TTL = Duration.ofSeconds(1);
    static final Duration TIMEOUT = Duration.ofMillis(500);
    static final Duration EXPIRY = Duration.ofHours(168);
    static final Overlay OVERLAY = overlay("10.255.0.0/16", 24);

    /** What a host is made of. */
    record Setup(CellConfig.Etcd config, Supplier<SSLContext> tls, Overlay overlay, boolean singleIp) {
        static Setup of(String prefix, URI... endpoints) {
            return new Setup(
                    new CellConfig.Etcd(List.of(endpoints), prefix, null, null, null, TTL, EXPIRY, TIMEOUT),
                    null,
                    OVERLAY,
                    false);
        }

        Setup overlay(Overlay other) {
            return new Setup(config, tls, other, singleIp);
        }

        Setup onlyOneAddress() {
            return new Setup(config, tls, overlay, true);
        }

        Setup tls(Supplier<SSLContext> context) {
            return new Setup(config, context, overlay, singleIp);
        }

        Setup expiry(Duration expiry) {
            return with(config.user(), config.passwordFile(), expiry, config.timeout());
        }

        /** Checking a password is meant to take etcd long, so answers may take long, too. */
        Setup user(String user, Path passwordFile) {
            return with(user, passwordFile, config.expiry(), Duration.ofSeconds(4));
        }

        Setup timeout(Duration timeout) {
            return with(config.user(), config.passwordFile(), config.expiry(), timeout);
        }

        private Setup with(String user, Path passwordFile, Duration expiry, Duration timeout) {
            CellConfig.Etcd other = new CellConfig.Etcd(
                    config.endpoints(), config.prefix(), null, user, passwordFile, config.ttl(), expiry, timeout);
            return new Setup(other, tls, overlay, singleIp);
        }

        /** Host number n has the underlay address 10.0.x.y. */
        Host start(int number) {
            return start(number, null);
        }

        Host start(int number, Lease held) {
            return start(number, held, Instant.now());
        }

        Host start(int number, Lease held, Instant confirmed) {
            return new Host(this, underlay(number), held, confirmed);
        }
    }

    private final EtcdLeases source;
    private final Heard heard = new Heard();

    private Host(Setup setup, IpAddress underlay, Lease held, Instant confirmed) {
        source = new EtcdLeases(setup.config(), setup.tls(), setup.overlay(), underlay, setup.singleIp());
        source.start(held, confirmed, heard);
    }

    static IpAddress underlay(int number) {
        return IpAddress.ofIpv4(0x0a00_0000 + number);
    }

    static Overlay overlay(String network, int subnetLength) {
        return new Overlay(List.of(IpPrefix.parse(network)), subnetLength);
    }

    EtcdLeases source() {
        return source;
    }

    Heard heard() {
        return heard;
    }

    Lease own() {
        return heard.awaitOwn().own();
    }

    String subnet() {
        return own().subnetText();
    }

    /** As when the host dies: it says nothing more. */
    @Override
    public void close() {
        source.close();
    }
}
