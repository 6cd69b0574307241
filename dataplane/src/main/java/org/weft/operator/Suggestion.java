package org.weft.operator;

import java.util.Collection;
import java.util.function.ToIntFunction;

/** Finds the name that a mistyped word was perhaps meant to be. Stateless. */
public final class Suggestion {
    private static final int FARTHEST = 2;

    private Suggestion() {}

    /**
     * For names in configuration files and requests.
     *
     * @return {@code (did you mean "learning"?)} with a space in front, or nothing if no name is near
     */
    public static String among(String mistyped, Collection<String> names) {
        String nearest = nearest(mistyped, names, name -> name.length() / 2);
        return nearest == null ? "" : " (did you mean \"" + nearest + "\"?)";
    }

    /**
     * For words of the command line.
     *
     * @return {@code (did you mean dst?)} with a space in front, or nothing if no name is near
     */
    public static String ofWord(String mistyped, Collection<String> names) {
        String nearest = nearest(mistyped, names);
        return nearest == null ? "" : " (did you mean " + nearest + "?)";
    }

    /**
     * The first name with the fewest edits. Null if it needs more than 2 edits, or no fewer than the
     * word has letters.
     */
    public static String nearest(String mistyped, Collection<String> names) {
        return nearest(mistyped, names, name -> mistyped.length() - 1);
    }

    private static String nearest(String mistyped, Collection<String> names, ToIntFunction<String> farthest) {
        String nearest = null;
        int best = FARTHEST + 1;
        for (String name : names) {
            int distance = distance(mistyped, name);
            if (distance < best && distance <= farthest.applyAsInt(name)) {
                best = distance;
                nearest = name;
            }
        }
        return nearest;
    }

    /** How many letters to insert, delete, change, or swap with the next (optimal string alignment). */
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
