/**
 * The packet's way, stage by stage: TapReader, ring, Encapsulator; Decapsulator, ring, TapWriter.
 *
 * <p>Stages are Agrona agents: {@code doWork()} does a bounded amount and returns how many frames it moved. They do not
 * know whether they share a thread. The two that touch the underlay do their own sending and receiving, so that a
 * direction has one hand-off only.
 */
package org.weft.dataplane.agent;
