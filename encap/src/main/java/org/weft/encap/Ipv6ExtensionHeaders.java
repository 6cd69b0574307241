package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/** Walks from an IPv6 header over its extension headers (RFC 8200 section 4) to the upper-layer protocol. */
public final class Ipv6ExtensionHeaders {
    /** No upper-layer header: a later fragment, no next header, or cut off. */
    public static final int NONE = -1;

    /** The kernel's flow dissector gives up after as many (MAX_FLOW_DISSECT_HDRS). */
    private static final int MAX_HEADERS = 15;

    private static final int HOP_BY_HOP = 0;
    private static final int ROUTING = 43;
    private static final int FRAGMENT = 44;
    private static final int AUTHENTICATION = 51;
    private static final int NO_NEXT_HEADER = 59;
    private static final int DESTINATION_OPTIONS = 60;
    /** Every extension header has its length, or is a fragment header, within so many bytes. */
    private static final int MIN_LENGTH = 8;

    private int protocol;
    private int upperLayerOffset;
    private boolean fragment;
    private boolean laterFragment;
    private int fragmentId;

    /**
     * Walks the chain.
     *
     * @param offset of an IPv6 header that was checked
     * @param length from there to the end of what may be read, at least 40
     */
    public void walk(UnsafeBuffer buffer, int offset, int length) {
        protocol = Ipv6Header.nextHeader(buffer, offset);
        upperLayerOffset = NONE;
        fragment = false;
        laterFragment = false;
        fragmentId = 0;
        int end = offset + length;
        int position = offset + Ipv6Header.LENGTH;
        for (int i = 0; i < MAX_HEADERS; i++) {
            if (!isExtension(protocol)) {
                boolean present = protocol != NO_NEXT_HEADER && position <= end;
                upperLayerOffset = present ? position : NONE;
                return;
            }
            if (end - position < MIN_LENGTH) {
                return;
            }
            if (protocol == FRAGMENT) {
                noteFragment(buffer, position);
                if (laterFragment) {
                    return;
                }
            }
            int next = buffer.getByte(position) & 0xff;
            position += extensionLength(buffer, position);
            protocol = next;
        }
    }

    /** Of all fragments but the first, the next header names the protocol but is not there. */
    private void noteFragment(UnsafeBuffer buffer, int position) {
        fragment = true;
        fragmentId = buffer.getInt(position + 4, BIG_ENDIAN);
        laterFragment = (buffer.getShort(position + 2, BIG_ENDIAN) & 0xfff8) != 0;
        if (laterFragment) {
            protocol = buffer.getByte(position) & 0xff;
        }
    }

    private int extensionLength(UnsafeBuffer buffer, int position) {
        int field = buffer.getByte(position + 1) & 0xff;
        return switch (protocol) {
            case FRAGMENT -> 8;
            case AUTHENTICATION -> (field + 2) << 2;
            default -> (field + 1) << 3;
        };
    }

    private static boolean isExtension(int protocol) {
        return switch (protocol) {
            case HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS -> true;
            default -> false;
        };
    }

    /** The upper-layer protocol, or the last next-header value seen when the chain is cut. */
    public int protocol() {
        return protocol;
    }

    /** Where in the buffer the upper layer begins, at most at the end of what was given; or {@link #NONE}. */
    public int upperLayerOffset() {
        return upperLayerOffset;
    }

    /** Whether there is a fragment header, also of a first or only fragment. */
    public boolean isFragment() {
        return fragment;
    }

    /** Whether it is any fragment but the first. */
    public boolean isLaterFragment() {
        return laterFragment;
    }

    /** Identification in the fragment header; 0 without one. */
    public int fragmentId() {
        return fragmentId;
    }
}
