package org.weft.dataplane.table;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.collections.IntArrayList;

/**
 * Remote groups by id. Writers hold the table's monitor.
 *
 * <p>Ids are used again, so a reader that comes late may find another MAC's group, or none, under the id it read from an
 * entry. It compares the group's MAC and starts over.
 */
final class RemoteGroups {
    private volatile AtomicReferenceArray<RemoteGroup> groups = new AtomicReferenceArray<>(4);
    private final IntArrayList free = new IntArrayList();
    private int next;

    /** The group of an id if it is this MAC's, else null. Lock-free. */
    RemoteGroup get(long id, long mac) {
        AtomicReferenceArray<RemoteGroup> current = groups;
        RemoteGroup group = id >= 0 && id < current.length() ? current.get((int) id) : null;
        return group != null && group.mac == mac ? group : null;
    }

    /** Stores a group under an id that is in use, or a new one if that is negative; returns the id. */
    int put(int known, RemoteGroup group) {
        int id = known >= 0 ? known : free.isEmpty() ? next++ : free.removeAt(free.size() - 1);
        if (id == groups.length()) {
            grow();
        }
        groups.set(id, group);
        return id;
    }

    private void grow() {
        AtomicReferenceArray<RemoteGroup> larger = new AtomicReferenceArray<>(groups.length() * 2);
        for (int i = 0; i < groups.length(); i++) {
            larger.setPlain(i, groups.getPlain(i));
        }
        groups = larger;
    }

    void remove(int id) {
        groups.set(id, null);
        free.addInt(id);
    }
}
