/**
 * What the daemon is told at start: the YAML file, checked whole before anything starts. Also the one place that turns
 * attributes with iproute2's names into a {@link org.weft.dataplane.vtep.VtepConfig}, at start and at run time. Does no
 * I/O but reading the file.
 */
package org.weft.config;
