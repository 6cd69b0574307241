/**
 * JMH benchmarks: what each part of a packet's way costs in Java, without system calls. Each class says the question it
 * answers. {@link org.weft.bench.Main} runs them and stores the numbers with the environment they come from.
 */
package org.weft.bench;
