package org.weft.silk.policy;

/**
 * Whom packets come from or go to, as far as it is known; null what is not.
 *
 * @param container handle
 * @param app name or GUID
 * @param space GUID
 * @param organization GUID
 */
public record Workload(String container, String app, String space, String organization) {
    public static final Workload UNKNOWN = new Workload(null, null, null, null);

    static Workload ofApp(String app) {
        return new Workload(null, app, null, null);
    }
}
