package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@code scripts/weft.service}, and the same restrictions where there is no systemd. */
final class UnitFile {
    /**
     * Makes everything read-only but kernel file systems and one directory, hides what ProtectHome and PrivateTmp hide, and
     * then limits capabilities. Mounts that the host makes later come in.
     */
    private static final String RESTRICT =
            """
            writable=$1 mask=$2 keep=$3
            shift 3
            mount --bind "$writable" /mnt
            mount -t tmpfs none /tmp
            mkdir -p "$writable"
            mount --move /mnt "$writable"
            mount -t tmpfs -o ro none /home
            mount -t tmpfs -o ro none /dev/shm
            findmnt -rno TARGET | while read -r mount; do
                case $mount in
                    /proc* | /sys* | /dev* | /tmp*) ;;
                    *) mount -o remount,bind,ro "$mount" 2>/dev/null || true ;;
                esac
            done
            ! touch /etc/weft-it-is-read-only 2>/dev/null || exit 99
            umask "$mask"
            exec setpriv --bounding-set="-all,$keep" --inh-caps=-all --no-new-privs "$@"
            """;

    private UnitFile() {}

    /** The value of a setting that is there once. */
    static String setting(String key) {
        Path file = Path.of(WeftDaemon.script()).resolveSibling("weft.service");
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(key + "="))
                    .map(line -> line.substring(key.length() + 1))
                    .collect(Collectors.collectingAndThen(Collectors.toList(), found -> {
                        if (found.size() != 1) {
                            throw new AssertionError(key + " in " + file + ": " + found);
                        }
                        return found.get(0);
                    }));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What CapabilityBoundingSet keeps, as setpriv names it: {@code +net_admin,+net_raw,+bpf}. */
    static String capabilities() {
        return Arrays.stream(setting("CapabilityBoundingSet").split(" "))
                .map(name -> "+" + name.replaceFirst("^CAP_", "").toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(","));
    }

    /** A command that runs the one behind it under the unit's restrictions, with one directory that it may write to. */
    static String[] restrictions(Path writable) {
        return new String[] {
            "unshare",
            "-m",
            "--propagation",
            "slave",
            "bash",
            "-ec",
            RESTRICT,
            "restrict",
            writable.toString(),
            setting("UMask"),
            capabilities()
        };
    }
}
