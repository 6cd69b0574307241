package org.weft.it;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Whose VTEP is under test. */
enum Subject {
    KERNEL,
    WEFT;

    /** All of them, or those the system property {@code weft.it.subjects} names. */
    static Stream<Subject> all() {
        List<String> wanted =
                List.of(System.getProperty("weft.it.subjects", "KERNEL,WEFT").split(","));
        return Arrays.stream(values()).filter(subject -> wanted.contains(subject.name()));
    }
}
