package org.weft.dataplane.io.linux;

/**
 * Where the device of a {@link LinuxTap} was when its descriptor was asked.
 *
 * @param name the device's name there
 * @param netns the network namespace as operators name it, {@code b} or {@code net:[4026532177]};
 *     null if the device is in the namespace of the thread that asked
 */
public record TapPlace(String name, String netns) {
    /** Whether the device is in the namespace of the thread that asked. */
    public boolean here() {
        return netns == null;
    }
}
