package org.weft.control.policy;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.weft.config.Values;
import org.weft.control.http.Fields;
import org.weft.control.http.Query;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;
import org.weft.silk.policy.Explanation;
import org.weft.silk.policy.Policies;

/** Changes policies, and asks about them. Used by {@code weft-control} only. */
public final class PolicyOperations {
    public static final List<String> ACTIONS = List.of("allow", "deny", "mode");

    private static final List<String> MODES = List.of("off", "log", "enforce", "netfilter");

    private final LocalPolicy local;

    /** Of the change begun last. */
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

    /** @param local null without policies */
    public PolicyOperations(LocalPolicy local) {
        this.local = local;
    }

    /** @throws OperatorException if this daemon has none */
    LocalPolicy require() {
        if (local == null) {
            throw new OperatorException(
                    Kind.NO_INPUT, "this daemon judges no packets: give its configuration a policy section");
        }
        return local;
    }

    /** Begins a change. Those that come soon after it are in force together with it. */
    public void apply(String action, Fields fields) {
        Policies policies = require().policies();
        if (action.equals("mode")) {
            Mode mode = fields.require("mode", PolicyOperations::mode);
            fields.refuseOthers();
            last = policies.mode(mode);
            return;
        }
        List<Policy> policy = List.of(policy(fields));
        last = action.equals("allow") ? policies.allow(policy) : policies.deny(policy);
    }

    /** Done when the change begun last is in force. */
    public CompletableFuture<Void> inForce() {
        return last;
    }

    private static Mode mode(String text) {
        if (!MODES.contains(text)) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not one of " + String.join(", ", MODES) + Suggestion.among(text, MODES));
        }
        return Mode.valueOf(text.toUpperCase(Locale.ROOT));
    }

    private static Policy policy(Fields fields) {
        int tag = fields.require("tag", Values::tag);
        IpAddress destination = fields.require("destination", Values::hostAddress);
        Protocol protocol = fields.require("protocol", Values::protocol);
        int[] ports = protocol.hasPorts()
                ? fields.require("ports", Values::ports)
                : fields.read("ports", new int[2], Values::ports);
        fields.refuseOthers();
        try {
            return new Policy(tag, destination, protocol, ports[0], ports[1]);
        } catch (IllegalArgumentException e) {
            throw new OperatorException(Kind.BAD_DATA, e.getMessage(), e);
        }
    }

    /** What becomes of packets of a source, or of a tag. */
    Explanation explain(Query query) {
        query.allow("source", "tag", "destination", "protocol", "port");
        Policies policies = require().policies();
        String source = query.text("source");
        String tag = query.text("tag");
        if ((source == null) == (tag == null)) {
            throw new OperatorException(Kind.USAGE, "give either a source or a tag");
        }
        IpAddress destination = query.require("destination", Values::hostAddress);
        Protocol protocol = query.require("protocol", Values::protocol);
        if (!protocol.hasPorts() && query.text("port") != null) {
            throw new OperatorException(Kind.BAD_DATA, protocol.name().toLowerCase(Locale.ROOT) + " has no ports");
        }
        int port = protocol.hasPorts() ? query.require("port", Values::port) : 0;
        return source == null
                ? policies.explain(query.require("tag", Values::tag), destination, protocol, port)
                : policies.explain(query.require("source", Values::hostAddress), destination, protocol, port);
    }
}
