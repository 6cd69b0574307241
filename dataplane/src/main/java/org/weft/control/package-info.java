/**
 * The daemon's door for operators: HTTP/1.1 and JSON on a Unix socket, and Prometheus metrics.
 *
 * <p>{@link org.weft.control.ControlServer} owns the thread {@code weft-control}, which handles every
 * request of the control socket. It makes changes itself or hands them to the cell, the policies and
 * the threads for containers. Those, the watch and the start of the daemon make changes, too: tables
 * and the engine are monitors, and agents read tables without locks. {@code weft-metrics} answers the
 * questions that come over TCP.
 *
 * <p>A request goes from {@code HttpExchanges} to {@code Views}, {@code Metrics} or {@code
 * CaptureStream}, or line by line through {@code ChangeUpload} to {@code Operations}.
 */
package org.weft.control;
