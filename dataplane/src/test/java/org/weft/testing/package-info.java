/** Devices in memory and frames to put through them, for tests and benchmarks. */
package org.weft.testing;
