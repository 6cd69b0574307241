package org.weft.testing;

import java.util.HexFormat;
import java.util.List;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/** Frames of the packet that the specification follows from cell to cell, and a VTEP to put them through. */
public final class Frames {
    /** As the source host's VTEP device gets it: the checksum holds the pseudo-header's sum only. */
    public static final String SOURCE_VTEP =
            "eeee0aff8400eeee0aff6300080045000" + "04d9a1240003f06a4950aff63030aff8402ddbe1e618c783a6f80d313ea8018"
                    + "00d7fd4200000101080a000818cf000a5ccd63662d6e6574776f726b696e6720776974682073696c6b210a";

    /** As it is on the wire behind the VXLAN header, and on the destination host's VTEP device. */
    public static final String INNER = SOURCE_VTEP.replace("00d7fd42", "00d70fc9");

    /** VNI 1, group policy id 1. */
    public static final String VXLAN = "8800000100000100";

    public static final IpAddress SOURCE_HOST = IpAddress.parse("10.0.16.16");
    public static final IpAddress DESTINATION_HOST = IpAddress.parse("10.0.32.14");
    public static final long SOURCE_MAC = MacAddress.parse("ee:ee:0a:ff:63:00");
    public static final long DESTINATION_MAC = MacAddress.parse("ee:ee:0a:ff:84:00");

    private Frames() {}

    public static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** The VTEP of a silk cell. */
    public static VtepConfig silkVtep(long mac, IpAddress local) {
        return new VtepConfig(
                "silk-vtep",
                1,
                local,
                null,
                4789,
                List.of(),
                mac,
                1410,
                true,
                false,
                true,
                true,
                false,
                false,
                0,
                0,
                0,
                0,
                Df.UNSET,
                300,
                0,
                false,
                false,
                VtepConfig.Switches.ALL);
    }
}
