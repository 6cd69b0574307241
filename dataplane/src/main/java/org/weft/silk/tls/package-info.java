/** TLS towards sources of leases and policies, with PEM files and sentences for what is wrong. */
package org.weft.silk.tls;
