/**
 * TLS towards servers that leases come from, with PEM files as operators have them, and sentences for what goes wrong on
 * the way to such a server. Knows nothing of what is asked there.
 */
package org.weft.silk.tls;
