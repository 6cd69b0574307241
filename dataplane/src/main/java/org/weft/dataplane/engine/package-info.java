/**
 * Puts agents, devices and tables together, and keeps them running.
 *
 * <pre>
 *   {@link org.weft.dataplane.engine.Engine}: VTEPs by name, changes, start and end
 *     OpenDevices -> VtepDevices (TAP, rings, agents), UnderlayPort (the sockets of one port)
 *     Stages -> threads: one Turn of a worker, or a thread for each agent
 *     Watch: what the host did to devices, sockets and rules; repairs it
 * </pre>
 */
package org.weft.dataplane.engine;
