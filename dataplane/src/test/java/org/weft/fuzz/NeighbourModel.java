package org.weft.fuzz;

import java.util.Arrays;
import org.weft.fuzz.Parsed.Address;

/** Which frames ask for a neighbour, and the answers, as the kernel's device gives them (arp_reduce, neigh_reduce). */
final class NeighbourModel {
    private static final int NETWORK = 14;
    private static final int MESSAGE = NETWORK + 40;
    private static final int OPTIONS = MESSAGE + 24;

    private NeighbourModel() {}

    /** Whether an ARP frame is about IPv4 over Ethernet. */
    static boolean isArp(byte[] frame) {
        if (frame.length < NETWORK + 28) {
            return false;
        }
        int hardware = Octets.get16(frame, NETWORK);
        return (hardware == 1 || hardware == 6) && Octets.get32(frame, NETWORK + 2) == 0x0800_0604;
    }

    /** Null if it asks for nothing that is known. */
    static byte[] arpReply(byte[] frame, Tables tables) {
        int target = Octets.get32(frame, NETWORK + 24);
        boolean asks = Octets.get16(frame, NETWORK + 6) == 1 && target >>> 24 != 127 && target >>> 28 != 14;
        long mac = asks ? tables.neighbour(Address.v4(target)) : -1;
        if (mac < 0) {
            return null;
        }
        byte[] reply = new byte[NETWORK + 28];
        long requester = Octets.get48(frame, NETWORK + 8);
        Draft.putEthernet(reply, requester, mac, new int[0], Parsed.ARP);
        Octets.put16(reply, NETWORK, 1);
        Octets.put32(reply, NETWORK + 2, 0x0800_0604);
        Octets.put16(reply, NETWORK + 6, 2);
        Octets.put48(reply, NETWORK + 8, mac);
        Octets.put32(reply, NETWORK + 14, target);
        Octets.put48(reply, NETWORK + 18, requester);
        System.arraycopy(frame, NETWORK + 14, reply, NETWORK + 24, 4);
        return reply;
    }

    /** Whether an untagged IPv6 frame is a neighbour solicitation that may be answered. */
    static boolean isSolicitation(byte[] frame) {
        if (frame.length < OPTIONS || Octets.get8(frame, NETWORK) >> 4 != 6) {
            return false;
        }
        int payload = Octets.get16(frame, NETWORK + 4);
        boolean solicits = frame[NETWORK + 6] == Parsed.ICMPV6
                && Octets.get8(frame, NETWORK + 7) == 255
                && payload >= 24
                && payload <= frame.length - MESSAGE
                && Octets.get16(frame, MESSAGE) == 135 << 8;
        Address to = Address.v6(frame, NETWORK + 24);
        return solicits
                && !to.equals(new Address(0, 1))
                && Octets.get8(frame, MESSAGE + 8) != 0xff
                && sourceOption(frame, MESSAGE + payload) != Parsed.NONE;
    }

    /** Where the requester's MAC address is: in its option, or in the Ethernet header; NONE if an option is malformed. */
    private static int sourceOption(byte[] frame, int end) {
        int at = OPTIONS;
        while (at + 1 < end) {
            int length = Octets.get8(frame, at + 1) * 8;
            if (length == 0 || at + length > end) {
                return Parsed.NONE;
            }
            if (frame[at] == 1) {
                return at + 2;
            }
            at += length;
        }
        return 6;
    }

    /** Null if the neighbour is unknown. */
    static byte[] advertisement(byte[] frame, Tables tables) {
        long mac = tables.neighbour(Address.v6(frame, MESSAGE + 8));
        if (mac < 0) {
            return null;
        }
        long requester = Octets.get48(frame, sourceOption(frame, MESSAGE + Octets.get16(frame, NETWORK + 4)));
        boolean hasAddress = !Address.v6(frame, NETWORK + 8).equals(Address.ZERO);
        Draft draft = new Draft();
        draft.destinationMac = hasAddress ? requester : 0x3333_0000_0001L;
        draft.sourceMac = mac;
        draft.ipv4 = false;
        draft.tos = Octets.get16(frame, NETWORK) >> 4 & 0xff;
        draft.ttl = 255;
        draft.source = Arrays.copyOfRange(frame, MESSAGE + 8, MESSAGE + 24);
        draft.destination = hasAddress ? Arrays.copyOfRange(frame, NETWORK + 8, NETWORK + 24) : allNodes();
        draft.protocol = Parsed.ICMPV6;
        draft.header = new byte[] {(byte) 136, 0, 0, 0, (byte) (hasAddress ? 0x60 : 0x20), 0, 0, 0};
        byte[] option = {2, 1, 0, 0, 0, 0, 0, 0};
        Octets.put48(option, 2, mac);
        draft.payload = Octets.join(draft.source, option);
        return draft.build();
    }

    private static byte[] allNodes() {
        byte[] address = new byte[16];
        Octets.put16(address, 0, 0xff02);
        address[15] = 1;
        return address;
    }
}
