package org.weft.silk.container;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;

/**
 * The attachments, in memory and on disk. An attachment is on disk before it is in memory, and it leaves memory even if
 * the disk refuses: then the next daemon finds an attachment without a veth pair, and drops it.
 *
 * <p>Thread-safe: changes hold the monitor of this object, and reading does not wait for them.
 */
final class Ledger {
    private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);

    private final AttachmentFile file;
    private volatile AttachmentFile.Content content;
    private volatile Consumer<Collection<IpAddress>> vacated = addresses -> {};
    private String trouble;

    /**
     * Begins with the attachments that are on disk.
     *
     * @param found gives those that are there, for a file that is damaged
     */
    Ledger(AttachmentFile file, Supplier<List<Attachment>> found) {
        this.file = file;
        AttachmentFile.Content saved = file.read();
        this.content = saved == null ? recover(found.get()) : saved;
    }

    private AttachmentFile.Content recover(List<Attachment> found) {
        Map<Attachment.Key, Attachment> byKey = new LinkedHashMap<>();
        found.forEach(attachment -> byKey.put(attachment.key(), attachment));
        AttachmentFile.Content recovered = next(null, byKey);
        try {
            file.write(recovered);
        } catch (OperatorException e) {
            LOG.warn("{}", e.getMessage());
        }
        return recovered;
    }

    /** {@link Containers#onVacated}. */
    void onVacated(Consumer<Collection<IpAddress>> listener) {
        vacated = listener;
    }

    /** In the order they were attached. */
    List<Attachment> entries() {
        return List.copyOf(content.byKey().values());
    }

    /** Null if there is none. */
    Attachment get(Attachment.Key key) {
        return content.byKey().get(key);
    }

    /** The address given last; null if none was given yet. */
    IpAddress last() {
        return content.last();
    }

    /**
     * Adds an attachment, or puts it in the place of the one with its key.
     *
     * @throws OperatorException if it cannot be saved; nothing has changed then
     */
    synchronized void put(Attachment attachment) {
        if (!attachment.laid()) {
            vacated.accept(List.of(attachment.address()));
        }
        Map<Attachment.Key, Attachment> byKey = new LinkedHashMap<>(content.byKey());
        boolean known = byKey.put(attachment.key(), attachment) != null;
        AttachmentFile.Content next = next(known ? content.last() : attachment.address(), byKey);
        try {
            file.write(next);
        } catch (OperatorException e) {
            throw new OperatorException(e.kind(), "no address is given: " + e.getMessage(), e);
        }
        content = next;
        trouble = null;
    }

    /** Removes attachments whose veth pairs are gone. */
    synchronized void drop(List<Attachment> attachments) {
        if (attachments.isEmpty()) {
            return;
        }
        vacated.accept(attachments.stream().map(Attachment::address).toList());
        Map<Attachment.Key, Attachment> byKey = new LinkedHashMap<>(content.byKey());
        attachments.forEach(attachment -> byKey.remove(attachment.key()));
        content = next(content.last(), byKey);
        try {
            file.write(content);
            trouble = null;
        } catch (OperatorException e) {
            if (!e.getMessage().equals(trouble)) {
                LOG.warn(
                        "the file of containers still names {}, which is gone: {}",
                        attachments.get(0).key(),
                        e.getMessage());
            }
            trouble = e.getMessage();
        }
    }

    private static AttachmentFile.Content next(IpAddress last, Map<Attachment.Key, Attachment> byKey) {
        return new AttachmentFile.Content(last, Collections.unmodifiableMap(byKey));
    }
}
