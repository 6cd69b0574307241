package org.weft.it;

/**
 * A VTEP as tests ask for it.
 *
 * @param attributes what follows {@code type vxlan} in iproute2's grammar
 */
record Device(String name, String mac, int mtu, String attributes) {
    Device with(String more) {
        return new Device(name, mac, mtu, attributes + " " + more);
    }
}
