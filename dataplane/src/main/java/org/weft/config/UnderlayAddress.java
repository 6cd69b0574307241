package org.weft.config;

import org.weft.encap.IpAddress;

/** Tells an underlay interface's address; handed in because this package opens no sockets. */
@FunctionalInterface
public interface UnderlayAddress {
    /**
     * @param dev underlay interface
     * @return its first IPv4 address; null if it has none yet, or does not exist yet
     */
    IpAddress of(String dev);
}
