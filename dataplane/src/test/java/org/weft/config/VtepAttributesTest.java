package org.weft.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Checksums;
import org.weft.dataplane.vtep.VtepConfig.Device;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.dataplane.vtep.VtepConfig.Forwarding;
import org.weft.dataplane.vtep.VtepConfig.SourcePorts;
import org.weft.dataplane.vtep.VtepConfig.Switches;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

class VtepAttributesTest {
    private static final UnderlayMtu ETHERNET = (local, dev) -> 1500;

    private final List<String> warnings = new ArrayList<>();

    private VtepConfig create(String... namesAndValues) {
        return VtepAttributes.create("silk-vtep", map(namesAndValues), ETHERNET, warnings::add);
    }

    private VtepConfig change(VtepConfig current, String... namesAndValues) {
        return VtepAttributes.change(current, map(namesAndValues), ETHERNET, warnings::add);
    }

    private static Map<String, String> map(String... namesAndValues) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            map.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return map;
    }

    private String refusal(Runnable refused) {
        OperatorException e = assertThrows(OperatorException.class, refused::run);
        assertEquals(Kind.BAD_DATA, e.kind());
        return e.getMessage();
    }

    @Test
    void fillsInDefaults() {
        VtepConfig config = create("id", "1", "local", "10.0.32.12", "address", "10.255.126.0/16");

        assertEquals("silk-vtep", config.name());
        assertEquals(1, config.vni());
        assertEquals(IpAddress.parse("10.0.32.12"), config.underlay().local());
        assertNull(config.underlay().dev());
        assertEquals(4789, config.underlay().port());
        assertEquals(List.of(IpPrefix.parse("10.255.126.0/16")), config.device().addresses());
        assertEquals(MacAddress.parse("ee:ee:0a:ff:7e:00"), config.device().mac());
        assertEquals(1450, config.device().mtu());
        assertFalse(config.encapsulation().gbp());
        assertFalse(config.forwarding().learning());
        assertTrue(config.forwarding().proxy());
        assertTrue(config.underlay().checksums().ipv4());
        assertFalse(config.underlay().checksums().ipv6ZeroSent());
        assertFalse(config.underlay().checksums().ipv6ZeroAccepted());
        assertEquals(0, config.underlay().sourcePorts().min());
        assertEquals(0, config.underlay().sourcePorts().max());
        assertEquals(VtepConfig.TTL_AUTO, config.encapsulation().ttl());
        assertEquals(0, config.encapsulation().tos());
        assertEquals(Df.UNSET, config.encapsulation().df());
        assertEquals(300, config.forwarding().ageing());
        assertEquals(1_000_000, config.forwarding().maxAddresses());
        assertFalse(config.device().persist());
        assertFalse(config.forwarding().installNeighbours());
        assertEquals(List.of(), warnings);
    }

    @Test
    void readsEveryAttribute() {
        VtepConfig config = create(
                "vni",
                "16777215",
                "local",
                "2001:db8::1",
                "dev",
                "eth0",
                "port",
                "8472",
                "address",
                "10.255.1.0/16 fd00::1/64",
                "mac",
                "02:00:00:00:00:01",
                "mtu",
                "1400",
                "gbp",
                "true",
                "learning",
                "true",
                "proxy",
                "true",
                "udpcsum",
                "false",
                "udp6zerocsumtx",
                "true",
                "udp6zerocsumrx",
                "true",
                "srcport",
                "32768 61000",
                "ttl",
                "64",
                "tos",
                "inherit",
                "df",
                "set",
                "ageing",
                "0",
                "maxaddress",
                "1000",
                "persist",
                "true",
                "install-neighbours",
                "true",
                "uso",
                "off",
                "gso",
                "false",
                "tunnel-gso",
                "off");

        VtepConfig expected = new VtepConfig(
                16777215,
                new Device(
                        "silk-vtep",
                        List.of(IpPrefix.parse("10.255.1.0/16"), IpPrefix.parse("fd00::1/64")),
                        0x0200_0000_0001L,
                        1400,
                        true),
                new Underlay(
                        IpAddress.parse("2001:db8::1"),
                        "eth0",
                        8472,
                        new SourcePorts(32768, 61000),
                        new Checksums(false, true, true)),
                new Encapsulation(64, VtepConfig.TOS_INHERIT, Df.SET, true),
                new Forwarding(true, true, 0, 1000, true, false),
                new Switches(true, false, false, false, true));
        assertEquals(expected, config);
    }

    @Test
    void leavesRoomForAnIpv6Underlay() {
        assertEquals(1430, create("id", "1", "local", "2001:db8::1").device().mtu());
    }

    @Test
    void assumesEthernetWhereTheUnderlayMtuIsUnknown() {
        assertEquals(
                1450,
                VtepAttributes.create("v", map("id", "1"), (local, dev) -> 0, warnings::add)
                        .device()
                        .mtu());
    }

    @Test
    void asksForTheMtuOfTheUnderlayItIsGiven() {
        UnderlayMtu jumbo = (local, dev) -> "eth1".equals(dev) && local.equals(IpAddress.parse("10.0.0.1")) ? 9000 : 0;

        VtepConfig config =
                VtepAttributes.create("v", map("id", "1", "dev", "eth1", "local", "10.0.0.1"), jumbo, warnings::add);

        assertEquals(8950, config.device().mtu());
    }

    @Test
    void answersNeighboursByDefaultOnlyWhereItDoesNotLearn() {
        assertTrue(create("id", "1", "learning", "false").forwarding().proxy());
        assertFalse(create("id", "1", "learning", "true").forwarding().proxy());
    }

    @Test
    void makesUpALocalMacWithoutAnIpv4Address() {
        VtepConfig first = create("id", "1", "address", "fd00::1/64");
        VtepConfig second = create("id", "1");

        assertTrue(MacAddress.isValidSource(first.device().mac()));
        assertEquals(
                0x0200_0000_0000L, first.device().mac() & 0x0300_0000_0000L, "locally administered, not multicast");
        assertNotEquals(first.device().mac(), second.device().mac());
    }

    @ParameterizedTest
    @CsvSource({"auto, 0", "0, 0", "inherit, -1", "1, 1", "255, 255"})
    void readsTtl(String text, int ttl) {
        assertEquals(ttl, create("id", "1", "ttl", text).encapsulation().ttl());
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "inherit, 1", "1, 1", "0x10, 16", "184, 184", "0xb8, 184", "0xbb, 184", "010, 8"})
    void readsTos(String text, int tos) {
        assertEquals(tos, create("id", "1", "tos", text).encapsulation().tos());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "id          | 16777216      | id: \"16777216\" is not a number from 0 to 16777215",
                "id          | -1            | id: \"-1\" is not a number from 0 to 16777215",
                "id          | one           | id: \"one\" is not a number from 0 to 16777215",
                "dstport     | 0             | dstport: \"0\" is not a number from 1 to 65535",
                "port        | 65536         | port: \"65536\" is not a number from 1 to 65535",
                "local       | 10.0.32       | local: \"10.0.32\" is not an IP address such as 10.0.16.14 or 2001:db8::1",
                "local       | 239.1.1.1     | local: 239.1.1.1 is a multicast address, not one of this host",
                "dev         | eth0:1        | dev: \"eth0:1\" is not a device name: 1 to 15 characters, no space, slash, colon or %",
                "address     | 10.255.0.0/33 | address: prefix length 33 of 10.255.0.0 is not in 0 to 32",
                "address     | 0.0.0.0/0     | address: 0.0.0.0 is no host's address",
                "mac         | ee:ee:0a      | mac: \"ee:ee:0a\" is not a MAC address such as ee:ee:0a:ff:63:00",
                "mac         | 01:00:5e:00:00:01 | mac: 01:00:5e:00:00:01 is a multicast address, not a host's",
                "mac         | 00:00:00:00:00:00 | mac: 00:00:00:00:00:00 is no host's address",
                "mtu         | 67            | mtu: \"67\" is not a number from 68 to 65485",
                "mtu         | 65486         | mtu: \"65486\" is not a number from 68 to 65485",
                "gbp         | yes           | gbp: \"yes\" is not true or false",
                "srcport     | 32768         | srcport: \"32768\" is not a range of ports such as 32768 61000",
                "srcport     | 61000 32768   | srcport: \"61000 32768\" is not a range of ports: the first must be above 0 and not above the second (0 0: the host's local port range)",
                "ttl         | 256           | ttl: \"256\" is not a number from 1 to 255, auto or inherit",
                "tos         | 256           | tos: \"256\" is not a number from 0 to 255 (or 0x00 to 0xff) or inherit",
                "df          | on            | df: \"on\" is not unset, set or inherit",
                "ageing      | -5            | ageing: \"-5\" is not a number from 0 to 2147483647",
                "lerning     | true          | lerning: is unknown (did you mean \"learning\"?)",
                "colour      | red           | colour: is unknown",
            })
    void refusesBadValues(String attribute, String value, String sentence) {
        Map<String, String> attributes = map("id", "1");
        attributes.put(attribute, value);

        assertEquals(sentence, refusal(() -> VtepAttributes.create("silk-vtep", attributes, ETHERNET, warnings::add)));
    }

    @Test
    void reportsAllThatIsWrong() {
        assertEquals(
                "local: \"x\" is not an IP address such as 10.0.16.14 or 2001:db8::1; mtu: \"9\" is not a number from 68"
                        + " to 65485; vni: is missing: a VTEP needs a VXLAN network identifier",
                refusal(() -> create("local", "x", "mtu", "9")));
    }

    @Test
    void refusesAnAttributeUnderBothItsNames() {
        assertEquals(
                "vni: is the same as id, which is given too: leave one out",
                refusal(() -> create("id", "1", "vni", "2")));
    }

    @ParameterizedTest
    @CsvSource({"a-name-too-long-for-linux", "a/b", "..", "'a b'", "vx%d"})
    void refusesBadNames(String name) {
        assertEquals(
                "name: \"" + name + "\" is not a device name: 1 to 15 characters, no space, slash, colon or %",
                refusal(() -> VtepAttributes.create(name, map("id", "1"), ETHERNET, warnings::add)));
    }

    @Test
    void warnsWithTheRightNumberOfAnMtuTheUnderlayDoesNotCarry() {
        create("id", "1", "mtu", "1451");

        assertEquals(
                List.of("mtu 1451 of silk-vtep is larger than the underlay carries: with 1450 no packet needs to be"
                        + " fragmented"),
                warnings);
    }

    @Test
    void changesWhatTheKernelChanges() {
        VtepConfig before = create("id", "1", "local", "10.0.32.12", "gbp", "true");

        VtepConfig after = change(
                before,
                "learning",
                "true",
                "ageing",
                "60",
                "ttl",
                "9",
                "tos",
                "inherit",
                "df",
                "inherit",
                "mtu",
                "1300",
                "mac",
                "02:00:00:00:00:09",
                "address",
                "10.255.1.0/16",
                "proxy",
                "false");

        assertTrue(after.forwarding().learning());
        assertFalse(after.forwarding().proxy());
        assertEquals(60, after.forwarding().ageing());
        assertEquals(9, after.encapsulation().ttl());
        assertEquals(VtepConfig.TOS_INHERIT, after.encapsulation().tos());
        assertEquals(Df.INHERIT, after.encapsulation().df());
        assertEquals(1300, after.device().mtu());
        assertEquals(0x0200_0000_0009L, after.device().mac());
        assertEquals(List.of(IpPrefix.parse("10.255.1.0/16")), after.device().addresses());
        assertEquals(before.vni(), after.vni());
        assertTrue(after.encapsulation().gbp());
    }

    @Test
    void leavesTheRestAsItWas() {
        VtepConfig before = create("id", "1", "address", "10.255.126.0/16", "mtu", "1410", "learning", "true");

        assertEquals(before, change(before));
        assertEquals(before, change(before, "id", "1", "mtu", "1410", "dstport", "4789", "gbp", "false"));
    }

    @ParameterizedTest
    @CsvSource({
        "id, 2",
        "local, 10.0.0.9",
        "dev, eth9",
        "dstport, 8472",
        "srcport, 1000 2000",
        "gbp, true",
        "udpcsum, false",
        "udp6zerocsumtx, true",
        "udp6zerocsumrx, true",
        "maxaddress, 5"
    })
    void refusesToChangeWhatTheKernelFixes(String attribute, String value) {
        VtepConfig before = create("id", "1", "local", "10.0.32.12");

        assertEquals(
                attribute + ": can be set only when the VTEP is added: delete silk-vtep and add it again",
                refusal(() -> change(before, attribute, value)));
    }

    @Test
    void warnsOfAnMtuChangedToMoreThanTheUnderlayCarries() {
        change(create("id", "1"), "mtu", "9000");

        assertEquals(1, warnings.size());
        assertTrue(warnings.get(0).contains("1450"), warnings.get(0));
    }
}
