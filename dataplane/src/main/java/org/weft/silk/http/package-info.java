/** HTTP calls to sources of leases and policies: bounded answers, and sentences for failures. */
package org.weft.silk.http;
