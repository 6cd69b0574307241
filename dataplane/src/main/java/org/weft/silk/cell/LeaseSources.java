package org.weft.silk.cell;

import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.Etcd;
import org.weft.silk.config.CellConfig.LeaseFile;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.controller.ControllerLeases;
import org.weft.silk.etcd.EtcdLeases;
import org.weft.silk.lease.FileLeases;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.Overlay;
import org.weft.silk.tls.TlsContext;

/** The source of leases that a configuration names. */
public final class LeaseSources {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseSources.class);

    private LeaseSources() {}

    public static LeaseSource of(CellConfig config) {
        Overlay overlay = new Overlay(config.overlay(), config.subnetLength());
        if (config.leases() instanceof LeaseFile file) {
            return new FileLeases(file.path(), overlay, config.underlay());
        }
        if (config.leases() instanceof SilkController controller) {
            return new ControllerLeases(controller, config.underlay(), overlay, config.singleIp());
        }
        Etcd etcd = (Etcd) config.leases();
        Supplier<SSLContext> tls = etcd.tls() == null ? null : new TlsContext(etcd.tls(), LOG::warn);
        return new EtcdLeases(etcd, tls, overlay, config.underlay(), config.singleIp());
    }
}
