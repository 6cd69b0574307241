package org.weft.it;

import java.util.List;
import java.util.Map;

/** The VTEPs of one host, run by the kernel or by Weft, and spoken to in iproute2's words. */
interface Endpoint extends AutoCloseable {
    static Endpoint open(Subject subject, Netns host) {
        return subject == Subject.KERNEL ? new KernelEndpoint(host) : WeftEndpoint.start(host);
    }

    /** Makes a device and brings it up. */
    void add(Device device);

    void remove(String device);

    /** {@code bridge fdb ACTION MAC dev DEVICE ARGUMENTS}, for instance {@code append}, {@code dst 10.0.16.16}. */
    void fdb(String action, String mac, String device, String arguments);

    /** A permanent neighbour that the device knows. */
    void neighbour(String ip, String mac, String device);

    /** Gives what the source sends through the device a group policy id. */
    void tag(String sourceIp, int tag, String device);

    /** Remote addresses of a MAC in the forwarding table. */
    List<String> remotes(String mac, String device);

    /** Drops of one direction, {@code rx} or {@code tx}, by reason; empty where the subject does not tell. */
    Map<String, Long> drops(String direction);

    @Override
    void close();
}
