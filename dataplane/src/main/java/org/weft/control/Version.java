package org.weft.control;

/** What runs here. */
final class Version {
    /** From the jar's manifest; a build that was never packaged has none. */
    static final String WEFT = manifestVersion();

    static final String JAVA = System.getProperty("java.version");

    private Version() {}

    private static String manifestVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }
}
