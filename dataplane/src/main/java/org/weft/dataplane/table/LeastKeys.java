package org.weft.dataplane.table;

import java.util.Arrays;

/**
 * Of the keys it is offered, the least behind a given one, in their order: two unsigned words each, in memory that does
 * not grow with the table. A key that is offered twice may be kept twice.
 */
final class LeastKeys {
    private static final int FIRST_CAPACITY = 64;

    private final int limit;
    private long[] first = new long[FIRST_CAPACITY];
    private long[] second = new long[FIRST_CAPACITY];
    private int size;

    /** Whether keys up to this one are passed over. */
    private boolean begun;

    private long lastFirst;
    private long lastSecond;

    /** @param limit most keys it keeps, 16 bytes each */
    LeastKeys(int limit) {
        this.limit = limit;
    }

    int size() {
        return size;
    }

    boolean isFull() {
        return size == limit;
    }

    /** Only after {@link #sort}; so is {@link #second}. */
    long first(int index) {
        return first[index];
    }

    long second(int index) {
        return second[index];
    }

    /** Keeps no key any more, and only those behind this one from now on. */
    void restartBehind(long firstWord, long secondWord) {
        begun = true;
        lastFirst = firstWord;
        lastSecond = secondWord;
        size = 0;
    }

    /** Until they are sorted the keys are a heap, the greatest on top: the one that goes when a lesser one comes. */
    void offer(long firstWord, long secondWord) {
        if (begun && compare(firstWord, secondWord, lastFirst, lastSecond) <= 0) {
            return;
        }
        if (size < limit) {
            grow();
            rise(size++, firstWord, secondWord);
        } else if (compare(firstWord, secondWord, first[0], second[0]) < 0) {
            sink(size, firstWord, secondWord);
        }
    }

    private void grow() {
        if (size == first.length) {
            int capacity = Math.min(limit, 2 * size);
            first = Arrays.copyOf(first, capacity);
            second = Arrays.copyOf(second, capacity);
        }
    }

    /** Puts the keys in order; none can be offered then until it is restarted. */
    void sort() {
        for (int end = size - 1; end > 0; end--) {
            long lowerFirst = first[end];
            long lowerSecond = second[end];
            move(0, end);
            sink(end, lowerFirst, lowerSecond);
        }
    }

    private void rise(int from, long firstWord, long secondWord) {
        int at = from;
        while (at > 0 && compare(firstWord, secondWord, first[(at - 1) / 2], second[(at - 1) / 2]) > 0) {
            move((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
        set(at, firstWord, secondWord);
    }

    /** Puts a key in place of the one on top, in a heap of the keys before {@code end}. */
    private void sink(int end, long firstWord, long secondWord) {
        int at = 0;
        for (int child = 1; child < end; child = 2 * at + 1) {
            if (child + 1 < end && compare(first[child + 1], second[child + 1], first[child], second[child]) > 0) {
                child++;
            }
            if (compare(firstWord, secondWord, first[child], second[child]) >= 0) {
                break;
            }
            move(child, at);
            at = child;
        }
        set(at, firstWord, secondWord);
    }

    private void move(int from, int to) {
        set(to, first[from], second[from]);
    }

    private void set(int index, long firstWord, long secondWord) {
        first[index] = firstWord;
        second[index] = secondWord;
    }

    private static int compare(long first, long second, long otherFirst, long otherSecond) {
        int order = Long.compareUnsigned(first, otherFirst);
        return order != 0 ? order : Long.compareUnsigned(second, otherSecond);
    }
}
