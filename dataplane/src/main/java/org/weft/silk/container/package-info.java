/** Containers on the overlay: addresses of this host's subnet, veth pairs, and the Container Network Interface (CNI). */
package org.weft.silk.container;
