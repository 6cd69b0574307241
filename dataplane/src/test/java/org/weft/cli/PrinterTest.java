package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.cli.Statement.Listing;
import org.weft.cli.Statement.Show;

class PrinterTest {
    private static final String LINK =
            """
            {"ifindex":865,"ifname":"silk-vtep","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1410,
            "operstate":"UNKNOWN","address":"ee:ee:0a:f4:7e:00","addr_info":[{"local":"10.255.126.0","prefixlen":16}],
            "linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"10.0.32.12","link":"eth0",
            "port_range":{"low":0,"high":0},"port":4789,"learning":false,"proxy":false,"ageing":300,"limit":0,"ttl":0,
            "tos":0,"df":"unset","udp_csum":true,"udp_zero_csum6_tx":false,"udp_zero_csum6_rx":false,"gbp":true}},
            "stats64":{"rx":{"bytes":9,"packets":123456789,"errors":0,"dropped":3},
            "tx":{"bytes":12345678901234,"packets":0,"errors":0,"dropped":0}},
            "weft":{"offloads":{"checksum":"on","gso":"off: udpcsum is off"},"persist":false,"trouble":null,
            "counters":{"TX_FRAMES":1,"TX_SENT":0}}}
            """;

    /** As iproute2 6.1.0 printed a kernel device made with the words behind {@code vxlan}. */
    private static final String KERNEL_DATA =
            """
            {"id":1,"local":"10.0.32.12","link":"eth0","port_range":{"low":1000,"high":2000},"port":4789,
            "learning":false,"proxy":true,"tos":16,"ttl":64,"df":"set","ageing":100,"limit":77,"udp_csum":false,
            "udp_zero_csum6_tx":false,"udp_zero_csum6_rx":true,"gbp":true}""";

    @Test
    void printsALinkAsIpDoes() {
        assertEquals(
                """
                865: silk-vtep: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1410 state UNKNOWN
                    link/ether ee:ee:0a:f4:7e:00 brd ff:ff:ff:ff:ff:ff
                """,
                print(new LinkPrinter(false, false), LINK));
    }

    @Test
    void printsDetailsAndStatistics() {
        assertEquals(
                """
                865: silk-vtep: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1410 state UNKNOWN
                    link/ether ee:ee:0a:f4:7e:00 brd ff:ff:ff:ff:ff:ff
                    vxlan id 1 local 10.0.32.12 dev eth0 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx gbp
                    inet 10.255.126.0/16
                    weft offloads checksum nopersist
                    gso off: udpcsum is off
                    RX:  bytes   packets errors dropped  missed   mcast
                             9 123456789      0       3       0       0
                    TX:      bytes packets errors dropped carrier collsns
                    12345678901234       0      0       0       0       0
                    TX_FRAMES 1
                """,
                print(new LinkPrinter(true, true), LINK));
    }

    @Test
    void printsWordsInTheOrderOfIproute2() {
        String link = "{\"ifindex\":4,\"ifname\":\"vx0\",\"linkinfo\":{\"info_data\":" + KERNEL_DATA + "}}";
        assertEquals(
                "    vxlan id 1 local 10.0.32.12 dev eth0 srcport 1000 2000 dstport 4789 nolearning proxy tos 0x10"
                        + " ttl 64 df set ageing 100 maxaddr 77 noudpcsum noudp6zerocsumtx udp6zerocsumrx gbp",
                print(new LinkPrinter(true, false), link)
                        .lines()
                        .skip(2)
                        .findFirst()
                        .orElseThrow());
    }

    @Test
    void printsInheritedAttributes() {
        String link = "{\"linkinfo\":{\"info_data\":{\"id\":2,\"local\":\"fd00::1\",\"port\":4790,\"learning\":true,"
                + "\"tos\":\"inherit\",\"ttl\":\"inherit\",\"df\":\"inherit\",\"ageing\":300,\"udp_csum\":true}}}";
        assertEquals(
                "    vxlan id 2 local fd00::1 srcport 0 0 dstport 4790 tos inherit ttl inherit df inherit ageing 300"
                        + " udpcsum noudp6zerocsumtx noudp6zerocsumrx",
                print(new LinkPrinter(true, false), link)
                        .lines()
                        .skip(2)
                        .findFirst()
                        .orElseThrow());
    }

    @Test
    void alwaysPrintsTrouble() {
        String link = "{\"ifindex\":0,\"ifname\":\"v\",\"weft\":{\"trouble\":\"eth0 is gone\"}}";
        assertEquals(
                "    trouble: eth0 is gone",
                print(new LinkPrinter(false, false), link)
                        .lines()
                        .skip(2)
                        .findFirst()
                        .orElseThrow());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
FDB   | {"mac":"ee:ee:0a:ff:2b:00","ifname":"silk-vtep","dst":"10.0.16.14","flags":["self"],"state":"permanent"} | ee:ee:0a:ff:2b:00 dev silk-vtep dst 10.0.16.14 self permanent
FDB   | {"mac":"00:00:00:00:00:00","ifname":"v","dst":"10.0.16.16","port":4790,"vni":7,"flags":["self"],"state":"permanent"} | 00:00:00:00:00:00 dev v dst 10.0.16.16 port 4790 vni 7 self permanent
FDB   | {"mac":"ee:ee:0a:ff:2b:01","ifname":"v","dst":"fd00::2","updated":12,"flags":["self"],"state":""}        | ee:ee:0a:ff:2b:01 dev v dst fd00::2 used 12/12 self
NEIGH | {"dst":"10.255.43.0","dev":"silk-vtep","lladdr":"ee:ee:0a:ff:2b:00","state":["PERMANENT"]}              | 10.255.43.0 dev silk-vtep lladdr ee:ee:0a:ff:2b:00 PERMANENT
TAG   | {"source":"10.255.99.3","dev":"silk-vtep","tag":1}                                                      | 10.255.99.3 dev silk-vtep tag 1
""")
    void printsEntriesAsIproute2Does(Listing listing, String json, String line) {
        assertEquals(line + "\n", print(new EntryPrinter(new Show(listing, null, null), true), json));
    }

    @Test
    void leavesOutTheDeviceThatWasAskedForAsBridgeDoes() {
        assertEquals(
                "ee:ee:0a:ff:2b:00 dst 10.0.16.14 self permanent\n",
                print(
                        new EntryPrinter(new Show(Listing.FDB, "silk-vtep", null), false),
                        "{\"mac\":\"ee:ee:0a:ff:2b:00\",\"ifname\":\"silk-vtep\",\"dst\":\"10.0.16.14\","
                                + "\"flags\":[\"self\"],\"state\":\"permanent\"}"));
    }

    @Test
    void printsDropsInColumnsWithAnExample() {
        assertEquals(
                """
                DEVICE           DIR  REASON               COUNT  LAST                      MEANING
                silk-vtep        tx   VXLAN_NO_REMOTE          3  2026-11-20T10:00:00.123Z  no forwarding entry
                    last of 98 bytes:
                    0x0000:  eeee 0aff 2b00 eeee 0aff 8400 0800 4500
                    0x0010:  0054 00
                10.0.16.14:4789  rx   VXLAN_VNI_NOT_FOUND  12000  -                         no VTEP
                """,
                print(
                        new DropsPrinter(),
                        """
                        {"dev":"silk-vtep","direction":"tx","reason":"VXLAN_NO_REMOTE","count":3,
                        "meaning":"no forwarding entry","last":"2026-11-20T10:00:00.123Z","length":98,
                        "header":"eeee0aff2b00eeee0aff840008004500005400"}""",
                        "{\"dev\":\"10.0.16.14:4789\",\"direction\":\"rx\",\"reason\":\"VXLAN_VNI_NOT_FOUND\","
                                + "\"count\":12000,\"meaning\":\"no VTEP\"}"));
    }

    @Test
    void printsNothingWhereNothingWasDropped() {
        assertEquals("", print(new DropsPrinter()));
    }

    private static String print(Printer printer, String... entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        for (String entry : entries) {
            printer.print(JsonParser.parseString(entry).getAsJsonObject(), out);
        }
        printer.finish(out);
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
