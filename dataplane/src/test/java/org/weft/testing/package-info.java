/** Devices in memory and frames to put through them, for tests and benchmarks; and what tests ask of their surroundings. */
package org.weft.testing;
