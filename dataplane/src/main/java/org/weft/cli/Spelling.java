package org.weft.cli;

import java.util.Collection;
import java.util.List;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Abbreviated and mistyped words. */
public final class Spelling {
    private Spelling() {}

    /**
     * The one candidate that {@code word} is, or begins.
     *
     * @param what the candidates are, for the error
     * @throws OperatorException if there is none, or several
     */
    static String complete(String context, String what, String word, List<String> candidates) {
        if (candidates.contains(word)) {
            return word;
        }
        List<String> possible =
                candidates.stream().filter(each -> each.startsWith(word)).toList();
        if (possible.size() == 1) {
            return possible.get(0);
        }
        if (possible.size() > 1 && !word.isEmpty()) {
            throw new OperatorException(
                    Kind.USAGE, context + ": \"" + word + "\" could be " + String.join(" or ", possible));
        }
        String near = didYouMean(word, candidates);
        throw new OperatorException(
                Kind.USAGE,
                context + ": unknown " + what + " \"" + word + "\""
                        + (near.isEmpty() ? " (there are " + String.join(", ", candidates) + ")" : near));
    }

    /** {@code " (did you mean dst?)"}, or nothing if no candidate is near. */
    public static String didYouMean(String word, Collection<String> candidates) {
        String nearest = nearest(word, candidates);
        return nearest == null ? "" : " (did you mean " + nearest + "?)";
    }

    /** The candidate that a slip of the fingers turns into {@code word}, or null. */
    static String nearest(String word, Collection<String> candidates) {
        String nearest = null;
        int best = Math.min(2, word.length() - 1) + 1;
        for (String candidate : candidates) {
            int distance = distance(word, candidate);
            if (distance < best) {
                best = distance;
                nearest = candidate;
            }
        }
        return nearest;
    }

    /** Letters inserted, left out, changed or swapped with their neighbour (optimal string alignment). */
    private static int distance(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    cost[i][j] = i + j;
                    continue;
                }
                int changed = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                cost[i][j] = Math.min(Math.min(cost[i - 1][j], cost[i][j - 1]) + 1, cost[i - 1][j - 1] + changed);
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) {
                    cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
                }
            }
        }
        return cost[a.length()][b.length()];
    }
}
