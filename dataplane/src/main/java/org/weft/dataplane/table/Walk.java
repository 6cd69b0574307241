package org.weft.dataplane.table;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Spliterator;
import java.util.Spliterators.AbstractSpliterator;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A walk over a table in the order of its keys while it changes, in 1 MB of memory at most: the table is searched for
 * the next keys, and for the next ones when these are done. An entry that is there all the time comes once, whatever
 * happens to the others and wherever the table keeps it by then; none comes twice. Each is whole; they may be of
 * different moments.
 */
final class Walk<E> extends AbstractSpliterator<E> {
    /** Offers all keys of a table. */
    @FunctionalInterface
    interface Keys {
        void offerTo(LeastKeys keys);
    }

    /** Finds what is in a table under a key now, if anything. */
    @FunctionalInterface
    interface Entries<E> {
        void find(long first, long second, Consumer<E> found);
    }

    private static final int KEYS_AT_A_TIME = 1 << 16;

    private final Keys table;
    private final Entries<E> entries;
    private final LeastKeys keys;
    private final Deque<E> found = new ArrayDeque<>();
    private int next;
    private boolean last;

    private Walk(Keys table, Entries<E> entries, int keysAtATime) {
        super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
        this.table = table;
        this.entries = entries;
        this.keys = new LeastKeys(keysAtATime);
    }

    /** A table's entries, one after the other as they are asked for. */
    static <E> Stream<E> over(Keys table, Entries<E> entries) {
        return over(table, entries, KEYS_AT_A_TIME);
    }

    static <E> Stream<E> over(Keys table, Entries<E> entries, int keysAtATime) {
        return StreamSupport.stream(new Walk<>(table, entries, keysAtATime), false);
    }

    @Override
    public boolean tryAdvance(Consumer<? super E> action) {
        while (found.isEmpty()) {
            if (next == keys.size() && !search()) {
                return false;
            }
            if (next == 0 || !isRepeated(next)) {
                entries.find(keys.first(next), keys.second(next), found::add);
            }
            next++;
        }
        action.accept(found.remove());
        return true;
    }

    /** Whether there are further keys. */
    private boolean search() {
        if (last) {
            return false;
        }
        if (next > 0) {
            keys.restartBehind(keys.first(next - 1), keys.second(next - 1));
        }
        table.offerTo(keys);
        keys.sort();
        last = !keys.isFull();
        next = 0;
        return keys.size() > 0;
    }

    private boolean isRepeated(int index) {
        return keys.first(index) == keys.first(index - 1) && keys.second(index) == keys.second(index - 1);
    }
}
