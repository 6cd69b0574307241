<<<<<<< HEAD
/** Devices in memory, frames to put through them, and what tests of several packages share. */
=======
/** Devices in memory and frames to put through them, for tests and benchmarks; and what tests ask of their surroundings. */
>>>>>>> iolinux
package org.weft.testing;
