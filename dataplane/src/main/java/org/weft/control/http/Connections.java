package org.weft.control.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.unix.PeerCredentials;
import java.io.IOException;

/** Sets up each connection of a listener. */
public final class Connections<C extends Channel> extends ChannelInitializer<C> {
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(256 * 1024, 1024 * 1024);

    private final Routes routes;
    private final ChannelGroup channels;
    private final ConnectionLimit limit;

    /** @param channels that each connection is put into */
    public Connections(Routes routes, ChannelGroup channels, ConnectionLimit limit) {
        this.routes = routes;
        this.channels = channels;
        this.limit = limit;
    }

    @Override
    protected void initChannel(C channel) throws IOException {
        channels.add(channel);
        channel.config().setWriteBufferWaterMark(WATER_MARK);
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        limit.add(channel.pipeline());
        RequestGate gate = new RequestGate();
        channel.pipeline().addLast(gate, new HttpExchanges(routes, gate, client(channel)));
    }

    private static String client(Channel channel) throws IOException {
        if (channel instanceof EpollDomainSocketChannel local) {
            PeerCredentials peer = local.peerCredentials();
            return "uid " + peer.uid() + " pid " + peer.pid();
        }
        return String.valueOf(channel.remoteAddress());
    }
}
