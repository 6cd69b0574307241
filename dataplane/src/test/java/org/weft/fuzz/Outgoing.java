package org.weft.fuzz;

import java.util.HexFormat;

/** A frame that the host sends into the overlay, with the fields of its virtio-net header. */
record Outgoing(byte[] frame, int flags, int gsoType, int gsoSize, int checksumStart, int checksumOffset) {
    @Override
    public String toString() {
        return "frame with flags " + flags + " gso " + gsoType + "/" + gsoSize + " checksum " + checksumStart + "+"
                + checksumOffset + " " + HexFormat.of().formatHex(frame);
    }
}
