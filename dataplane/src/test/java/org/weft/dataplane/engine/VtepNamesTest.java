package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.MemoryRegistry;

class VtepNamesTest {
    private final MemoryRegistry registry = new MemoryRegistry();
    private final Vtep first = vtep("a", "1");
    private final Vtep second = vtep("b", "2");
    private final Vtep third = vtep("c", "3");
    private final Map<String, Vtep> byName = new TreeMap<>(Map.of("a", first, "b", second, "c", third));

    private Vtep vtep(String name, String vni) {
        return registry.add(name, Map.of("id", vni, "local", "10.0.16.14"));
    }

    private void adopt(Vtep... followers) {
        VtepNames.adopt(new HashSet<>(List.of(followers)), byName);
        byName.forEach((name, vtep) -> assertEquals(name, vtep.name()));
    }

    private List<Vtep> at(String... names) {
        return Stream.of(names).map(byName::get).toList();
    }

    @Test
    void namesGoInACircle() {
        first.deviceName("b");
        second.deviceName("c");
        third.deviceName("a");
        adopt(first, second, third);
        assertEquals(List.of(third, first, second), at("a", "b", "c"));
    }

    @Test
    void aNameThatIsKeptElsewhereBlocksAllThatWaitForIt() {
        first.deviceName("b");
        second.deviceName("c");
        adopt(first, second);
        assertEquals(List.of(first, second, third), at("a", "b", "c"));
    }

    @Test
    void aNameThatIsLeftIsFree() {
        first.deviceName("d");
        second.deviceName("a");
        adopt(first, second, third);
        assertEquals(Map.of("a", second, "c", third, "d", first), byName);
        assertEquals("a", first.firstName());
    }
}
