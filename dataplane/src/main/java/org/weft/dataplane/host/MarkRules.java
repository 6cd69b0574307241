package org.weft.dataplane.host;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.weft.dataplane.host.HostCommand.Answer;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * The rules at a VTEP's device that carry a packet's mark between netfilter and the source MAC address, where
 * {@code agent.MarkBridge} has it: one nftables table of the family netdev, with a chain for each direction. Both are the
 * device's outermost ones, so that all others see the mark that a GBP device of the kernel would give a packet.
 *
 * <p>The expressions are raw, because those with names ask for the interface's type, which the
 * egress hook does not always know. nft cannot write a sum or a mark into a packet, only a map's
 * value. So the rules write a mark octet by octet. A map of a declared size is the faster kind.
 *
 * <p>Thread-safe. A call that changes rules waits for {@code nft}, and for calls of other threads
 * about the same device.
 */
public final class MarkRules {
    private static final String OCTETS =
            IntStream.range(0, 256).mapToObj(octet -> octet + " : " + octet).collect(Collectors.joining(", "));

    private static final String TABLE =
            """
            add table netdev %1$s
            delete table netdev %1$s
            table netdev %1$s {
              map octets {
                typeof meta mark : ip ttl
                size 256
                elements = { %4$s }
              }
              chain ingress {
                type filter hook ingress device "%2$s" priority -500
                @ll,48,16 0x%5$04x meta mark set @ll,64,32
              }
              chain egress {
                type filter hook egress device "%2$s" priority 500
                @ll,48,48 0x%3$012x meta mark != 0 @ll,48,24 set 0x%6$06x \
            @ll,72,8 set meta mark >> 16 & 0xff map @octets \
            @ll,80,8 set meta mark >> 8 & 0xff map @octets \
            @ll,88,8 set meta mark & 0xff map @octets accept
                @ll,48,24 0x%6$06x drop
              }
            }
            """;

    private static final long NONE = -1;
    private static final int PREFIX_OF_MAC = 24;

    private String device;
    private final int towardsHost;
    private final int fromHost;
    private volatile long installedFor = NONE;

    /** The table of an earlier name of the device; null if there is none. */
    private String stale;

    /**
     * @param towardsHost first two bytes of the source MAC address of a frame whose other four are its mark
     * @param fromHost first three bytes of the source MAC address of a marked frame
     */
    public MarkRules(String device, int towardsHost, int fromHost) {
        this.device = device;
        this.towardsHost = towardsHost;
        this.fromHost = fromHost;
    }

    /**
     * Puts the rules in force, in the place of any of another process or for another MAC address, in one step.
     *
     * @param mac of the device; frames from elsewhere, as over a bridge, keep their MAC address and have no mark
     * @throws OperatorException if nft or the kernel cannot; nothing has changed then
     */
    public void install(long mac) {
        // Usually there is nothing to do, and that needs no lock.
        if (!standsFor(mac)) {
            put(mac);
        }
    }

    /** Whether the rules were installed for this MAC address. Takes no lock. */
    public boolean standsFor(long mac) {
        return mac == installedFor;
    }

    private synchronized void put(long mac) {
        if (!Nft.canName(device)) {
            throw refused(Nft.UNSPEAKABLE);
        }
        if (mac >>> PREFIX_OF_MAC == fromHost) {
            throw refused("its MAC address " + MacAddress.toString(mac) + " is one of those that marks are carried in:"
                    + " give it another");
        }
        Answer answer =
                Nft.run(removalOfStale() + TABLE.formatted(table(), device, mac, OCTETS, towardsHost, fromHost));
        if (!answer.succeeded()) {
            throw refused("nft needs version 1.0.1, Linux 5.16 with CONFIG_NETFILTER_EGRESS, and root, and says: "
                    + answer.reason());
        }
        installedFor = mac;
        stale = null;
    }

    private String removalOfStale() {
        return stale == null ? "" : "add table netdev %1$s\ndelete table netdev %1$s\n".formatted(stale);
    }

    /**
     * Notes another name of the device. Install the rules again then: the kernel may have dropped
     * them.
     */
    public synchronized void follow(String renamed) {
        if (!renamed.equals(device)) {
            stale = installedFor == NONE ? stale : table();
            installedFor = NONE;
            device = renamed;
        }
    }

    /**
     * Installs the rules again if another program has removed them, as {@code nft flush ruleset}
     * does.
     *
     * @return whether they were removed
     * @throws OperatorException if nft or the kernel cannot install them
     */
    public synchronized boolean keep() {
        if (installedFor == NONE
                || Nft.list("chain", "netdev " + table() + " egress").succeeded()) {
            return false;
        }
        put(installedFor);
        return true;
    }

    /** Takes away what was installed. What is gone already is no trouble. */
    public synchronized void remove() {
        if (installedFor != NONE || stale != null) {
            removeLeftBehind();
            installedFor = NONE;
        }
    }

    /** Takes away what a daemon that was killed may have left, which needs nothing where nft is not installed. */
    public void removeLeftBehind() {
        if (Nft.canName(device)) {
            try {
                Nft.run(removalOfStale() + "add table netdev %1$s\ndelete table netdev %1$s".formatted(table()));
                stale = null;
            } catch (OperatorException e) {
                // Without nft there are no rules.
            }
        }
    }

    private String table() {
        return "weft-" + device;
    }

    private OperatorException refused(String reason) {
        return new OperatorException(
                Kind.UNAVAILABLE, device + ": marks cannot be handed to and from netfilter: " + reason);
    }
}
