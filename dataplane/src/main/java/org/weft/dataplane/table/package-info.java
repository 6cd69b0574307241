/**
 * Off-heap tables that agents look up without locks while the control side writes.
 *
 * <p>Writers take the table's monitor; readers see each entry whole or not at all (a version per entry, odd while it
 * is written). A table grows by building a larger one and publishing it with one release store. Lookups allocate
 * nothing.
 */
package org.weft.dataplane.table;
