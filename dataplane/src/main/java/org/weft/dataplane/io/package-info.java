/** The inside and the outside as small interfaces: a TAP device, an underlay socket, and the slots frames live in. */
package org.weft.dataplane.io;
