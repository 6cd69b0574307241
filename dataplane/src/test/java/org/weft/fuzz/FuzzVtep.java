package org.weft.fuzz;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.agent.OwnDatagrams;
import org.weft.dataplane.agent.RefusalSender;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;

/** One VTEP with the agents of both directions, over devices in memory. */
final class FuzzVtep {
    /** As a port has it: UDP_MAX_SEGMENTS, and the release of the slot. */
    private static final int FRAMES_PER_SLOT = 128 + 1;

    private static final int FLOWS = 512;
    private static final int[] MTUS = {68, 576, 1280, 1410, 1450, 9000, 60_000};

    final Vtep vtep;
    final Tables tables;
    final FuzzTap tap;
    final FuzzSender sender;
    final FuzzSender refusalSender;
    final Ledger ledger;
    final Ingress ingress;
    final LoopModel loops = new LoopModel();
    final FlowTable flows = new FlowTable(FLOWS, FlowTable.Timeouts.DEFAULT);
    private final FrameSlab slab;
    private final FrameRing leaving;
    private final FrameRing arriving;
    private final RefusalSender refusals;
    private final TapReader reader;
    private final Encapsulator encapsulator;
    private final TapWriter writer;

    /** @param arrivals the slab of received datagrams */
    FuzzVtep(int vni, FrameSlab arrivals, Capture capture, SplittableRandom random, Faults.Rate faults) {
        vtep = new Vtep(config(vni, random));
        tables = Tables.fill(vtep, random);
        ledger = new Ledger(vtep.name(), vtep.counters());
        tap = new FuzzTap(new Faults(random.split(), faults));
        boolean uncut = random.nextInt(3) == 0;
        sender = new FuzzSender(new Faults(random.split(), faults), random.nextInt(1, 257), uncut);
        refusalSender = new FuzzSender(new Faults(random.split(), faults), random.nextInt(1, 257), uncut);
        arriving = new FrameRing(arrivals.slots(), FRAMES_PER_SLOT);
        refusals = new RefusalSender(vtep, refusalSender, new AgentContext(vtep.counters(), capture));
        ingress = new Ingress(vtep, arriving, vtep.counters(), refusals);
        writer = new TapWriter(vtep, tap, arrivals, arriving, new AgentContext(vtep.counters(), capture));
        slab = new FrameSlab(random.nextInt(1, 34));
        leaving = new FrameRing(slab.slots(), 1);
        reader = new TapReader(tap, slab, leaving, vtep.counters());
        OwnDatagrams own = new OwnDatagrams();
        own.add(vtep, LoopModel.PORTS);
        encapsulator = new Encapsulator(vtep, tap, slab, leaving, sender, new AgentContext(vtep.counters(), capture))
                .refuseOwn(own);
        if (random.nextInt(4) == 0) {
            vtep.expectMarksInMac();
        }
    }

    private static VtepConfig config(int vni, SplittableRandom random) {
        Map<String, String> attributes = new HashMap<>();
        attributes.put("id", Integer.toString(vni));
        attributes.put("local", FuzzUnderlay.LOCAL.toString());
        attributes.put("address", random.nextInt(4) == 0 ? "10.255.1.0/16" : "10.255.1.0/16 fd00::aff:100/64");
        attributes.put("mtu", Integer.toString(MTUS[random.nextInt(MTUS.length)]));
        attributes.put("gbp", Boolean.toString(random.nextInt(4) != 0));
        attributes.put("learning", Boolean.toString(random.nextInt(3) == 0));
        attributes.put("known-peers", Boolean.toString(random.nextInt(3) == 0));
        attributes.put("proxy", Boolean.toString(random.nextInt(3) != 0));
        attributes.put("maxaddress", random.nextInt(4) == 0 ? "8" : "0");
        attributes.put("gro", random.nextInt(6) == 0 ? "off" : "on");
        attributes.put("tos", random.nextBoolean() ? "inherit" : Integer.toString(random.nextInt(64) << 2));
        attributes.put("ttl", random.nextBoolean() ? "inherit" : Integer.toString(random.nextInt(1, 256)));
        attributes.put("df", new String[] {"unset", "set", "inherit"}[random.nextInt(3)]);
        return VtepAttributes.create("vxlan" + vni, attributes, (local, dev) -> 1500, warning -> {});
    }

    Enforcement enforcement() {
        return vtep.enforcement();
    }

    VtepConfig config() {
        return vtep.config();
    }

    /** Gives memory back, for the next scenario to find what is wrong with that. */
    void close() {
        encapsulator.close();
        leaving.close();
        slab.close();
        arriving.close();
        refusals.close();
    }

    /** Writes delivered frames to the TAP; how many there were. */
    int write() {
        return Faults.survive(writer);
    }

    /** Moves frames from the TAP to the sender until there is nothing left to do. */
    void send() {
        while (!tap.isEmpty() || slab.freeSlots() < slab.slots()) {
            int moved = Faults.survive(reader) + Faults.survive(encapsulator);
            if (moved == 0 && slab.freeSlots() < slab.slots()) {
                leaving.reclaim(slab);
                if (slab.freeSlots() < slab.slots() && tap.isEmpty()) {
                    throw new Finding(vtep.name() + ": " + (slab.slots() - slab.freeSlots())
                            + " slots of frames to send are lost");
                }
            }
        }
    }
}
