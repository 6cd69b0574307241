/** Leases: which host has which part of the overlay, what silk derives from it, and where that is known from. */
package org.weft.silk.lease;
