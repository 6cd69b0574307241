package org.weft.it;

import java.util.ArrayList;
import java.util.List;

/** A figure over time: whether it grows once the first half, in which code is compiled and pools fill, is over. */
final class Trend {
    private static final double WARM_UP = 0.5;

    private final List<Double> times = new ArrayList<>();
    private final List<Double> values = new ArrayList<>();
    private final int samples;
    private int seen;
    private double lowest = Double.MAX_VALUE;

    /**
     * @param samples the lowest of this many samples is a point of the figure: for a figure that
     *     includes garbage
     */
    Trend(int samples) {
        this.samples = samples;
    }

    void add(double seconds, double value) {
        lowest = Math.min(lowest, value);
        if (++seen % samples == 0) {
            times.add(seconds);
            values.add(lowest);
            lowest = Double.MAX_VALUE;
        }
    }

    List<Double> times() {
        return times;
    }

    List<Double> values() {
        return values;
    }

    private int warm() {
        double end = times.isEmpty() ? 0 : times.get(times.size() - 1) * WARM_UP;
        int first = 0;
        while (first < times.size() && times.get(first) < end) {
            first++;
        }
        return first;
    }

    double mean() {
        return values.subList(warm(), values.size()).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(0);
    }

    /** By how much it grows in an hour: the slope of the straight line with the least squares. */
    double perHour() {
        int first = warm();
        int count = values.size() - first;
        double time = times.subList(first, times.size()).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(0);
        double mean = mean();
        double products = 0;
        double squares = 0;
        for (int i = first; i < first + count; i++) {
            products += (times.get(i) - time) * (values.get(i) - mean);
            squares += (times.get(i) - time) * (times.get(i) - time);
        }
        return squares == 0 ? 0 : products / squares * 3600;
    }

    /** Whether it grows by no more than this share of its mean in an hour, and no more than {@code least} counts as growth. */
    boolean isFlat(double share, double least) {
        return perHour() <= Math.max(least, mean() * share);
    }
}
