package org.weft.control.policy;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;
import org.weft.control.http.Answer.JsonBody;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.silk.policy.Explanation;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.PolicyRule;
import org.weft.silk.policy.PolicyStatus;
import org.weft.silk.policy.Workload;

/** Policies as {@code GET} answers them, in JSON. */
final class PolicyView {
    private PolicyView() {}

    /** Piece by piece, as there may be tens of thousands. */
    static Iterator<JsonBody> policies(LocalPolicy local) {
        Policies policies = local.policies();
        JsonBody begin = json -> {
            json.beginObject();
            head(local, json);
        };
        return Stream.of(
                        Stream.of(begin),
                        array("tags", policies.tags(), tag -> json -> tag(tag, policies, json)),
                        array("policies", policies.rules(), rule -> json -> rule(rule, policies, json)),
                        array("denials", policies.denials(), denial -> json -> denial(denial, policies, json)),
                        array("skipped", policies.status().skipped(), sentence -> json -> json.value(sentence)),
                        Stream.<JsonBody>of(JsonWriter::endObject))
                .flatMap(Function.identity())
                .iterator();
    }

    private static <T> Stream<JsonBody> array(String name, List<T> list, Function<T, JsonBody> element) {
        JsonBody begin = json -> json.name(name).beginArray();
        return Stream.concat(
                Stream.concat(Stream.of(begin), list.stream().map(element)), Stream.of(JsonWriter::endArray));
    }

    /** All but the lists. */
    static void summary(LocalPolicy local, JsonWriter json) throws IOException {
        json.beginObject();
        head(local, json);
        json.endObject();
    }

    private static void head(LocalPolicy local, JsonWriter json) throws IOException {
        PolicyStatus status = local.policies().status();
        json.name("vtep").value(status.vtep());
        json.name("mode").value(word(status.mode()));
        json.name("refuse").value(word(status.refusal()));
        json.name("spoofing").value(word(status.spoofing()));
        json.name("source").value(status.source());
        json.name("current").value(status.current());
        json.name("age").value(status.ageMillis() < 0 ? null : status.ageMillis() / 1000);
        json.name("failures").value(status.failures());
        json.name("trouble").value(status.trouble());
        json.name("counts").beginObject();
        json.name("tags").value(status.tags());
        json.name("policies").value(status.policies());
        json.name("allowed").value(status.allowed());
        json.name("denied").value(status.denied());
        json.name("skipped").value(status.skipped().size());
        json.name("changes").value(status.changes());
        json.endObject();
        json.name("flows").beginObject();
        json.name("used").value(local.flows());
        json.name("capacity").value(local.policies().flowCapacity());
        json.endObject();
        json.name("verdicts");
        verdicts(local, json);
    }

    private static void verdicts(LocalPolicy local, JsonWriter json) throws IOException {
        if (local.verdicts() == null) {
            json.nullValue();
            return;
        }
        json.beginObject();
        json.name("lost").value(local.verdicts().lost());
        json.name("trouble").value(local.verdicts().trouble());
        json.endObject();
    }

    private static void tag(Tag tag, Policies policies, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("source").value(tag.source().toString());
        json.name("tag").value(tag.tag());
        json.name("app").value(policies.workload(tag.tag()).app());
        json.endObject();
    }

    private static void rule(PolicyRule rule, Policies policies, JsonWriter json) throws IOException {
        json.beginObject();
        policy(rule.policy(), policies, json);
        json.name("name").value(rule.name());
        json.name("origin").value(rule.origin());
        json.endObject();
    }

    private static void denial(Policy denial, Policies policies, JsonWriter json) throws IOException {
        json.beginObject();
        policy(denial, policies, json);
        json.endObject();
    }

    private static void policy(Policy policy, Policies policies, JsonWriter json) throws IOException {
        json.name("tag").value(policy.tag());
        json.name("app").value(policies.workload(policy.tag()).app());
        json.name("destination").value(policy.destination().toString());
        json.name("destination_app")
                .value(policies.workload(policy.destination()).app());
        json.name("protocol").value(word(policy.protocol()));
        json.name("ports").value(ports(policy));
    }

    /** As they are given; null for a protocol without ports. */
    private static String ports(Policy policy) {
        if (!policy.protocol().hasPorts()) {
            return null;
        }
        return policy.firstPort() == policy.lastPort()
                ? Integer.toString(policy.firstPort())
                : policy.firstPort() + "-" + policy.lastPort();
    }

    static void explanation(Explanation explanation, Policies policies, JsonWriter json) throws IOException {
        Protocol protocol = explanation.protocol();
        json.beginObject();
        json.name("source")
                .value(
                        explanation.source() == null
                                ? null
                                : explanation.source().toString());
        json.name("tag").value(explanation.tag());
        json.name("destination").value(explanation.destination().toString());
        json.name("protocol").value(word(protocol));
        json.name("port").value(protocol.hasPorts() ? explanation.port() : null);
        json.name("from");
        workload(explanation.from(), json);
        json.name("to");
        workload(explanation.to(), json);
        json.name("mode").value(word(explanation.mode()));
        json.name("here").value(explanation.here());
        json.name("rule");
        if (explanation.rule() == null) {
            json.nullValue();
        } else {
            rule(explanation.rule(), policies, json);
        }
        json.name("denial");
        if (explanation.denial() == null) {
            json.nullValue();
        } else {
            denial(explanation.denial(), policies, json);
        }
        json.name("passes").value(explanation.passes());
        json.name("reason").value(explanation.reason());
        json.endObject();
    }

    private static void workload(Workload workload, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("container").value(workload.container());
        json.name("app").value(workload.app());
        json.name("space").value(workload.space());
        json.name("organization").value(workload.organization());
        json.endObject();
    }

    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
