package org.weft.silk.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.silk.config.CellConfig.TlsFiles;

/**
 * How one VTEP judges packets, valid: the role of vxlan-policy-agent on this host.
 *
 * @param vtep name of the VTEP, be there one or not yet
 * @param subnetLength prefix length of a host's part of the overlay
 * @param flows how many flows there is room for
 * @param verdicts file that verdicts are written to; null: none
 * @param ingressRouterTag group policy id whose packets are let in to the ports that containers' metadata name;
 *     {@link #NO_ROUTER}, or {@link #ASK}
 * @param state directory for what must survive a restart
 * @param source null: only live changes
 * @param hostAccess what a cell lets through to its host, and from there to containers, while it enforces policies
 */
public record PolicyConfig(
        String vtep,
        Mode mode,
        Refusal refusal,
        Spoofing spoofing,
        int subnetLength,
        int flows,
        Timeouts timeouts,
        Path verdicts,
        int ingressRouterTag,
        Path state,
        Source source,
        HostAccess hostAccess) {
    /** There is no ingress router. */
    public static final int NO_ROUTER = 0;

    /** The policy server knows the ingress router's tag. */
    public static final int ASK = -1;

    /**
     * What passes that arrives over a cell's VTEP for an address of the host itself, so that policies do not judge it.
     *
     * @param dnat whether it reaches a container if the host's DNAT sends it on to one
     * @param host whether it reaches the host, unless it is an answer, which does
     */
    public record HostAccess(boolean dnat, boolean host) {
        /** Containers are reached by policies only, the host as ever. */
        public static final HostAccess DEFAULT = new HostAccess(false, true);
    }

    /** Where policies come from. */
    public sealed interface Source {}

    /** Tags and policies in YAML or JSON. */
    public record PolicyFile(Path path) implements Source {}

    /**
     * Cloud Foundry's policy server, its internal API.
     *
     * @param urls the same server in several places; asked in this order
     * @param containers the store of containers' metadata, a JSON file
     */
    public record PolicyServer(List<URI> urls, TlsFiles tls, Path containers, Duration poll, Duration timeout)
            implements Source {
        public PolicyServer {
            urls = List.copyOf(urls);
        }
    }
}
