package org.weft.control.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.control.ControlServerFixture;
import org.weft.control.http.UnixHttp;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.PolicyRule;
import org.weft.silk.policy.PolicySet;
import org.weft.silk.policy.Workload;
import org.weft.testing.Await;

class PolicyRoutesTest extends ControlServerFixture {
    private static final IpAddress FAR = IpAddress.parse("10.255.43.3");
    private static final IpAddress NEAR = IpAddress.parse("10.255.126.4");
    private static final String ALLOW =
            "{'action':'allow','tag':7,'destination':'10.255.126.4','protocol':'tcp','ports':'80-81'}";

    private final SaidPolicies source = new SaidPolicies();
    private Policies policies;

    @Override
    protected LocalPolicy policy() {
        policies = source.start(registry, directory);
        return new LocalPolicy(policies, null);
    }

    @AfterEach
    void end() {
        policies.close();
    }

    private static PolicyRule rule(int tag, int port) {
        return new PolicyRule(new Policy(tag, NEAR, Protocol.TCP, port, port), null, "memory:" + port);
    }

    private void say(List<PolicyRule> rules, String... skipped) {
        source.listener.policies(new PolicySet(
                List.of(new Tag(new IpPrefix(FAR, 32), 1)),
                rules,
                Map.of(1, "proxy"),
                Map.of(NEAR, new Workload("handle", "backend", null, null)),
                List.of(skipped)));
        Await.until(
                "the source's policies are in force", () -> policies.status().policies() == rules.size());
    }

    private static JsonElement json(String text) {
        return JsonParser.parseString(text.replace('\'', '"'));
    }

    private JsonObject object(String target) throws IOException {
        UnixHttp.Answer answer = client.get(target);
        assertEquals(200, answer.status(), answer.body());
        return JsonParser.parseString(answer.body()).getAsJsonObject();
    }

    private UnixHttp.Answer post(String body) throws IOException {
        return client.post("/v1/policy", body.replace('\'', '"'));
    }

    @Test
    void showsAllThatIsInForceAndWhereItComesFrom() throws IOException {
        say(List.of(rule(1, 7777)), "memory:9: the range of ports 9-8 is empty");
        assertEquals(200, post(ALLOW.replace("allow", "deny")).status());

        JsonObject shown = object("/v1/policy");

        assertTrue(shown.remove("age").getAsLong() >= 0);
        assertEquals(
                json("{'vtep':'silk-vtep','mode':'enforce','refuse':'reject','spoofing':'off','source':'memory',"
                        + "'current':true,'failures':0,'trouble':null,"
                        + "'counts':{'tags':1,'policies':1,'allowed':0,'denied':1,'skipped':1,'changes':1},"
                        + "'flows':{'used':0,'capacity':1024},'verdicts':null,"
                        + "'tags':[{'source':'10.255.43.3','tag':1,'app':'proxy'}],"
                        + "'policies':[{'tag':1,'app':'proxy','destination':'10.255.126.4','destination_app':'backend',"
                        + "'protocol':'tcp','ports':'7777','name':null,'origin':'memory:7777'}],"
                        + "'denials':[{'tag':7,'app':null,'destination':'10.255.126.4','destination_app':'backend',"
                        + "'protocol':'tcp','ports':'80-81'}],"
                        + "'skipped':['memory:9: the range of ports 9-8 is empty']}"),
                shown);
    }

    @Test
    void anAllowedPolicyIsInForceWhenTheAnswerComes() throws IOException {
        for (String method : List.of("POST", "PUT")) {
            UnixHttp.Answer answer = client.exchange(method, "/v1/policy", ALLOW.replace('\'', '"'));
            assertEquals(200, answer.status(), answer.body());
            assertEquals(
                    json("{'tags':0,'policies':1,'allowed':1,'denied':0,'skipped':0,'changes':1}"),
                    JsonParser.parseString(answer.body()).getAsJsonObject().get("counts"));
            assertEquals(1, silk.enforcement().policies().size(), "what is allowed twice is there once");
        }
        assertEquals(200, post(ALLOW.replace("allow", "deny")).status());
        assertEquals(0, silk.enforcement().policies().size());
    }

    @Test
    void isReadyOnceThereArePoliciesAndSaysWhenTheyAreOld() throws IOException {
        UnixHttp.Answer early = client.get("/readyz");
        assertEquals(503, early.status());
        assertEquals("nothing is let in, as memory has not told its policies yet\n", early.body());
        say(List.of(rule(1, 7777)));
        assertEquals("ok\n", client.get("/readyz").body());
        source.listener.failed("silence");
        Await.until("the source is silent", () -> !policies.status().current());
        UnixHttp.Answer stale = client.get("/readyz");
        assertEquals(200, stale.status());
        assertTrue(stale.body().matches("ok, by policies of age \\d s: silence\n"), stale.body());
    }

    @Test
    void changesTheModeLive() throws IOException {
        assertEquals(200, post("{'action':'mode','mode':'log'}").status());
        assertEquals(Mode.LOG, silk.enforcement().mode());
        assertEquals("log", object("/v1/policy").get("mode").getAsString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
tag         | 65536       | tag: "65536" is not a number from 1 to 65535: the group policy extension carries 16 bits, and 0 is no tag
tag         | 0           | tag: "0" is not a number from 1 to 65535: the group policy extension carries 16 bits, and 0 is no tag
destination | 10.255.126  | destination: "10.255.126" is not an IP address such as 10.0.16.14 or 2001:db8::1
destination | 224.0.0.1   | destination: 224.0.0.1 is a multicast address, not a host's
protocol    | sctp        | protocol: "sctp" is not tcp, udp or icmp
protocol    | icmp        | icmp has no ports
ports       | 81-80       | the range of ports 81-80 is empty
ports       | 0           | ports 0-0 are not in 1 to 65535
ports       | 80-70000    | ports 80-70000 are not in 1 to 65535
ports       | 80-         | ports: "80-" is not a port such as 7777, or a range such as 7777-7779
prots       | 80          | field "prots" is unknown (did you mean "ports"?)
action      | allw        | action: "allw" is not one of allow, deny, mode (did you mean "allow"?)
""")
    void refusesWhatIsWrongInOneSentenceAndChangesNothing(String field, String value, String sentence)
            throws IOException {
        JsonObject body = json(ALLOW).getAsJsonObject();
        body.addProperty(field, value);
        UnixHttp.Answer answer = client.post("/v1/policy", body.toString());
        assertEquals(400, answer.status());
        assertEquals(sentence, error(answer));
        assertEquals(0, policies.rules().size());

        body.addProperty("object", "policy");
        UnixHttp.Answer batch = client.post("/v1", body.toString());
        assertEquals(400, batch.status());
        assertTrue(error(batch).endsWith(sentence), error(batch));
        assertEquals(0, policies.rules().size());
    }

    @Test
    void refusesAModeThatThereIsNot() throws IOException {
        UnixHttp.Answer answer = post("{'action':'mode','mode':'enforced'}");
        assertEquals(400, answer.status());
        assertEquals(
                "mode: \"enforced\" is not one of off, log, enforce, netfilter (did you mean \"enforce\"?)",
                error(answer));
        assertEquals(Mode.ENFORCE, silk.enforcement().mode());
    }

    @Test
    void takesManyChangesAsOne() throws IOException {
        int count = 20_000;
        StringBuilder body = new StringBuilder();
        IntStream.range(0, count)
                .forEach(i -> body.append(
                        "{\"object\":\"policy\",\"action\":\"allow\",\"tag\":%d,\"destination\":\"10.255.126.4\",\"protocol\":\"tcp\",\"ports\":\"%d\"}\n"
                                .formatted(1 + i % 1000, 1 + i / 1000)));
        UnixHttp.Answer answer = client.post("/v1", body.toString());
        assertEquals("{\"applied\":20000}\n", answer.body());
        assertEquals(count, silk.enforcement().policies().size(), "in force when the answer comes");
        assertTrue(
                policies.status().changes() < count / 20,
                () -> policies.status().changes() + " tables for " + count + " policies");
    }

    @Test
    void aBatchStandsUpToTheLineThatFails() throws IOException {
        String allow = ALLOW.replace("{'action'", "{'object':'policy','action'").replace('\'', '"') + "\n";
        UnixHttp.Answer answer =
                client.post("/v1", allow + allow.replace("7", "70000") + allow.replace("\"tag\":7", "\"tag\":8"));
        assertEquals(400, answer.status());
        assertEquals(
                "allow policy 10.255.126.4: tag: \"70000\" is not a number from 1 to 65535: the group policy"
                        + " extension carries 16 bits, and 0 is no tag",
                error(answer));
        assertEquals(1, silk.enforcement().policies().size());
    }

    @Test
    void showsTensOfThousandsPieceByPiece() throws IOException {
        say(IntStream.range(0, 50_000)
                .mapToObj(i -> rule(1 + i % 50, 1 + i / 50))
                .toList());
        UnixHttp.Answer answer = client.get("/v1/policy");
        assertEquals("chunked", answer.headers().get("transfer-encoding"));
        JsonArray shown =
                JsonParser.parseString(answer.body()).getAsJsonObject().getAsJsonArray("policies");
        assertEquals(50_000, shown.size());
    }

    @Test
    void explainsWhatBecomesOfAPacket() throws IOException {
        say(List.of(rule(1, 7777)));
        silk.tags().replace(new IpPrefix(FAR, 32), 1);

        assertEquals(
                json("{'source':'10.255.43.3','tag':1,'destination':'10.255.126.4','protocol':'tcp','port':7777,"
                        + "'from':{'container':null,'app':'proxy','space':null,'organization':null},"
                        + "'to':{'container':'handle','app':'backend','space':null,'organization':null},"
                        + "'mode':'enforce','here':true,"
                        + "'rule':{'tag':1,'app':'proxy','destination':'10.255.126.4','destination_app':'backend',"
                        + "'protocol':'tcp','ports':'7777','name':null,'origin':'memory:7777'},'denial':null,"
                        + "'passes':true,'reason':'memory:7777 lets tag 1 (proxy) open tcp 7777 of 10.255.126.4"
                        + " (backend)'}"),
                object("/v1/policy/explain?source=10.255.43.3&destination=10.255.126.4&protocol=tcp&port=7777"));

        JsonObject refused = object("/v1/policy/explain?tag=2&destination=10.255.126.4&protocol=icmp");
        assertEquals(false, refused.get("passes").getAsBoolean());
        assertEquals(
                "no policy lets tag 2 open icmp of 10.255.126.4 (backend)",
                refused.get("reason").getAsString());
        assertTrue(refused.get("source").isJsonNull() && refused.get("port").isJsonNull());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
destination=10.0.0.1&protocol=icmp                     | give either a source or a tag
source=10.0.0.2&tag=1&destination=10.0.0.1&protocol=icmp | give either a source or a tag
tag=1&protocol=icmp                                    | parameter "destination" is missing
tag=1&destination=10.0.0.1                             | parameter "protocol" is missing
tag=1&destination=10.0.0.1&protocol=tcp                | parameter "port" is missing
tag=1&destination=10.0.0.1&protocol=icmp&port=1        | icmp has no ports
tag=x&destination=10.0.0.1&protocol=icmp               | tag: "x" is not a number from 1 to 65535: the group policy extension carries 16 bits, and 0 is no tag
tag=1&destination=nowhere&protocol=icmp                | destination: "nowhere" is not an IP address such as 10.0.16.14 or 2001:db8::1
tag=1&dest=10.0.0.1                                    | parameter "dest" is unknown
""")
    void saysWhatAQuestionLacks(String query, String sentence) throws IOException {
        UnixHttp.Answer answer = client.get("/v1/policy/explain?" + query);
        assertEquals(400, answer.status());
        assertEquals(sentence, error(answer));
    }

    @Test
    void takesNoOtherMethods() throws IOException {
        UnixHttp.Answer answer = client.exchange("DELETE", "/v1/policy", null);
        assertEquals(405, answer.status());
        assertEquals("GET, HEAD, POST, PUT", answer.headers().get("allow"));
        assertEquals(405, client.post("/v1/policy/explain", "{}").status());
        assertEquals(200, client.exchange("HEAD", "/v1/policy", null).status());
    }

    @Test
    void tellsWhenTheDaemonIsStopping() throws IOException {
        policies.close();
        UnixHttp.Answer answer = post(ALLOW);
        assertEquals(409, answer.status());
        assertEquals("the daemon is stopping", error(answer));
        UnixHttp.Answer other = client.post("/v1", fdb(1));
        assertEquals(200, other.status(), "others are none the worse");
    }
}
