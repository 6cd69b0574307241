package org.weft.dataplane.host;

import java.util.stream.Collectors;
import org.weft.dataplane.host.HostCommand.Answer;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * A {@link CellTable} of nftables, {@code inet weft-VTEP-cell}. A packet that one base chain drops is gone, whatever other
 * tables accept, so the rules need no place among those of others.
 *
 * <p>The chain prerouting asks the host's routes, as a strict {@code rp_filter} does but whatever sysctls say: a source
 * passes if the route to it leads through the interface that the packet came from. To a container only the route of its
 * own veth does. So the rules hold for silk-cni's containers, too, and need no change when one is attached or detached.
 * They come before connection tracking. The other chains come after DNAT, which may have changed the port.
 *
 * <p>The chain postrouting comes after SNAT and looks at forwarded packets alone, as those of the host itself come from no
 * interface. A forwarded packet with this host's underlay address is from a sender behind SNAT, such as a container of
 * Docker: the receiver would take it for this host's own.
 *
 * <p>Only what refuses forwarded packets, or packets for the host, asks connection tracking, which the kernel switches on
 * for that.
 */
public final class NftCellTable implements CellTable {
    private static final String RULES =
            """
            add table inet %1$s
            delete table inet %1$s
            table inet %1$s {
              chain prerouting {
                type filter hook prerouting priority -300; policy accept;
                iifname "s-*" fib saddr . iif oif missing counter drop
              }
              chain forward {
                type filter hook forward priority -10; policy accept;
                iifname "s-*" udp dport { %3$s } counter drop
            %4$s  }
              chain postrouting {
                type filter hook postrouting priority 300; policy accept;
                iif != 0 %6$s udp dport { %3$s } counter drop
              }
              chain input {
                type filter hook input priority -10; policy accept;
                iifname { "s-*", "%2$s" } udp dport { %3$s } counter drop
            %5$s  }
            }
            """;

    /** Only the direction of the first packet: answers to a container behind DNAT of this host come back this way, too. */
    private static final String FORWARDED =
            "    iifname \"%s\" oifname \"s-*\" ct direction original ct status dnat counter %s\n";

    private static final String HOST =
            """
                iifname "%1$s" ct state established,related accept
                iifname "%1$s" counter %2$s
            """;

    /** Somebody else may be at work on the ruleset. */
    private static final int ATTEMPTS = 3;

    private final String vtep;
    private final IpAddress underlay;
    private String listing = "";

    /**
     * @param vtep name of the cell's device, be there one or not yet
     * @param underlay address that the other hosts know this one by
     */
    public NftCellTable(String vtep, IpAddress underlay) {
        this.vtep = vtep;
        this.underlay = underlay;
    }

    @Override
    public String name() {
        return "inet weft-" + vtep + "-cell";
    }

    @Override
    public void install(Refused refused) {
        if (!Nft.canName(vtep)) {
            throw failed("laid", vtep + " cannot be in it: " + Nft.UNSPEAKABLE);
        }
        String rules = rules(refused);
        listing = "";
        for (int attempt = 0; attempt < ATTEMPTS && listing.isEmpty(); attempt++) {
            lay(rules);
            String laid = list();
            // What somebody changed in between must not be what is right from now on.
            listing = countRules(laid) == countRules(rules) ? laid : "";
        }
        if (listing.isEmpty()) {
            throw failed("kept", "what nft lists is not what was just laid: see who else changes it");
        }
    }

    private void lay(String rules) {
        Answer answer = Nft.run(rules);
        if (!answer.succeeded()) {
            throw failed(
                    "laid",
                    "nft needs version 0.9.3, Linux 5.7 with CONFIG_NFT_FIB_INET and CONFIG_NFT_REJECT_INET, and root,"
                            + " and says: " + answer.reason());
        }
    }

    /** In the form that is written and in the one that nft lists, a rule is a line. */
    private static long countRules(String table) {
        return table.lines()
                .map(String::strip)
                .filter(line -> line.contains(" counter ") || line.endsWith(" accept") || line.endsWith(" drop"))
                .count();
    }

    private String rules(Refused refused) {
        String ports = refused.ports().stream().map(String::valueOf).collect(Collectors.joining(", "));
        return RULES.formatted(
                name().replaceFirst("^inet ", ""),
                vtep,
                ports,
                rule(FORWARDED, refused.forwarded()),
                rule(HOST, refused.host()),
                (underlay.isIpv4() ? "ip saddr " : "ip6 saddr ") + underlay);
    }

    private String rule(String rule, Verdict verdict) {
        return switch (verdict) {
            case ACCEPT -> "";
            case DROP -> rule.formatted(vtep, "drop");
            case REJECT -> rule.formatted(vtep, "reject");
        };
    }

    @Override
    public boolean stands() {
        return !listing.isEmpty() && listing.equals(list());
    }

    /** Empty if there is no such table. */
    private String list() {
        Answer answer = Nft.list("table", name());
        return answer.succeeded() ? answer.output() : "";
    }

    @Override
    public void remove() {
        if (Nft.canName(vtep)) {
            Nft.run("delete table " + name());
        }
        listing = "";
    }

    private OperatorException failed(String what, String reason) {
        return new OperatorException(Kind.UNAVAILABLE, "table " + name() + " cannot be " + what + ": " + reason);
    }
}
