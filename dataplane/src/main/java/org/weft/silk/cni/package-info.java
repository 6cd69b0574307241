/** The Container Network Interface (CNI) for the containers of a cell. */
package org.weft.silk.cni;
