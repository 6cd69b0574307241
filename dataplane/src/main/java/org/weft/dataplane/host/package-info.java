/** The host's own network beside the VTEP: addresses, routes, neighbours and namespaces, through iproute2. */
package org.weft.dataplane.host;
