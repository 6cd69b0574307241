package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.cli.StubDaemon.Request;

class PolicyPrinterTest {
    private static final String HEAD =
            """
            {"vtep":"silk-vtep","mode":"enforce","refuse":"reject","spoofing":"off",
            "source":"file /etc/weft/policies.yml","current":true,"age":3,"failures":0,"trouble":null,
            "counts":{"tags":1,"policies":2,"allowed":1,"denied":1,"skipped":1,"changes":2},
            "flows":{"used":12,"capacity":262144},"verdicts":null,""";
    private static final String LISTS =
            """
            "tags":[{"source":"10.255.126.3","tag":1,"app":"proxy"}],
            "policies":[{"tag":1,"app":"proxy","destination":"10.255.126.4","destination_app":"backend",
            "protocol":"tcp","ports":"7777-7779","name":"web","origin":"policies.yml:7"},
            {"tag":7,"app":null,"destination":"10.255.126.4","destination_app":null,"protocol":"icmp","ports":null,
            "name":null,"origin":"operator"}],
            "denials":[{"tag":1,"app":"proxy","destination":"10.255.126.4","destination_app":null,"protocol":"tcp",
            "ports":"7778"}],
            "skipped":["policies.yml:9: the range of ports 9-8 is empty"]}""";

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PolicyPrinter printer = new PolicyPrinter(new PrintStream(bytes, true, StandardCharsets.UTF_8));

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void printsPoliciesInTheWordsThatAllowThem() throws IOException {
        printer.print(new JsonReader(new StringReader(HEAD + LISTS)));
        assertEquals(
                """
                dev silk-vtep mode enforce refuse reject spoofing off
                source file /etc/weft/policies.yml: current, 3 s
                2 policies, 1 denied, 1 tags, 1 skipped; 12 of 262144 flows
                tag 10.255.126.3 1 (proxy)
                allow 1 (proxy) 10.255.126.4 (backend) protocol tcp port 7777-7779 name web by policies.yml:7
                allow 7 10.255.126.4 protocol icmp by operator
                deny 1 (proxy) 10.255.126.4 protocol tcp port 7778 by operator
                skipped policies.yml:9: the range of ports 9-8 is empty
                """,
                text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            null        | true  | null | null       | source none
            "file p.yml"| true  | 90   | null       | source file p.yml: current, 1 m 30 s
            "file p.yml"| false | 90   | "no file"  | source file p.yml: stale, running on policies of age 1 m 30 s: no file
            "file p.yml"| false | null | "no file"  | source file p.yml: never answered: no file
            """)
    void printsWhetherTheSourceAnswers(String source, String current, String age, String trouble, String line)
            throws IOException {
        String head = HEAD.replace("\"file /etc/weft/policies.yml\"", source)
                .replace("\"current\":true", "\"current\":" + current)
                .replace("\"age\":3", "\"age\":" + age)
                .replace("\"trouble\":null", "\"trouble\":" + trouble);
        printer.print(new JsonReader(new StringReader(head + LISTS)));
        assertEquals(line, text().lines().skip(1).findFirst().orElseThrow());
    }

    @Test
    void printsWhyVerdictsAreLost() throws IOException {
        String head = HEAD.replace("\"verdicts\":null", "\"verdicts\":{\"lost\":3,\"trouble\":\"the disk is full\"}");
        printer.print(new JsonReader(new StringReader(head + LISTS)));
        assertEquals(
                "trouble: the disk is full", text().lines().skip(3).findFirst().orElseThrow());
    }

    @Test
    void explainsWhatIsLetIn() {
        printer.explain(JsonParser.parseString(
                        """
                        {"source":"10.255.43.3","tag":1,"destination":"10.255.126.4","protocol":"tcp","port":7777,
                        "rule":{"tag":1,"app":"proxy","destination":"10.255.126.4","destination_app":"backend",
                        "protocol":"tcp","ports":"7777-7779","name":null,"origin":"policies.yml:7"},"denial":null,
                        "passes":true,"reason":"policies.yml:7 lets tag 1 (proxy) open tcp 7777 of 10.255.126.4"}""")
                .getAsJsonObject());
        assertEquals(
                """
                10.255.43.3 has tag 1
                rule: allow 1 (proxy) 10.255.126.4 (backend) protocol tcp port 7777-7779 by policies.yml:7
                passes: policies.yml:7 lets tag 1 (proxy) open tcp 7777 of 10.255.126.4
                """,
                text());
    }

    @Test
    void explainsWhatIsRefused() {
        printer.explain(JsonParser.parseString(
                        """
                        {"source":"10.255.43.3","tag":0,"rule":null,"denial":{"tag":1,"app":null,
                        "destination":"10.255.126.4","destination_app":null,"protocol":"tcp","ports":"1"},
                        "passes":false,"reason":"no policy lets packets without a tag in"}""")
                .getAsJsonObject());
        assertEquals(
                """
                10.255.43.3 has no tag
                rule: none
                denial: deny 1 10.255.126.4 protocol tcp port 1 by operator
                refused: no policy lets packets without a tag in
                """,
                text());
    }

    @Test
    void sendsOptionsAndWordsAlike() throws IOException {
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.answer(200, "{\"applied\":1}"))) {
            CommandLineRun run =
                    CommandLineRun.against(daemon, "policy allow 1 10.255.43.3 --protocol tcp --port=7777-7779");
            assertEquals(new CommandLineRun(0, "", ""), run);
            CommandLineRun.against(daemon, "policy allow 1 10.255.43.3 protocol tcp port 7777-7779");
            String body = "{\"object\":\"policy\",\"action\":\"allow\",\"tag\":1,\"destination\":\"10.255.43.3\","
                    + "\"protocol\":\"tcp\",\"ports\":\"7777-7779\"}\n";
            assertEquals(List.of(new Request("POST /v1", body), new Request("POST /v1", body)), daemon.requests());
        }
    }

    @Test
    void printsTheDaemonsOwnJson() throws IOException {
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.answer(200, HEAD + LISTS + "\n"))) {
            assertEquals(
                    HEAD + LISTS + "\n",
                    CommandLineRun.against(daemon, "policy show -j").out());
            assertEquals(
                    "GET /v1/policy/explain?tag=1&destination=10.255.126.4&protocol=tcp&port=7777",
                    explain(daemon).line());
        }
    }

    private static Request explain(StubDaemon daemon) {
        CommandLineRun.against(daemon, "-j policy explain tag 1 10.255.126.4 tcp 7777");
        return daemon.requests().get(1);
    }
}
