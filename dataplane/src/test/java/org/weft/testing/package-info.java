/** Devices in memory, frames to put through them, and what tests of several packages share. */
package org.weft.testing;
