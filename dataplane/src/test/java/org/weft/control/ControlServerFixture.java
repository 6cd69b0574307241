package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.weft.control.cell.LocalCell;
import org.weft.control.http.UnixHttp;
import org.weft.control.policy.LocalPolicy;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.MacAddress;
import org.weft.testing.MemoryRegistry;

/** A control server over one VTEP in memory, and a client of its socket. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class ControlServerFixture {
    protected final MemoryRegistry registry = new MemoryRegistry();
    protected final Vtep silk = registry.addSilk();

    @TempDir
    public Path directory;

    protected Path socket;
    protected ControlServer server;
    protected UnixHttp client;

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("control.sock");
        server = new ControlServer(registry, (local, dev) -> 1500, socket, local(), policy());
        client = UnixHttp.connect(socket);
    }

    /** The cell that the server tells of; none, unless a test has one. */
    protected LocalCell local() {
        return null;
    }

    /** The policies that the server tells of; none, unless a test has some. */
    protected LocalPolicy policy() {
        return null;
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        assertFalse(Files.exists(socket), "the socket's file is removed");
    }

    /** An answer's only sentence. */
    protected static String error(UnixHttp.Answer answer) {
        return JsonParser.parseString(answer.body())
                .getAsJsonObject()
                .getAsJsonArray("errors")
                .get(0)
                .getAsJsonObject()
                .get("error")
                .getAsString();
    }

    protected static String fdb(int number) {
        return "{\"object\":\"fdb\",\"action\":\"add\",\"dev\":\"silk-vtep\",\"mac\":\""
                + MacAddress.toString(0x0200_0000_0000L + number) + "\",\"dst\":\"10.0.16.14\"}\n";
    }

    protected JsonArray array(String target) throws IOException {
        UnixHttp.Answer answer = client.get(target);
        assertEquals(200, answer.status(), answer.body());
        assertEquals("application/json", answer.headers().get("content-type"));
        return JsonParser.parseString(answer.body()).getAsJsonArray();
    }
}
