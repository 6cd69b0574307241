package org.weft.dataplane.vtep;

import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.table.TagTable;

/**
 * The configuration, tables and counters of one VTEP, which its agents and the control side share.
 *
 * <p>The control side replaces the configuration and writes the tables; agents take the
 * configuration and the enforcement once per duty cycle and look up without locks.
 */
public final class Vtep {
    private static final long START_NANOS = System.nanoTime();

    private final String firstName;
    private final FdbTable fdb;
    private final NeighbourTable neighbours = new NeighbourTable();
    private final TagTable tags = new TagTable();
    private final Counters counters = new Counters();
    private volatile VtepConfig config;
    private volatile Enforcement enforcement = Enforcement.NONE;
    private volatile boolean marksInMac;
    private volatile long mac;
    private volatile int mtu;
    private volatile String deviceName;
    private volatile boolean kept;
    private volatile int sendErrno;

    public Vtep(VtepConfig config) {
        this.config = config;
        this.firstName = config.name();
        this.deviceName = config.name();
        this.mac = config.device().mac();
        this.mtu = config.device().mtu();
        this.fdb = new FdbTable(config.forwarding().maxAddresses());
        makeRoom();
    }

    /** Seconds since the process started: the clock of FDB ages. */
    public static long clockSeconds() {
        return clockSeconds(System.nanoTime());
    }

    /** What {@link #clockSeconds()} is at a time of {@link System#nanoTime()}. */
    public static long clockSeconds(long nanoTime) {
        return (nanoTime - START_NANOS) / 1_000_000_000L;
    }

    public String name() {
        return config.name();
    }

    /** The name that the VTEP was made with. */
    public String firstName() {
        return firstName;
    }

    /**
     * Name that the device has in the kernel. It differs from {@link #name} within a second after
     * {@code ip link} renamed the device. It differs for longer only if the VTEP must not or cannot
     * have the device's name.
     */
    public String deviceName() {
        return deviceName;
    }

    /** Notes the name that the device has now. */
    public void deviceName(String name) {
        deviceName = name;
    }

    /**
     * Whether Weft puts back changes of others to the device, because a cell needs it as it is;
     * else Weft follows them.
     */
    public boolean kept() {
        return kept;
    }

    /** From now on Weft puts back changes of others to the device. */
    public void keep() {
        kept = true;
    }

    public VtepConfig config() {
        return config;
    }

    /** Puts another configuration in force; agents see it in their next duty cycle. */
    public void config(VtepConfig changed) {
        config = changed;
        makeRoom();
    }

    /**
     * Makes room for addresses to learn from packets, if the VTEP learns. Call it about once a
     * second on a thread that may wait for memory; no packet thread does. Until the next call a
     * table without room learns nothing more.
     */
    public void makeRoom() {
        if (config.forwarding().learning()) {
            fdb.makeRoom();
        }
    }

    /** How packets are judged. */
    public Enforcement enforcement() {
        return enforcement;
    }

    /** Judges by another from now on; agents see it in their next duty cycle. */
    public void enforcement(Enforcement changed) {
        enforcement = changed;
    }

    /** Whether frames from the host may have a mark in their source MAC address, in any mode. */
    public boolean marksInMac() {
        return marksInMac;
    }

    /** Marks may come from now on: those on their way when rules at the device go are still taken. */
    public void expectMarksInMac() {
        marksInMac = true;
    }

    /** MAC address that the device has now; {@code ip link} may have changed it. */
    public long mac() {
        return mac;
    }

    /** MTU that the device has now. */
    public int mtu() {
        return mtu;
    }

    /** Notes what {@code ip link} made of the device. */
    public void device(long mac, int mtu) {
        this.mac = mac;
        this.mtu = mtu;
    }

    /**
     * Why the kernel last refused a datagram whatever its length was (errno); 0 if it never did.
     * From any thread.
     */
    public int sendErrno() {
        return sendErrno;
    }

    /**
     * Notes why the kernel refused a datagram. Agents do not call it for a refusal because of the
     * length.
     */
    public void sendErrno(int errno) {
        sendErrno = errno;
    }

    /** Empties the tables and gives their memory back, once the VTEP is removed. Late readers find nothing. */
    public void release() {
        fdb.release();
        neighbours.release();
        tags.flush();
    }

    public FdbTable fdb() {
        return fdb;
    }

    public NeighbourTable neighbours() {
        return neighbours;
    }

    public TagTable tags() {
        return tags;
    }

    public Counters counters() {
        return counters;
    }
}
