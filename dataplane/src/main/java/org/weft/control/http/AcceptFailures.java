package org.weft.control.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says that connections cannot be accepted, as without a free file descriptor, once in a while; netty tries again each second. */
final class AcceptFailures extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(AcceptFailures.class);
    private static final long BETWEEN_NANOS = 60_000_000_000L;

    private final String address;
    private long said = System.nanoTime() - BETWEEN_NANOS;

    private AcceptFailures(String address) {
        this.address = address;
    }

    /** @param listening a channel that is bound, so that netty's own handlers stand before this one */
    static void report(Channel listening, String address) {
        listening.pipeline().addLast(new AcceptFailures(address));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        long now = System.nanoTime();
        if (now - said >= BETWEEN_NANOS) {
            said = now;
            LOG.warn(
                    "{}: a connection cannot be accepted ({}); Weft tries again each second: raise LimitNOFILE or end"
                            + " what keeps descriptors open",
                    address,
                    cause.getMessage());
        }
    }
}
