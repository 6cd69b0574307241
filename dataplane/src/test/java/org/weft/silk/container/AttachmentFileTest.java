package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.silk.container.AttachmentFile.Content;
import org.weft.testing.Damage;

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
    @ValueSource(
            strings = {
                "",
                "null",
                "{\"version\": 1, \"conta",
                "[]",
                "{}",
                "{\"version\": 2, \"containers\": []}",
                "{\"version\": 1}",
                "{\"version\": 1, \"containers\": {}}",
                "{\"version\": 1, \"containers\": [{}]}",
                "{\"version\": 1, \"containers\": [null]}",
                "{\"version\": 1, \"containers\": [7]}",
                "{\"version\": 1, \"containers\": [{\"address\": \"10.0\"}]}",
                "{\"version\": 1, \"containers\": [{\"address\": \"::1\"}]}",
                "{\"version\": 1, \"containers\": [{\"address\": {}}]}",
            })
    void putsADamagedFileAside(String text) throws IOException {
        Files.writeString(path, text);
        assertNull(file.read());
        assertFalse(Files.exists(path));
        assertEquals(Content.EMPTY, file.read());
    }

    @ParameterizedTest
    @EnumSource
    void survivesEveryDamage(Damage damage) throws IOException {
        file.write(content(attachment(9, true)));
        damage.to(path);
        assertNull(file.read());
        file.write(content(attachment(10, true)));
        assertEquals(content(attachment(10, true)), file.read());
    }

    /** A name that ip would take for several words is not one that Weft wrote. */
    @ParameterizedTest
    @CsvSource({"eth0, eth0\\nlink del eth0", "/run/netns/app9, /run/netns/app9 x", "/run/netns/app9, ''", "1410, many"
    })
    void takesNoNamesOrNumbersThatItDidNotWrite(String written, String damaged) throws IOException {
        file.write(content(attachment(9, true)));
        Files.writeString(path, Files.readString(path).replace(written, damaged));
        assertNull(file.read());
    }

    @Test
    void readsFoundContainersToo() {
        Attachment found = new Attachment(
                new Attachment.Key("", "s-010255108009", "eth0"),
                IpAddress.parse("10.255.108.9"),
                Attachment.UNKNOWN,
                1410,
                true,
                true);
        file.write(content(attachment(3, true), found));
        assertEquals(content(attachment(3, true), found), file.read());
    }

    @Test
    void takesAnAddressThatTwoHaveForDamage() throws IOException {
        file.write(content(attachment(9, true), attachment(10, true)));
        Files.writeString(path, Files.readString(path).replace("10.255.108.10\"", "10.255.108.9\""));
        assertNull(file.read());
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
