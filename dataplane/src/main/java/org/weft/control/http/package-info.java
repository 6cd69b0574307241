/**
 * HTTP/1.1 on a Unix socket and on TCP: connections, limits, requests, answers. Knows none of the
 * questions that the routes above it answer.
 */
package org.weft.control.http;
