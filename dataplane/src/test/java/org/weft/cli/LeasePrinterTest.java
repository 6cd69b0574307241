package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.stream.JsonReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LeasePrinterTest {
    private static final String LEASE =
            """
            {"underlay_ip":"10.0.%1$d.14","overlay_subnet":"10.255.%1$d.0/24","overlay_hardware_addr":"ee:ee:0a:ff:00:00"}""";
    private static final String CELL =
            """
            {"vtep":"silk-vtep","source":"file leases.yml","state":"current","age":0,"trouble":null,"own":%s,
             "leases":[%s,%s],"skipped":[],"failures":[]}"""
                    .formatted(LEASE.formatted(1), LEASE.formatted(2), LEASE.formatted(3));

    /** Takes so many bytes, and then breaks as a pipe does whose reader has seen enough. */
    private static final class Pipe extends OutputStream {
        private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        private final int limit;

        Pipe(int limit) {
            this.limit = limit;
        }

        @Override
        public void write(int b) throws IOException {
            if (taken.size() == limit) {
                throw new IOException("Broken pipe");
            }
            taken.write(b);
        }
    }

    private static String printedThrough(int limit) throws IOException {
        Pipe pipe = new Pipe(limit);
        new LeasePrinter(new PrintStream(pipe, true, StandardCharsets.UTF_8))
                .print(new JsonReader(new StringReader(CELL)));
        return pipe.taken.toString(StandardCharsets.UTF_8);
    }

    @Test
    void printsOwnLeaseBeforeTheOthers() throws IOException {
        assertEquals(
                """
                source file leases.yml: current, tables of age 0 s
                10.255.1.0/24 dev silk-vtep lladdr ee:ee:0a:ff:00:00 dst 10.0.1.14 own
                10.255.2.0/24 via 10.255.2.0 dev silk-vtep lladdr ee:ee:0a:ff:00:00 dst 10.0.2.14
                10.255.3.0/24 via 10.255.3.0 dev silk-vtep lladdr ee:ee:0a:ff:00:00 dst 10.0.3.14
                """,
                printedThrough(Integer.MAX_VALUE));
    }

    @Test
    void stopsWithoutComplaintWhenTheReaderHasSeenEnough() throws IOException {
        int firstLine = "source file leases.yml: current, tables of age 0 s\n".length();
        assertEquals(firstLine, printedThrough(firstLine).length());
    }
}
