package org.weft.silk.lease;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.weft.encap.IpAddress;
import org.weft.file.FollowedFile;
import org.weft.operator.OperatorException;

/**
 * Leases from a file, a list in YAML or JSON; this host's own is the one with its underlay address.
 * The author of the file decides: Weft asks no other source for the lease. Weft reads a changed
 * file again, at once if the kernel reports the change, else within about a second.
 */
public final class FileLeases implements LeaseSource {
    /** How often an unchanged file is told of. */
    private static final Duration CONFIRM = Duration.ofSeconds(1);

    /** The maximum number of underlay addresses that a sentence lists. */
    private static final int MOST_LISTED = 8;

    private final Path path;
    private final Overlay overlay;
    private final IpAddress underlay;
    private final FollowedFile file;

    // Below: the thread's own.
    private Listener listener;
    private String contents;
    private List<LeaseRecord> records;
    private Lease own;
    private String failure;
    private long lastConfirmed;

    /** @param underlay this host's underlay address */
    public FileLeases(Path file, Overlay overlay, IpAddress underlay) {
        this.path = file;
        this.overlay = overlay;
        this.underlay = underlay;
        this.file = new FollowedFile(file, "weft-leases", this::look, this::confirmUnlessWrong);
    }

    @Override
    public String name() {
        return "file " + path;
    }

    /** A lease held before stays this host's if the file names none. */
    @Override
    public void start(Lease held, Instant confirmed, Listener listener) {
        boolean usable = held != null && held.underlay().equals(underlay) && overlay.contains(held.base());
        this.own = usable ? held : null;
        this.listener = listener;
        file.start();
    }

    @Override
    public void refresh() {
        file.refresh();
    }

    /** Who writes the file decides; it is read again. */
    @Override
    public void acquireAnother() {
        refresh();
    }

    /** Only closes the file, because the file decides about this host's lease. */
    @Override
    public void release() {
        close();
    }

    @Override
    public void close() {
        file.close();
    }

    private void confirmUnlessWrong() {
        if (failure == null) {
            confirm();
        }
    }

    private void look() {
        try {
            String now = file.contents();
            boolean reported = !now.equals(contents) && take(now);
            String missing = missing();
            if (missing != null) {
                fail(missing);
            } else if (reported) {
                failure = null;
            } else {
                confirm();
            }
        } catch (OperatorException e) {
            fail(e.getMessage());
        }
    }

    /** Why the file gives this host no lease, in one sentence; null if it gives one. */
    private String missing() {
        if (ownOf(records) != null) {
            return null;
        }
        if (own != null) {
            return path + " has no lease for " + underlay + " any more; the last one, " + own.subnetText() + ", stays";
        }
        for (LeaseRecord record : records) {
            if (underlay.equals(underlayOf(record))) {
                return "this host's lease is unusable: " + record.origin() + ": " + fault(record);
            }
        }
        return "no lease has underlay_ip " + underlay + "; " + path + " has " + listed();
    }

    /** The underlay addresses in the file, cut to a sentence's length. */
    private String listed() {
        List<String> addresses = records.stream()
                .map(FileLeases::underlayOf)
                .filter(Objects::nonNull)
                .map(IpAddress::toString)
                .distinct()
                .toList();
        if (addresses.isEmpty()) {
            return "none";
        }
        int shown = Math.min(addresses.size(), MOST_LISTED);
        String last = addresses.size() > shown ? addresses.size() - shown + " more" : addresses.get(--shown);
        String first = String.join(", ", addresses.subList(0, shown));
        return first.isEmpty() ? last : first + " and " + last;
    }

    /** The address of a record; null if it has no readable one. */
    private static IpAddress underlayOf(LeaseRecord record) {
        try {
            return record.underlayIp() == null ? null : IpAddress.parse(record.underlayIp());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private String fault(LeaseRecord record) {
        try {
            LeaseTable.parse(overlay, record);
            return "it is well-formed";
        } catch (IllegalArgumentException e) {
            return e.getMessage();
        }
    }

    /** Takes in contents; true if they differ in what they say. */
    private boolean take(String now) {
        List<LeaseRecord> found = LeaseList.parse(path.toString(), now);
        contents = now;
        if (found.equals(records)) {
            return false;
        }
        records = found;
        Lease listed = ownOf(found);
        if (listed != null) {
            own = listed;
        } else if (own != null) {
            loseIfTaken(found);
        }
        listener.leases(own, found);
        lastConfirmed = System.nanoTime();
        return true;
    }

    private void loseIfTaken(List<LeaseRecord> found) {
        Lease taken = first(found, lease -> lease.subnet().equals(own.subnet()));
        if (taken != null) {
            String sentence = path + " has " + own.subnetText() + ", the lease of this host, for " + taken.underlay()
                    + " now, and none for " + underlay;
            own = null;
            listener.lost(sentence);
        }
    }

    private Lease ownOf(List<LeaseRecord> from) {
        return first(from, lease -> lease.underlay().equals(underlay));
    }

    /** The first lease that is so, well-formed; null if there is none. */
    private Lease first(List<LeaseRecord> from, Predicate<Lease> condition) {
        for (LeaseRecord record : from) {
            try {
                Lease lease = LeaseTable.parse(overlay, record);
                if (condition.test(lease)) {
                    return lease;
                }
            } catch (IllegalArgumentException e) {
                // The table of all leases names it.
            }
        }
        return null;
    }

    private void confirm() {
        long now = System.nanoTime();
        if (failure != null || now - lastConfirmed >= CONFIRM.toNanos()) {
            failure = null;
            lastConfirmed = now;
            listener.confirmed();
        }
    }

    private void fail(String sentence) {
        if (!sentence.equals(failure)) {
            failure = sentence;
            listener.failed(sentence);
        }
    }
}
