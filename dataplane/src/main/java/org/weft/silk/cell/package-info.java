/**
 * A silk cell: what silk-daemon does on a host, without the kernel's vxlan.
 *
 * <pre>
 *   LeaseSource -> KnownLeases -> Converger -> routes and neighbours of the host, FDB and neighbours of the VTEP
 *        |              |
 *        +---------> OwnLease --> CellDevice: the VTEP itself; Tenants: its containers
 *
 *   Cell: the thread on which all of this happens, CellState on disk, Drain
 * </pre>
 *
 * <p>Three schemes were weighed for the convergence. To write everything at each poll, as silk-daemon does, costs the
 * more the larger the overlay is, and a single lease that cannot be written ends the pass. To read the kernel back before each
 * change is right but slow: thousands of routes for one lease. So a change is the difference to what was installed
 * last, and what others may have done to the host is looked for in a full pass now and then.
 */
package org.weft.silk.cell;
