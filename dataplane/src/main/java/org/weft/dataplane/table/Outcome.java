package org.weft.dataplane.table;

/** What came of a change to a table. */
public enum Outcome {
    OK,
    /** There is such an entry already (EEXIST). */
    EXISTS,
    /** There is no such entry (ENOENT). */
    NOT_FOUND,
    /** The table's limit is reached (ENOSPC). */
    FULL,
    /** Only the default entry and multicast addresses can have several remotes (EOPNOTSUPP). */
    NOT_SUPPORTED
}
