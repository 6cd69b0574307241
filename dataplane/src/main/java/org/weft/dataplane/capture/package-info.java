/** Copies of packets for an operator to look at: a bounded ring beside the packet's way, and pcapng out of it. */
package org.weft.dataplane.capture;
