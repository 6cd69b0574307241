package org.weft.silk.policy;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.Reader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.file.StateFile;
import org.weft.operator.OperatorException;

/** What a source said last, on disk, so that this host judges by it again where nobody can be asked. One thread writes. */
final class PolicyState {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyState.class);
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    /** How often what was merely confirmed is saved again, for its age; tens of thousands of policies are some megabytes. */
    private static final Duration REFRESH = Duration.ofMinutes(10);

    /** What is kept; and when the source last said that it is so. */
    record Saved(Instant confirmed, PolicySet set) {}

    private record TagEntry(String source, int tag) {}

    private record RuleEntry(
            int tag, String destination, Protocol protocol, int first, int last, String name, String origin) {
        static RuleEntry of(PolicyRule rule) {
            Policy policy = rule.policy();
            return new RuleEntry(
                    policy.tag(),
                    policy.destination().toString(),
                    policy.protocol(),
                    policy.firstPort(),
                    policy.lastPort(),
                    rule.name(),
                    rule.origin());
        }

        PolicyRule rule() {
            return new PolicyRule(new Policy(tag, IpAddress.parse(destination), protocol, first, last), name, origin);
        }
    }

    private record Document(
            String source,
            String vtep,
            String confirmed,
            List<TagEntry> tags,
            List<RuleEntry> policies,
            Map<Integer, String> apps,
            Map<String, Workload> workloads,
            List<String> skipped) {
        PolicySet set() {
            Map<IpAddress, Workload> byAddress = new LinkedHashMap<>();
            workloads.forEach((address, workload) -> byAddress.put(IpAddress.parse(address), workload));
            return new PolicySet(
                    tags.stream()
                            .map(entry -> new Tag(IpPrefix.parse(entry.source()), entry.tag()))
                            .toList(),
                    policies.stream().map(RuleEntry::rule).toList(),
                    apps,
                    byAddress,
                    skipped);
        }
    }

    private record Whole(Document document, Saved saved) {}

    private final StateFile file;
    private volatile Instant saved;
    private volatile String trouble;

    PolicyState(Path directory) {
        file = new StateFile(directory.resolve("policies.json"));
    }

    /** What was saved; null if nothing was, or of another source or for another VTEP, or if it is damaged. */
    Saved load(String source, String vtep) {
        Whole whole = file.load(
                        PolicyState::parse, "the policies in force last are unknown, and " + source + " is asked")
                .value();
        if (whole == null
                || !source.equals(whole.document().source())
                || !vtep.equals(whole.document().vtep())) {
            return null;
        }
        saved = whole.saved().confirmed();
        return whole.saved();
    }

    private static Whole parse(Reader reader) {
        Document document = GSON.fromJson(reader, Document.class);
        Objects.requireNonNull(document.source());
        Objects.requireNonNull(document.vtep());
        return new Whole(document, new Saved(Instant.parse(document.confirmed()), document.set()));
    }

    /** Whether the time that is saved is old, or the clock was set back since, while the source was heard of. */
    boolean isOld(Instant confirmed) {
        return saved != null
                && confirmed != null
                && Duration.between(saved, confirmed).abs().compareTo(REFRESH) > 0;
    }

    /** Saves a set; not being able to is no failure, but said. */
    boolean save(String source, String vtep, Instant confirmed, PolicySet set) {
        Map<String, Workload> workloads = new LinkedHashMap<>();
        set.workloads().forEach((address, workload) -> workloads.put(address.toString(), workload));
        Document document = new Document(
                source,
                vtep,
                confirmed.toString(),
                set.tags().stream()
                        .map(tag -> new TagEntry(tag.source().toString(), tag.tag()))
                        .toList(),
                set.rules().stream().map(RuleEntry::of).toList(),
                set.apps(),
                workloads,
                set.skipped());
        try {
            file.write(GSON.toJson(document) + "\n");
            saved = confirmed;
            trouble = null;
        } catch (OperatorException e) {
            if (!e.getMessage().equals(trouble)) {
                LOG.warn("{}", e.getMessage());
            }
            trouble = e.getMessage();
        }
        return trouble == null;
    }

    /** Why the last set is not saved, in a sentence; null if it is. */
    String trouble() {
        return trouble;
    }
}
