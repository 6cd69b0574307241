/**
 * The command line: iproute2's grammar, spoken to a daemon over its control socket.
 *
 * <pre>
 * words -> {@link org.weft.cli.Grammar} -> {@link org.weft.cli.Statement}
 *       -> {@link org.weft.cli.Session} -> {@link org.weft.cli.ControlClient} -> daemon
 *       -> {@link org.weft.cli.Printer} -> lines as iproute2 prints them
 * </pre>
 *
 * <p>A client call lives for a few hundred milliseconds, most of it class loading. So nothing here
 * touches Netty, jnr-ffi, slf4j or the machinery of the data plane.
 */
package org.weft.cli;
