package org.weft.silk.cni;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.weft.silk.cni.CniException.Code;

/** Versions of the CNI specification, in order; earlier ones have results of another form. */
enum CniVersion {
    V0_3_0("0.3.0"),
    V0_3_1("0.3.1"),
    V0_4_0("0.4.0"),
    V1_0_0("1.0.0"),
    V1_1_0("1.1.0");

    /** What is spoken where a configuration does not say, or says what is not known. */
    static final CniVersion DEFAULT = V1_0_0;

    private final String text;

    CniVersion(String text) {
        this.text = text;
    }

    static CniVersion of(String text) {
        for (CniVersion version : values()) {
            if (version.text.equals(text)) {
                return version;
            }
        }
        throw new CniException(
                Code.INCOMPATIBLE_VERSION,
                "cniVersion " + text + " is not one of " + all().stream().collect(Collectors.joining(", ")));
    }

    static List<String> all() {
        return Arrays.stream(values()).map(CniVersion::toString).toList();
    }

    boolean isBefore(CniVersion other) {
        return compareTo(other) < 0;
    }

    /** Refuses a command that is newer than the configuration. */
    void requireFor(String command, CniVersion since) {
        if (isBefore(since)) {
            throw new CniException(
                    Code.INCOMPATIBLE_VERSION,
                    command + " came with CNI " + since + ", and the configuration's cniVersion is " + text);
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
