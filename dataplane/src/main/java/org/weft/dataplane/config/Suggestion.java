package org.weft.dataplane.config;

import java.util.Collection;
import java.util.Comparator;

/** What someone who mistyped a name may have meant. */
public final class Suggestion {
    private static final int FARTHEST = 2;

    private Suggestion() {}

    /** {@code (did you mean "learning"?)} with a space in front, or nothing if no name is near. */
    public static String among(String mistyped, Collection<String> names) {
        return names.stream()
                .filter(name -> distance(mistyped, name) <= Math.min(FARTHEST, name.length() / 2))
                .min(Comparator.comparingInt(name -> distance(mistyped, name)))
                .map(name -> " (did you mean \"" + name + "\"?)")
                .orElse("");
    }

    /** Levenshtein's: how many letters to insert, delete or change. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
