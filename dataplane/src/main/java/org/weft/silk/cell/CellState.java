package org.weft.silk.cell;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.Reader;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.file.StateFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.Overlay;

/** The leases this host knew last, on disk, so that it comes up again where nobody can be asked. */
final class CellState {
    private static final Logger LOG = LoggerFactory.getLogger(CellState.class);

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

        void requireWritten() {
            IpAddress.parse(underlay_ip);
            IpPrefix.parse(overlay_subnet);
            if (overlay_hardware_addr != null) {
                MacAddress.parse(overlay_hardware_addr);
            }
        }

        LeaseRecord record(Path origin) {
            return new LeaseRecord(underlay_ip, overlay_subnet, overlay_hardware_addr, origin.toString());
        }
    }

    private record Document(String confirmed, Entry own, List<Entry> leases) {
        boolean isWhole() {
            return confirmed != null && own != null && leases != null && !leases.contains(null);
        }
    }

    private final StateFile file;
    private final Overlay overlay;

    CellState(Path directory, Overlay overlay) {
        file = new StateFile(directory.resolve("leases.json"));
        this.overlay = overlay;
    }

    /**
     * What was saved; null if nothing was that is of use: it is of another underlay address or overlay, or damaged.
     *
     * @param containers how many there are; they cannot be left in a subnet that is not part of the overlay any more
     * @throws OperatorException if containers would be left
     */
    Saved load(IpAddress underlay, int containers) {
        Document document = file.load(
                        CellState::parse, "the lease is asked for again; containers stay if it is the same")
                .value();
        if (document == null) {
            return null;
        }
        try {
            Saved saved = saved(document);
            return saved.own().underlay().equals(underlay) ? saved : null;
        } catch (IllegalArgumentException e) {
            if (containers > 0) {
                throw new OperatorException(
                        Kind.BAD_DATA,
                        "the lease held last is not one any more (" + e.getMessage() + "), and there are containers ("
                                + containers + "): put the overlay back, or detach them first",
                        e);
            }
            LOG.warn("the lease held last is not one any more ({}): the lease is asked for again", e.getMessage());
            return null;
        }
    }

    /** What cannot be a lease in any overlay was not written by {@link #save}. */
    private static Document parse(Reader reader) {
        Document document = GSON.fromJson(reader, Document.class);
        if (document == null || !document.isWhole()) {
            throw new JsonParseException("a part is missing");
        }
        Instant.parse(document.confirmed());
        document.own().requireWritten();
        document.leases().forEach(Entry::requireWritten);
        return document;
    }

    private Saved saved(Document document) {
        Lease own = LeaseTable.parse(overlay, document.own().record(file.path()));
        List<LeaseRecord> records = new ArrayList<>();
        document.leases().forEach(entry -> records.add(entry.record(file.path())));
        return new Saved(Instant.parse(document.confirmed()), own, LeaseTable.of(overlay, own, records));
    }

    void save(Instant confirmed, Lease own, Collection<Lease> leases) {
        List<Entry> entries = leases.stream().map(Entry::of).toList();
        file.write(GSON.toJson(new Document(confirmed.toString(), Entry.of(own), entries)) + "\n");
    }

    void delete() {
        file.delete();
    }
}
