package org.weft.dataplane.counters;

/**
 * A packet that was dropped.
 *
 * @param epochMillis when
 * @param length how long it was, in bytes
 * @param header its first bytes, at most {@link Counters#SAMPLE_LENGTH}
 */
public record DropSample(long epochMillis, int length, byte[] header) {}
