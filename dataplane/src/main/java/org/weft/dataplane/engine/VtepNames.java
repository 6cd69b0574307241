package org.weft.dataplane.engine;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.vtep.Vtep;

/** Lets VTEPs take the names that their devices have. */
final class VtepNames {
    private static final Logger LOG = LoggerFactory.getLogger(VtepNames.class);

    private VtepNames() {}

    /**
     * Renames VTEPs whose devices have other names. Devices may have exchanged their names. No VTEP
     * takes the name of a VTEP that keeps it because its device is in another network namespace.
     *
     * @param followers the VTEPs that may be renamed; this method removes those that cannot be
     * @param byName all VTEPs; readers that look one up at the same time find it under one of its
     *     names
     */
    static void adopt(Set<Vtep> followers, Map<String, Vtep> byName) {
        followers.removeIf(vtep -> vtep.deviceName().equals(vtep.name()));
        boolean blocked = true;
        while (blocked) {
            blocked = followers.removeIf(vtep -> {
                Vtep holder = byName.get(vtep.deviceName());
                return holder != null && !followers.contains(holder);
            });
        }
        List<String> before = followers.stream().map(Vtep::name).toList();
        for (Vtep vtep : followers) {
            LOG.info("{}: renamed to {}", vtep.name(), vtep.deviceName());
            vtep.config(vtep.config().following(vtep.deviceName(), vtep.mac(), vtep.mtu()));
            byName.put(vtep.name(), vtep);
        }
        before.stream().filter(name -> !byName.get(name).name().equals(name)).forEach(byName::remove);
    }
}
