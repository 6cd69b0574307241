/**
 * Fuzzing of whole agents: random and damaged datagrams and frames pass through both directions of several VTEPs, over
 * devices that fail now and then. Models that share no code with the agents say what must come out, byte by byte.
 *
 * <pre>
 *   Scenario: one host, set up at random; some rounds of traffic
 *     Drafts, Damage, Bursts    what comes in
 *     FuzzHost, FuzzVtep        the agents over FuzzUnderlay, FuzzTap and FuzzSender
 *     ReceiveModel, SendModel   what must come out of it; of SendModel a part are NeighbourModel and LoopModel
 *     Deliveries, Books         compare, and count
 *   Parsed, Cut, Octets         the models' own idea of frames, super-frames and checksums
 * </pre>
 *
 * {@link org.weft.fuzz.Fuzz} runs as many scenarios as asked for, {@link org.weft.fuzz.FuzzTest} a fixed number.
 */
package org.weft.fuzz;
