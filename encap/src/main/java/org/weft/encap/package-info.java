/** Bytes only: header flyweights, checksums, flow hash. Nothing here can do I/O. */
package org.weft.encap;
