/**
 * The composition root: the program's entry, its configuration file, and the daemon that puts the
 * engine, the cell, the policies and the control server together.
 *
 * <p>The houses below it, from the ground up; ArchitectureTest keeps the order:
 *
 * <ul>
 *   <li>{@code encap}: headers and super-frames; {@code operator} and {@code text}: errors and
 *       text that people read
 *   <li>{@code dataplane}: the way of a packet
 *   <li>{@code file} and {@code config}: files, and attributes with iproute2's names
 *   <li>{@code silk}: the cell: leases, containers, policies
 *   <li>{@code control}: the API and the metrics
 *   <li>{@code cli}: the client of the API
 * </ul>
 *
 * <p>{@code file} lies outside the data plane, because nothing there reads a file of the daemon.
 */
package org.weft.daemon;
