package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.testing.LogLines;

class LedgerTest {
    @TempDir
    Path directory;

    private static Attachment attachment(int number) {
        return new Attachment(
                new Attachment.Key("silk", "container-" + number, "eth0"),
                IpAddress.parse("10.255.108." + number),
                Path.of("/run/netns/app" + number),
                1410,
                true);
    }

    private Ledger open() {
        return new Ledger(new AttachmentFile(directory), () -> List.of(attachment(77)));
    }

    /** Fails writes as a full or read-only file system does, even for root. */
    private void refuseWrites() throws IOException {
        Files.createDirectories(directory.resolve("containers.json.new/occupied"));
    }

    @Test
    void givesNoAddressThatIsNotOnDisk() throws IOException {
        Ledger ledger = open();
        ledger.put(attachment(9));
        refuseWrites();
        OperatorException refused = assertThrows(OperatorException.class, () -> ledger.put(attachment(10)));
        assertTrue(
                refused.getMessage().startsWith("no address is given: " + directory.resolve("containers.json")),
                refused.getMessage());
        assertEquals(List.of(attachment(9)), ledger.entries());
    }

    @Test
    void saysThatNobodyHasAnAddressBeforeItIsFreeAndBeforeItIsLaidAgain() {
        Ledger ledger = open();
        Attachment laid = attachment(9);
        Attachment reserved = new Attachment(laid.key(), laid.address(), laid.netns(), laid.mtu(), false);
        List<String> told = new ArrayList<>();
        ledger.onVacated(
                addresses -> told.add(addresses + " with " + ledger.entries().size()));
        ledger.put(reserved);
        ledger.put(laid);
        ledger.drop(List.of(laid));
        assertEquals(List.of("[10.255.108.9] with 0", "[10.255.108.9] with 1"), told);
    }

    @Test
    void forgetsAContainerThatIsGoneEvenIfTheDiskCannotAndSaysSo() throws IOException {
        Ledger ledger = open();
        ledger.put(attachment(9));
        ledger.put(attachment(10));
        refuseWrites();
        List<String> said;
        try (LogLines log = LogLines.of(Ledger.class)) {
            ledger.drop(List.of(attachment(9)));
            said = log.lines();
        }
        assertEquals(List.of(attachment(10)), ledger.entries());
        assertEquals(1, said.size(), said::toString);
        assertTrue(
                said.get(0)
                        .contains(
                                "the file of containers still names eth0 of container container-9 (network silk), which"
                                        + " is gone: " + directory.resolve("containers.json") + " cannot be written"),
                said::toString);
        assertEquals(2, open().entries().size(), "the next daemon drops what has no veth pair");

        Files.delete(directory.resolve("containers.json.new/occupied"));
        Files.delete(directory.resolve("containers.json.new"));
        ledger.put(attachment(11));
        assertEquals(List.of(attachment(10), attachment(11)), open().entries());
    }

    @Test
    void beginsWithFoundContainersOnlyIfItsFileIsDamaged() throws IOException {
        assertEquals(List.of(), open().entries());
        Path file = Files.writeString(directory.resolve("containers.json"), "{");
        assertEquals(List.of(attachment(77)), open().entries());
        assertTrue(Files.readString(file).contains("10.255.108.77"), "the next daemon does not have to look again");
        assertEquals(List.of(attachment(77)), open().entries());
    }
}
