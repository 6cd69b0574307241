/** The part of the API and of the metrics that tells about a cell and changes it. */
package org.weft.control.cell;
