/** Whether the threads of this process still do their work. Knows nothing of what that work is. */
package org.weft.dataplane.watchdog;
