package org.weft.control.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.control.ControlServerFixture;
import org.weft.control.http.UnixHttp;

/** What a daemon without a cell answers to questions about one. */
class NoCellTest extends ControlServerFixture {
    @ParameterizedTest
    @CsvSource({
        "GET,/v1/lease",
        "GET,/v1/converge",
        "POST,/v1/converge",
        "GET,/v1/cell",
        "HEAD,/v1/cell",
        "POST,/v1/cell"
    })
    void saysThatThereIsNone(String method, String path) throws IOException {
        UnixHttp.Answer answer = client.exchange(method, path, method.equals("POST") ? "{}" : null);

        assertEquals(404, answer.status());
        if (!method.equals("HEAD")) {
            assertEquals("this daemon has no cell: give its configuration a cell section", error(answer));
        }
        assertEquals(200, client.get("/v1/link").status(), "the connection goes on");
    }

    @Test
    void tellsThePluginInItsOwnWords() throws IOException {
        UnixHttp.Answer answer = client.post("/v1/cni", "{}");

        assertEquals(404, answer.status());
        assertEquals(
                "{\"cniVersion\":\"1.0.0\",\"code\":100,"
                        + "\"msg\":\"this daemon has no cell: give its configuration a cell section\"}\n",
                answer.body());
    }

    @Test
    void isHealthyAsLongAsItsDevicesAre() throws IOException {
        assertEquals("ok\n", client.get("/healthz").body());
        assertEquals("ok\n", client.get("/readyz").body());

        registry.up = false;

        assertEquals(200, client.get("/healthz").status());
        UnixHttp.Answer ready = client.get("/readyz");
        assertEquals(503, ready.status());
        assertEquals("silk-vtep is down\n", ready.body());
    }
}
