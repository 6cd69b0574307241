/** Containers on the overlay: addresses of this host's subnet and veth pairs. */
package org.weft.silk.container;
