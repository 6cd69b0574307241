package org.weft.cli;

import com.google.gson.JsonObject;
import java.util.Locale;
import org.weft.dataplane.policy.Policy.Protocol;

/** What one line of words asks for. */
sealed interface Statement {
    /** A change, as an object of the control API's {@code POST /v1}. */
    record Change(JsonObject body) implements Statement {}

    /**
     * A question.
     *
     * @param dev only of this device; null: of all
     * @param address only entries with this MAC or IP address; null: all
     */
    record Show(Listing listing, String dev, String address) implements Statement {}

    /**
     * A question about policies.
     *
     * @param target path and query that it is asked by
     * @param form how the answer is told
     */
    record PolicyQuestion(String target, Form form) implements Statement {
        private static final String PATH = "/v1/policy";

        /** What is wanted of the answer. */
        enum Form {
            ALL,
            ONE_PACKET,
            /** As nftables takes it. */
            LOCAL_RULES
        }

        static PolicyQuestion show() {
            return new PolicyQuestion(PATH, Form.ALL);
        }

        static PolicyQuestion localRules() {
            return new PolicyQuestion(PATH, Form.LOCAL_RULES);
        }

        /** @param source null where a tag is given */
        static PolicyQuestion explain(String source, String tag, String destination, Protocol protocol, String port) {
            return new PolicyQuestion(
                    ControlClient.target(
                            PATH + "/explain",
                            "source",
                            source,
                            "tag",
                            tag,
                            "destination",
                            destination,
                            "protocol",
                            protocol.name().toLowerCase(Locale.ROOT),
                            "port",
                            port),
                    Form.ONE_PACKET);
        }
    }

    /** What can be shown. */
    enum Listing {
        LINK("link", null),
        FDB("fdb", "mac"),
        NEIGH("neigh", "dst"),
        TAG("tag", "source"),
        DROPS("drops", null);

        private final String object;
        private final String key;

        Listing(String object, String key) {
            this.object = object;
            this.key = key;
        }

        /** The word for it on the command line and in the API's paths. */
        String object() {
            return object;
        }

        /** The field that {@link Show#address} selects by; null if there is none. */
        String key() {
            return key;
        }

        static Listing of(String object) {
            for (Listing listing : values()) {
                if (listing.object.equals(object)) {
                    return listing;
                }
            }
            throw new IllegalArgumentException(object);
        }
    }
}
