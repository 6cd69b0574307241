package org.weft.silk.lease;

/**
 * A lease as a source wrote it, with silk's field names; nothing in it is checked.
 *
 * @param underlayIp {@code underlay_ip}; null if it is missing, as the others
 * @param overlaySubnet {@code overlay_subnet}, such as {@code 10.255.43.0/24}
 * @param overlayHardwareAddr {@code overlay_hardware_addr}; missing means the one that silk derives
 * @param origin where it was found, for operators: {@code /etc/weft/leases.yml:7}, {@code leases[3]}, an etcd key
 * @param fault what the source found wrong with it already, so that it is no lease; null: nothing
 */
public record LeaseRecord(
        String underlayIp, String overlaySubnet, String overlayHardwareAddr, String origin, String fault) {
    public LeaseRecord(String underlayIp, String overlaySubnet, String overlayHardwareAddr, String origin) {
        this(underlayIp, overlaySubnet, overlayHardwareAddr, origin, null);
    }
}
