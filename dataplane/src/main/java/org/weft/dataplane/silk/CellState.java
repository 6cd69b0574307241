package org.weft.dataplane.silk;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.weft.dataplane.host.StateFile;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.silk.lease.LeaseTable;
import org.weft.dataplane.silk.lease.Overlay;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.encap.IpAddress;

/** The leases this host knew last, on disk, so that it comes up again where nobody can be asked. */
final class CellState {
    /**
     * What is kept.
     *
     * @param confirmed when the source last said that it is so
     */
    record Saved(Instant confirmed, Lease own, LeaseTable table) {}

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /** As in the file; silk's names. */
    private record Entry(String underlay_ip, String overlay_subnet, String overlay_hardware_addr) {
        static Entry of(Lease lease) {
            LeaseRecord record = lease.record("");
            return new Entry(record.underlayIp(), record.overlaySubnet(), record.overlayHardwareAddr());
        }

        LeaseRecord record(Path origin) {
            return new LeaseRecord(underlay_ip, overlay_subnet, overlay_hardware_addr, origin.toString());
        }
    }

    private record Document(String confirmed, Entry own, List<Entry> leases) {}

    private final StateFile file;
    private final Overlay overlay;

    CellState(Path directory, Overlay overlay) {
        file = new StateFile(directory.resolve("leases.json"));
        this.overlay = overlay;
    }

    /**
     * What was saved; null if nothing was, or for another underlay address or overlay.
     *
     * @param containers how many there are; they cannot be left in a subnet that is none any more
     * @throws OperatorException if the file is damaged, or containers would be left
     */
    Saved load(IpAddress underlay, int containers) {
        String text = file.read();
        if (text == null) {
            return null;
        }
        Document document = document(text);
        try {
            Lease own = LeaseTable.parse(overlay, document.own().record(file.path()));
            List<LeaseRecord> records = new ArrayList<>();
            document.leases().forEach(entry -> records.add(entry.record(file.path())));
            Saved saved = new Saved(Instant.parse(document.confirmed()), own, LeaseTable.of(overlay, own, records));
            return own.underlay().equals(underlay) ? saved : null;
        } catch (NullPointerException | DateTimeParseException e) {
            throw damaged(e);
        } catch (IllegalArgumentException e) {
            if (containers > 0) {
                throw new OperatorException(
                        Kind.BAD_CONFIG,
                        "the lease held last is none any more (" + e.getMessage() + "), and it has " + containers
                                + " containers: put the overlay back, or detach them first",
                        e);
            }
            return null;
        }
    }

    private Document document(String text) {
        try {
            return GSON.fromJson(text, Document.class);
        } catch (JsonParseException e) {
            throw damaged(e);
        }
    }

    private OperatorException damaged(RuntimeException e) {
        return new OperatorException(
                Kind.BAD_DATA,
                file.path() + " is damaged (" + e.getMessage() + "): remove it, and the leases are asked for anew",
                e);
    }

    void save(Instant confirmed, Lease own, Collection<Lease> leases) {
        List<Entry> entries = leases.stream().map(Entry::of).toList();
        file.write(GSON.toJson(new Document(confirmed.toString(), Entry.of(own), entries)) + "\n");
    }

    void delete() {
        file.delete();
    }
}
