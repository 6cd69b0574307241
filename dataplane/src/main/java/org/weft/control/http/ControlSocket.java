package org.weft.control.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The Unix socket's place in the file system: whose it is, who may enter, and what a dead daemon left there. */
public final class ControlSocket {
    /** sizeof sun_path without the final zero (linux/un.h). */
    private static final int MAX_PATH_LENGTH = 107;

    /** How netty words ECONNREFUSED: there is a socket that no process has open. */
    private static final String REFUSED = "error(-" + Errno.ECONNREFUSED + ")";

    private static final Logger LOG = LoggerFactory.getLogger(ControlSocket.class);

    private final Path path;
    private final DomainSocketAddress address;

    public ControlSocket(Path path) {
        this.path = path;
        this.address = new DomainSocketAddress(path.toString());
    }

    /** Opens it; netty removes the file when the channel is closed. */
    public Channel bind(EventLoopGroup group, ChannelHandler connections) {
        int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_PATH_LENGTH) {
            throw cannotCreate("its path has " + length + " bytes, the kernel takes " + MAX_PATH_LENGTH, null);
        }
        try {
            makeDirectory();
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                removeStale(group);
            }
            Channel channel = listen(group, connections);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            return channel;
        } catch (AccessDeniedException e) {
            throw new OperatorException(
                    Kind.NO_PERMISSION,
                    "control socket " + path + ": permission denied for " + e.getFile()
                            + ": run as root or choose another with --control",
                    e);
        } catch (IOException e) {
            throw cannotCreate(reason(e), e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof FileSystemException file && file.getReason() != null
                ? file.getFile() + ": " + file.getReason()
                : e.getMessage() == null ? e.toString() : e.getMessage();
    }

    private OperatorException cannotCreate(String reason, Throwable cause) {
        return new OperatorException(
                Kind.CANNOT_CREATE,
                "control socket " + path + " cannot be made: " + reason + ": choose another with --control",
                cause);
    }

    private void makeDirectory() throws IOException {
        Path directory = path.toAbsolutePath().getParent();
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory);
            // Others may look for the socket, whatever the umask is, and hear that they have no permission.
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private Channel listen(EventLoopGroup group, ChannelHandler connections) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(EpollServerDomainSocketChannel.class)
                .childHandler(connections)
                .bind(address)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(bound.cause().getMessage(), bound.cause());
        }
        AcceptFailures.report(bound.channel(), path.toString());
        return bound.channel();
    }

    /** A socket that nobody listens on is left over; anything else is not ours to remove. */
    private void removeStale(EventLoopGroup group) throws IOException {
        if (!((int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) >>> 12 == 0xc)) {
            throw new IOException("something that is no socket has this name");
        }
        ChannelFuture connected = new Bootstrap()
                .group(group)
                .channel(EpollDomainSocketChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .connect(address)
                .awaitUninterruptibly();
        if (connected.isSuccess()) {
            EpollDomainSocketChannel peer = (EpollDomainSocketChannel) connected.channel();
            int pid = peer.peerCredentials().pid();
            peer.close().awaitUninterruptibly();
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "another daemon answers on " + path + " (pid " + pid
                            + "): stop it or choose another with --control");
        }
        if (!String.valueOf(connected.cause().getMessage()).contains(REFUSED)) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "another daemon may listen on " + path + " ("
                            + connected.cause().getMessage() + "): stop it or choose another with --control",
                    connected.cause());
        }
        LOG.info("control socket {} was left by a daemon that is gone; it is replaced", path);
        Files.delete(path);
    }
}
