package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonParser;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.cli.Statement.Change;
import org.weft.cli.Statement.Listing;
import org.weft.cli.Statement.PolicyQuestion;
import org.weft.cli.Statement.PolicyQuestion.Form;
import org.weft.cli.Statement.Show;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

class GrammarTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
fdb add ee:ee:0a:ff:2b:00 dev silk-vtep dst 10.0.16.14 self permanent | {"object":"fdb","action":"add","mac":"ee:ee:0a:ff:2b:00","dev":"silk-vtep","dst":"10.0.16.14","state":"permanent"}
fdb append 00:00:00:00:00:00 dst 2001:DB8::1 port 4790 vni 0x7        | {"object":"fdb","action":"append","mac":"00:00:00:00:00:00","dst":"2001:db8::1","port":4790,"vni":7}
fdb replace dst 10.0.0.1 EE:EE:0A:FF:2B:00 static                     | {"object":"fdb","action":"replace","dst":"10.0.0.1","mac":"ee:ee:0a:ff:2b:00","state":"permanent"}
fdb add ee:ee:0a:ff:2b:00 dst 10.0.0.1 dynamic                        | {"object":"fdb","action":"add","mac":"ee:ee:0a:ff:2b:00","dst":"10.0.0.1","state":"reachable"}
fdb del ee:ee:0a:ff:2b:00 dev silk-vtep                               | {"object":"fdb","action":"del","mac":"ee:ee:0a:ff:2b:00","dev":"silk-vtep"}
fdb delete ee:ee:0a:ff:2b:00                                          | {"object":"fdb","action":"del","mac":"ee:ee:0a:ff:2b:00"}
fdb flush dev silk-vtep                                               | {"object":"fdb","action":"flush","dev":"silk-vtep"}
neigh replace 10.255.43.0 lladdr ee:ee:0a:ff:2b:00 dev silk-vtep nud permanent | {"object":"neigh","action":"replace","dst":"10.255.43.0","lladdr":"ee:ee:0a:ff:2b:00","dev":"silk-vtep"}
neighbour add to fd00::2 lladdr ee:ee:0a:ff:2b:00                     | {"object":"neigh","action":"add","dst":"fd00::2","lladdr":"ee:ee:0a:ff:2b:00"}
n del 10.255.43.0                                                     | {"object":"neigh","action":"del","dst":"10.255.43.0"}
neigh f                                                               | {"object":"neigh","action":"flush"}
tag replace 10.255.99.3 1                                             | {"object":"tag","action":"replace","source":"10.255.99.3","tag":1}
tag add 10.255.0.0/16 tag 0xffff dev silk-vtep                        | {"object":"tag","action":"add","source":"10.255.0.0/16","tag":65535,"dev":"silk-vtep"}
tag del 10.255.99.3/32                                                | {"object":"tag","action":"del","source":"10.255.99.3"}
link add silk-vtep type vxlan id 1 local 10.0.32.12 dstport 4789 nolearning gbp | {"object":"link","action":"add","dev":"silk-vtep","attributes":{"id":1,"local":"10.0.32.12","dstport":4789,"learning":false,"gbp":true}}
link add name v type vxlan id 1 address ee:ee:0a:ff:7e:00 dev eth0    | {"object":"link","action":"add","dev":"v","attributes":{"id":1,"mac":"ee:ee:0a:ff:7e:00","dev":"eth0"}}
link add dev v type vxlan vni 1 dev eth0                              | {"object":"link","action":"add","dev":"v","attributes":{"id":1,"dev":"eth0"}}
link add v id 1 address 10.255.126.0/16 address fd00::1/64 lladdr ee:ee:0a:ff:7e:00 | {"object":"link","action":"add","dev":"v","attributes":{"id":1,"address":["10.255.126.0/16","fd00::1/64"],"mac":"ee:ee:0a:ff:7e:00"}}
link add v id 1 srcport 1000 2000 ttl 64 tos 0x10 df set ageing 0 maxaddress 9 mtu 1410 | {"object":"link","action":"add","dev":"v","attributes":{"id":1,"srcport":"1000 2000","ttl":64,"tos":16,"df":"set","ageing":0,"maxaddress":9,"mtu":1410}}
link add v id 1 ttl auto tos inherit df inherit noudpcsum udp6zerocsumtx noudp6zerocsumrx proxy persist noinstall-neighbours norsc nolocalbypass | {"object":"link","action":"add","dev":"v","attributes":{"id":1,"ttl":"auto","tos":"inherit","df":"inherit","udpcsum":false,"udp6zerocsumtx":true,"udp6zerocsumrx":false,"proxy":true,"persist":true,"install-neighbours":false}}
link set silk-vtep learning ageing 600 up                             | {"object":"link","action":"set","dev":"silk-vtep","attributes":{"learning":true,"ageing":600,"up":true}}
l set dev silk-vtep down                                              | {"object":"link","action":"set","dev":"silk-vtep","attributes":{"up":false}}
policy allow 1 10.255.43.3 --protocol tcp --port 7777-7779            | {"object":"policy","action":"allow","tag":1,"destination":"10.255.43.3","protocol":"tcp","ports":"7777-7779"}
pol al 0x10 FD00::3 protocol UDP port 53                              | {"object":"policy","action":"allow","tag":16,"destination":"fd00::3","protocol":"UDP","ports":"53"}
policy deny --port 7778 --protocol tcp 1 10.255.43.3                  | {"object":"policy","action":"deny","ports":"7778","protocol":"tcp","tag":1,"destination":"10.255.43.3"}
policy allow 65535 10.255.43.3 --protocol icmp                        | {"object":"policy","action":"allow","tag":65535,"destination":"10.255.43.3","protocol":"icmp"}
policy mode enf                                                       | {"object":"policy","action":"mode","mode":"enforce"}
link del silk-vtep                                                    | {"object":"link","action":"del","dev":"silk-vtep"}
""")
    void turnsWordsIntoChanges(String line, String json) {
        Change change = (Change) Grammar.parse(List.of(line.strip().split(" ")));
        assertEquals(JsonParser.parseString(json), change.body());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
policy                                        | /v1/policy
policy sh                                     | /v1/policy
policy explain 10.255.43.3 10.255.9.3 tcp 7777 | /v1/policy/explain?source=10.255.43.3&destination=10.255.9.3&protocol=tcp&port=7777
policy explain tag 7 fd00::3 ICMP             | /v1/policy/explain?tag=7&destination=fd00%3A%3A3&protocol=icmp
""")
    void turnsWordsIntoQuestionsAboutPolicies(String line, String target) {
        assertEquals(
                new PolicyQuestion(target, target.contains("explain") ? Form.ONE_PACKET : Form.ALL),
                Grammar.parse(List.of(line.strip().split(" "))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            textBlock =
                    """
link                         | LINK  | -         | -
l sh                         | LINK  | -         | -
link show silk-vtep          | LINK  | silk-vtep | -
link list dev silk-vtep      | LINK  | silk-vtep | -
fdb show dev silk-vtep       | FDB   | silk-vtep | -
fdb ls EE:EE:0A:FF:2B:00     | FDB   | -         | ee:ee:0a:ff:2b:00
neigh show to 10.255.43.0    | NEIGH | -         | 10.255.43.0
n s 10.255.43.0 dev v        | NEIGH | v         | 10.255.43.0
tag show 10.255.0.0/16       | TAG   | -         | 10.255.0.0/16
drops                        | DROPS | -         | -
drops show dev 10.0.16.14:4789 | DROPS | 10.0.16.14:4789 | -
""")
    void turnsWordsIntoQuestions(String line, Listing listing, String dev, String address) {
        assertEquals(
                new Show(listing, dev, address),
                Grammar.parse(List.of(line.strip().split(" "))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
fdb add ee:ee dst 10.0.0.1                    | fdb add: "ee:ee" is not a MAC address such as ee:ee:0a:ff:63:00
fdb add ee:ee:0a:ff:2b:00 dts 10.0.0.1        | fdb add: unknown word "dts" (did you mean dst?)
fdb add ee:ee:0a:ff:2b:00 dst 10.0.0          | fdb add: "10.0.0" is not an IP address such as 10.0.16.14 or 2001:db8::1
fdb add ee:ee:0a:ff:2b:00 dst                 | fdb add: "dst" wants an IP address after it
fdb add ee:ee:0a:ff:2b:00 nhid 10             | fdb add: "nhid": Weft has no nexthop groups: name each remote with "dst"
fdb add ee:ee:0a:ff:2b:00                     | fdb add: the remote is missing: say "dst" and an IP address
fdb add dst 10.0.0.1                          | fdb add: the MAC address is missing: add ee:ee:0a:ff:2b:00 ...
fdb add ee:ee:0a:ff:2b:00 dst 10.0.0.1 dst 10.0.0.2  | fdb add: "dst" is given twice
fdb add ee:ee:0a:ff:2b:00 dst 10.0.0.1 port 0 | fdb add: "port" is a number from 1 to 65535, not "0"
fdb add ee:ee:0a:ff:2b:00 dst 10.0.0.1 vni x  | fdb add: "vni" is a number from 0 to 16777215, not "x"
fdb add ee:ee:0a:ff:2b:00 dev a/b             | fdb add: "a/b" is not a device name: 1 to 15 characters without / : and blanks
fdb add ee:ee:0a:ff:2b:00 ee:ee:0a:ff:2b:01   | fdb add: unknown word "ee:ee:0a:ff:2b:01"
fdb a                                         | fdb: "a" could be add or append
fdb sohw                                      | fdb: unknown command "sohw" (did you mean show?)
fdb frobnicate                                | fdb: unknown command "frobnicate" (there are add, append, replace, delete, show, list, flush)
lnik show                                     | batch: unknown object "lnik" (did you mean link?)
neigh add 10.0.0.1                            | neigh add: the MAC address is missing: say "lladdr" and a MAC address
neigh add 10.0.0.1 lladdr ee:ee:0a:ff:2b:00 nud stale | neigh add: "nud stale": Weft's neighbours are permanent
neigh replace ladr ee:ee:0a:ff:2b:00          | neigh replace: unknown word "ladr" (did you mean lladdr?)
tag add 10.255.99.3                           | tag add: the tag is missing: a number from 1 to 65535 after the source
tag add 10.255.99.3 0                         | tag add: "tag" is a number from 1 to 65535, not "0"
tag add 10.255.99.3/33 1                      | tag add: prefix length 33 of 10.255.99.3 is not in 0 to 32
policy allow 65536 10.255.43.3 --protocol tcp --port 1 | policy allow: "tag" is a number from 1 to 65535, not "65536"
policy allow 1 10.255.43 --protocol tcp --port 1 | policy allow: "10.255.43" is not an IP address such as 10.0.16.14 or 2001:db8::1
policy allow 1 224.0.0.1 --protocol tcp --port 1 | policy allow: destination 224.0.0.1 is no address of a container
policy allow 1 10.255.43.3 --protocol sctp    | policy allow: "sctp" is not tcp, udp or icmp
policy allow 1 10.255.43.3 --protocol tcp     | policy allow: the port is missing: say --port 7777, or --port 7777-7779
policy allow 1 10.255.43.3 --protocol tcp --port x | policy allow: "x" is not a port such as 7777, or a range such as 7777-7779
policy allow 1 10.255.43.3 --protocol tcp --port 7779-7777 | policy allow: the range of ports 7779-7777 is empty
policy allow 1 10.255.43.3 --protocol tcp --port 0 | policy allow: ports 0-0 are not in 1 to 65535
policy allow 1 10.255.43.3 --protocol icmp --port 7 | policy allow: icmp has no ports
policy allow 1 10.255.43.3 --port 7           | policy allow: the protocol is missing: say --protocol tcp
policy allow 1 10.255.43.3 --prot tcp         | policy allow: unknown word "--prot" (did you mean --port?)
policy allow 1                                | policy allow: the destination is missing: an IP address after the tag
policy deny                                   | policy deny: the tag is missing: deny 1 10.255.43.3 ...
policy mode                                   | policy mode: the mode is missing: off, log, enforce, netfilter
policy mode on                                | policy mode: unknown mode "on" (there are off, log, enforce, netfilter)
policy mode log 1                             | policy mode: unknown word "1"
policy explain                                | policy explain: the source is missing: its IP address, or "tag" and a tag
policy explain tag                            | policy explain: "tag" wants a number after it
policy explain 10.255.43.3                    | policy explain: the destination is missing: an IP address after the source
policy explain 10.255.43.3 10.255.9.3 tcp     | policy explain: the port is missing: a number after the protocol
policy explain 10.255.43.3 10.255.9.3 icmp 7  | policy explain: unknown word "7"
policy show all                               | policy show: unknown word "all"
policy del                                    | policy: unknown command "del" (did you mean deny?)
link add silk-vtep                            | link add: the VNI is missing: say "id" and a number from 0 to 16777215
link add type vxlan id 1                      | link add: the name of the device is missing
link add v type geneve id 1                   | link add: "type geneve": Weft's devices are of type vxlan
link add v id 16777216                        | link add: "id" is a number from 0 to 16777215, not "16777216"
link add v id 1 lcoal 10.0.0.1                | link add: unknown word "lcoal" (did you mean local?)
link add v id 1 srcport 5 4                   | link add: "srcport 5 4": the first port is above the last
link add v id 1 df maybe                      | link add: "df" is set, unset or inherit, not "maybe"
link add v id 1 ttl 256                       | link add: "ttl" is a number from 1 to 255, not "256"
link add v id 1 address 10.255.126            | link add: "10.255.126" is not an IP address such as 10.0.16.14 or 2001:db8::1
link add v id 1 remote 10.0.0.1               | link add: "remote": give the default remote as an FDB entry: weft fdb append 00:00:00:00:00:00 dev NAME dst IP
link add v id 1 localbypass                   | link add: "localbypass": what Weft sends to this host itself goes by its loopback interface
link add v id 1 reserved_bits 0x1             | link add: "reserved_bits": Weft tolerates no reserved bits but those of gbp
link set v flowlabel 7                        | link set: "flowlabel": Weft's outer flow label is 0
link add v id 1 up                            | link add: "up" goes with link set; a device that is added is up
link del v mtu 1400                           | link del: only the name of a device is wanted
link s                                        | link: "s" could be set or show
fdb show dve silk-vtep                        | fdb show: unknown word "dve" (did you mean dev?)
link show a b                                 | link show: unknown word "b"
""")
    void namesTheWordThatIsWrong(String line, String sentence) {
        OperatorException e = assertThrows(
                OperatorException.class,
                () -> Grammar.parse(List.of(line.strip().split(" "))));
        assertEquals(sentence, e.getMessage());
        assertEquals(Kind.USAGE, e.kind());
    }

    @Test
    void splitsALineAsTheShellWould() {
        assertEquals(List.of("a", "b c", "de f", ""), BatchFile.split("\ta 'b c'  d\"e f\" '' # rest"));
        assertEquals(List.of(), BatchFile.split("  # only a comment"));
        assertThrows(OperatorException.class, () -> BatchFile.split("a 'b"));
    }
}
