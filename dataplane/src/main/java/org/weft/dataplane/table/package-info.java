/**
 * Off-heap tables that agents look up without locks while the control side writes.
 *
 * <p>Writers take the table's monitor; readers see each entry whole or not at all (a version per entry, odd while it
 * is written). A table grows and shrinks in steps: it copies one small segment, publishes the copy with a release store,
 * and gives the memory of the segment to the next copy. Lookups allocate nothing, and tell by themselves if they read
 * memory that has changed hands ({@code SlotMemory}).
 *
 * <p>An entry is 32 bytes: half a cache line, with room for a MAC, an IPv6 remote, version, flags and time. Remotes stand
 * in the entry and not in a store of their own, because at a million entries a lookup costs what its cache and TLB misses
 * cost, and a second place to look would double them; it would also need reference counts, and a proof that no reader
 * sees a remote that was freed and filled again.
 */
package org.weft.dataplane.table;
