/**
 * Whether the threads of this process still do their work. Knows nothing of what that work is.
 *
 * <p>The daemon's long-lived threads, and how each one beats:
 *
 * <ul>
 *   <li>{@code weft-worker-N}: by a task of its loop, once a second; with {@code threading: dedicated}, {@code
 *       weft-read-N}, {@code weft-encap-N}, {@code weft-decap-N} and {@code weft-write-N}, one for each
 *       agent, every 64 duty cycles. These have ten seconds.
 *   <li>{@code weft-watch}: with each VTEP that it looks at.
 *   <li>{@code weft-control}, {@code weft-metrics}: by a task of their loops.
 *   <li>{@code weft-cell}, {@code weft-policy}: with each task, of which there is one a second.
 *   <li>{@code weft-leases}, {@code weft-policies}, {@code weft-metadata} (files), {@code weft-silk-ctrl}, {@code
 *       weft-pol-server} (polls), {@code weft-etcd}: with each turn, and once a second while they wait.
 *   <li>{@code weft-verdicts}: ten times a second.
 *   <li>{@code weft-watchdog}: with each look; a question notices when the looks stop.
 * </ul>
 *
 * <p>Without a heartbeat: threads that come and go with one operation, whose commands and requests have deadlines ({@code
 * weft-contain-N}, {@code weft-listen}, readers of commands, the HTTP client's); {@code weft-pol-save}, as a slow disk is to
 * keep nothing back; {@code weft-i-*}, which may wait for ever, and beside which files are looked at each second.
 */
package org.weft.dataplane.watchdog;
