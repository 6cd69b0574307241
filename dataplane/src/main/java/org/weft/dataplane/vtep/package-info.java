/** One VTEP: its configuration and the state that agents and control share. */
package org.weft.dataplane.vtep;
