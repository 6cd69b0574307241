/** What is counted: one enum of counters and drop reasons, and the memory they are kept in. */
package org.weft.dataplane.counters;
