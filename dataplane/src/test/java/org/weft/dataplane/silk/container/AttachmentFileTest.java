package org.weft.dataplane.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.silk.container.AttachmentFile.Content;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.encap.IpAddress;

class AttachmentFileTest {
    @TempDir
    Path directory;

    private AttachmentFile file;
    private Path path;

    @BeforeEach
    void open() {
        file = new AttachmentFile(directory);
        path = directory.resolve("containers.json");
    }

    private static Attachment attachment(int number, boolean laid) {
        return new Attachment(
                new Attachment.Key("silk", "container-" + number, "eth0"),
                IpAddress.parse("10.255.108." + number),
                Path.of("/run/netns/app" + number),
                1410,
                laid);
    }

    private static Content content(Attachment... attachments) {
        Map<Attachment.Key, Attachment> byKey = new LinkedHashMap<>();
        List.of(attachments).forEach(attachment -> byKey.put(attachment.key(), attachment));
        return new Content(attachments[attachments.length - 1].address(), byKey);
    }

    @Test
    void isEmptyBeforeTheFirstContainer() {
        assertEquals(Content.EMPTY, file.read());
    }

    @Test
    void readsWhatWasWrittenInItsOrder() {
        Content content = content(attachment(9, true), attachment(3, false), attachment(5, true));
        file.write(content);
        assertEquals(content, file.read());
        assertEquals(
                List.copyOf(content.byKey().values()),
                List.copyOf(file.read().byKey().values()));
    }

    @Test
    void keepsTheOldWhereADaemonDiedWhileItWroteTheNew() throws IOException {
        Content content = content(attachment(9, true));
        file.write(content);
        Files.writeString(directory.resolve("containers.json.new"), "{\"version\": 1, \"conta");
        assertEquals(content, file.read());

        Content next = content(attachment(9, true), attachment(10, false));
        file.write(next);
        assertEquals(next, file.read());
    }

    @Test
    void makesItsDirectory() {
        AttachmentFile deep = new AttachmentFile(directory.resolve("var/lib/weft"));
        deep.write(content(attachment(9, true)));
        assertEquals(1, deep.read().byKey().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | Not a JSON Object",
                "{\"version\": 1, \"conta | it is not whole JSON",
                "[] | Not a JSON Object",
                "{} | version is missing",
                "{\"version\": 2, \"containers\": []} | version 2, and this program knows 1",
                "{\"version\": 1} | containers is missing",
                "{\"version\": 1, \"containers\": [{}]} | address is missing",
                "{\"version\": 1, \"containers\": [7]} | Not a JSON Object",
                "{\"version\": 1, \"containers\": [{\"address\": \"10.0\"}]} | \"10.0\" is not an IP address",
                "{\"version\": 1, \"containers\": [{\"address\": \"::1\"}]} | ::1 is not an IPv4 address",
                "{\"version\": 1, \"containers\": [{\"address\": {}}]} | JsonObject",
            })
    void namesTheFileThatIsBrokenAndLeavesItAlone(String text, String reason) throws IOException {
        Files.writeString(path, text);
        String message = assertThrows(OperatorException.class, file::read).getMessage();
        assertTrue(message.startsWith(path + " does not hold the addresses of containers ("), message);
        assertTrue(message.contains(reason), message);
        assertEquals(text, Files.readString(path));
        assertThrows(OperatorException.class, () -> Containers.open(directory, MemoryCellTable.guard()));
    }

    @Test
    void refusesAnAddressThatTwoHave() throws IOException {
        file.write(content(attachment(9, true), attachment(10, true)));
        Files.writeString(path, Files.readString(path).replace("10.255.108.10\"", "10.255.108.9\""));
        assertTrue(
                assertThrows(OperatorException.class, file::read).getMessage().contains("is there twice"));
    }

    @Test
    void leavesTheFileAsItWasWhereItCannotWrite() throws IOException {
        Content content = content(attachment(9, true));
        file.write(content);
        Files.createDirectories(directory.resolve("containers.json.new/occupied"));
        OperatorException refused =
                assertThrows(OperatorException.class, () -> file.write(content(attachment(10, true))));
        assertTrue(refused.getMessage().startsWith(path + " cannot be written"), refused.getMessage());
        assertEquals(content, file.read());
    }
}
