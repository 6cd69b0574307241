package org.weft.dataplane.io.linux;

/**
 * The name and network namespace of a {@link LinuxTap}'s device when Weft asked its descriptor.
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
