package org.weft.dataplane.agent;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpPrefix;
import org.weft.encap.UdpHeader;
import org.weft.encap.VxlanHeader;

/**
 * The source ports that this process sends from, by VTEP. They tell Weft's datagrams from all
 * others that a host may send. Where SNAT has changed the ports, the contents of the datagram tell.
 * Weft holds the ports, so no other socket of the host sends from them. VTEPs may share ports: VNI
 * and destination port then tell the sender. The control side writes this object from any thread;
 * agents read a {@link #snapshot}.
 */
public final class OwnDatagrams {
    private static final int PORTS = 1 << 16;
    private static final int NO_SIGN = -1;
    private static final Snapshot NONE = new Snapshot(List.of());

    /**
     * The ports of one VTEP.
     *
     * @param ports in the order in which flow hashes choose them
     * @param bits one for each port
     */
    private record Origin(Vtep vtep, int[] ports, long[] bits) {
        static Origin of(Vtep vtep, int[] ports) {
            long[] bits = new long[PORTS / Long.SIZE];
            for (int port : ports) {
                bits[port / Long.SIZE] |= 1L << port;
            }
            return new Origin(vtep, ports, bits);
        }
    }

    /** The ports at one moment. Immutable. */
    static final class Snapshot {
        private final Origin[] origins;
        private final long[] bits = new long[PORTS / Long.SIZE];

        private Snapshot(List<Origin> origins) {
            this.origins = origins.toArray(Origin[]::new);
            for (Origin origin : origins) {
                for (int i = 0; i < bits.length; i++) {
                    bits[i] |= origin.bits[i];
                }
            }
        }

        /**
         * The VTEP that sent a UDP datagram; null if none did. If several VTEPs may have sent it,
         * because a forwarding entry names another VNI or port, the answer is the VTEP that asks.
         *
         * @param asking the VTEP whose device the datagram was sent to
         * @param layout of the datagram, whose UDP header is there
         * @param inner for the frame in it, which is parsed if that is needed
         * @param end of the datagram in the buffer
         */
        Vtep vtepOf(Vtep asking, UnsafeBuffer buffer, FrameLayout layout, FrameLayout inner, int end) {
            int port = UdpHeader.sourcePort(buffer, layout.transportOffset());
            Vtep found = null;
            if (isSet(bits, port)) {
                int most = NO_SIGN;
                for (Origin origin : origins) {
                    if (isSet(origin.bits, port) && isFrom(origin, port, buffer, layout, inner, end)) {
                        int signs = signs(origin.vtep, buffer, layout, end) + (origin.vtep == asking ? 1 : 0);
                        found = signs > most ? origin.vtep : found;
                        most = Math.max(most, signs);
                    }
                }
            }
            return found != null ? found : vtepIn(buffer, layout.transportOffset() + UdpHeader.LENGTH, end);
        }

        /**
         * How well a datagram matches a VTEP: the VNI weighs most, then the destination port.
         */
        private static int signs(Vtep vtep, UnsafeBuffer buffer, FrameLayout layout, int end) {
            int vxlan = layout.transportOffset() + UdpHeader.LENGTH;
            boolean vni = vxlan + VxlanHeader.LENGTH <= end
                    && VxlanHeader.vni(VxlanHeader.word(buffer, vxlan))
                            == vtep.config().vni();
            boolean port = UdpHeader.destinationPort(buffer, layout.transportOffset())
                    == vtep.config().underlay().port();
            return (vni ? 4 : 0) + (port ? 2 : 0);
        }

        /** SNAT may have changed port and address. What the host itself has sent has the VTEP's MAC address and VNI still. */
        private Vtep vtepIn(UnsafeBuffer buffer, int vxlan, int end) {
            int frame = vxlan + VxlanHeader.LENGTH;
            if (frame + EthernetHeader.LENGTH > end) {
                return null;
            }
            long word = VxlanHeader.word(buffer, vxlan);
            if (!VxlanHeader.hasVni(word)) {
                return null;
            }
            int vni = VxlanHeader.vni(word);
            long source = EthernetHeader.source(buffer, frame);
            for (Origin origin : origins) {
                if (origin.vtep.config().vni() == vni && origin.vtep.mac() == source) {
                    return origin.vtep;
                }
            }
            return null;
        }

        /**
         * With a fixed local address, address and port are proof enough. Otherwise the kernel chose the address by the
         * route, or rewrote it to the device's own: then VNI and source port must be those that the VTEP gives such a frame.
         */
        private static boolean isFrom(
                Origin origin, int port, UnsafeBuffer buffer, FrameLayout layout, FrameLayout inner, int end) {
            VtepConfig config = origin.vtep.config();
            if (layout.sourceHigh() == config.underlay().local().high()
                    && layout.sourceLow() == config.underlay().local().low()) {
                return true;
            }
            if (!config.underlay().local().isAny()
                    && !isOwnAddress(config.device().addresses(), layout)) {
                return false;
            }
            int vxlan = layout.transportOffset() + UdpHeader.LENGTH;
            int frame = vxlan + VxlanHeader.LENGTH;
            if (frame > end || VxlanHeader.vni(VxlanHeader.word(buffer, vxlan)) != config.vni()) {
                return false;
            }
            inner.parse(buffer, frame, end - frame);
            long hash = FlowHash.of(buffer, inner) & 0xffff_ffffL;
            return origin.ports[(int) (hash * origin.ports.length >>> Integer.SIZE)] == port;
        }

        private static boolean isOwnAddress(List<IpPrefix> addresses, FrameLayout layout) {
            for (int i = 0; i < addresses.size(); i++) {
                if (addresses.get(i).address().high() == layout.sourceHigh()
                        && addresses.get(i).address().low() == layout.sourceLow()) {
                    return true;
                }
            }
            return false;
        }

        private static boolean isSet(long[] bits, int port) {
            return (bits[port / Long.SIZE] & 1L << port) != 0;
        }
    }

    private final Map<Vtep, Origin> origins = new LinkedHashMap<>();
    private volatile Snapshot snapshot = NONE;

    /**
     * Adds or replaces the ports of a VTEP.
     *
     * @param sourcePorts in the order in which flow hashes choose them; at least one
     */
    public synchronized void add(Vtep vtep, int[] sourcePorts) {
        origins.put(vtep, Origin.of(vtep, sourcePorts));
        snapshot = new Snapshot(List.copyOf(origins.values()));
    }

    /** Forgets the ports of a VTEP, if there are any. */
    public synchronized void remove(Vtep vtep) {
        if (origins.remove(vtep) != null) {
            snapshot = new Snapshot(List.copyOf(origins.values()));
        }
    }

    Snapshot snapshot() {
        return snapshot;
    }
}
