/**
 * The daemon's door for operators: HTTP/1.1 and JSON on a Unix socket, and Prometheus metrics.
 *
 * <p>{@link org.weft.control.ControlServer} owns one thread, the control thread, on which every request is
 * handled and every change is made; tables are written there and read by agents without locks. A request goes from
 * {@code HttpExchanges} to {@code Views}, {@code Metrics} or {@code CaptureStream}, or line by line through {@code
 * ChangeUpload} to {@code Operations}.
 */
package org.weft.control;
