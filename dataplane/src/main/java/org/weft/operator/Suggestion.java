package org.weft.operator;

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

    /** How many letters to insert, delete, change, or swap with the next (Damerau and Levenshtein's). */
    static int distance(String a, String b) {
        int[][] steps = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                steps[i][j] = i == 0 || j == 0 ? i + j : shortest(a, i, b, j, steps);
            }
        }
        return steps[a.length()][b.length()];
    }

    private static int shortest(String a, int i, String b, int j, int[][] steps) {
        int changed = steps[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        int fewest = Math.min(changed, 1 + Math.min(steps[i - 1][j], steps[i][j - 1]));
        boolean swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(fewest, 1 + steps[i - 2][j - 2]) : fewest;
    }
}
