package org.weft.dataplane.vtep;

import java.util.Map;

/**
 * The state of a VTEP's devices, as an operator sees it beside the configuration.
 *
 * @param up whether the device is up; true for one in another network namespace, which Weft does
 *     not see
 * @param ifindex the device's number in this namespace; 0 if it is not there
 * @param offloads by name, why each is off; null for one that is on
 * @param gsoRefused messages that the kernel did not cut, whose datagrams were sent singly
 * @param trouble one sentence, or null if all is well
 * @param note one sentence that an operator should know although packets pass; null if there is
 *     none
 */
public record LinkState(
        boolean up,
        boolean carrier,
        int ifindex,
        long mac,
        int mtu,
        Map<String, String> offloads,
        long gsoRefused,
        String trouble,
        String note) {}
