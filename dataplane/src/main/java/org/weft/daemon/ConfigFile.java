package org.weft.daemon;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.weft.config.ConfigProblems;
import org.weft.config.UnderlayAddress;
import org.weft.config.Values;
import org.weft.config.VtepAttributes;
import org.weft.config.VtepOverlap;
import org.weft.config.VtepSection;
import org.weft.config.YamlDocument;
import org.weft.config.YamlMapping;
import org.weft.dataplane.engine.EngineConfig;
import org.weft.dataplane.engine.EngineConfig.Threading;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.file.LimitedFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellSection;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicySection;

/**
 * The YAML (or JSON) file a daemon starts from. It is checked whole; all that is wrong is reported at once, each as
 * {@code file:line: field: sentence}.
 */
public final class ConfigFile {
    private static final List<String> KEYS =
            List.of("threading", "workers", "busy-poll", "metrics", "underlay", "vteps", "cell", "policy");

    /** The size of the largest file that is read. The heap is empty then; 130,000 entries of tables have room. */
    public static final int MAX_BYTES = 16 << 20;

    private static final int MAX_NODES = 700_000;
    private static final int MAX_WORKERS = 64;
    private static final int MAX_BUSY_POLL_MICROS = 1_000_000;

    private final ConfigProblems problems;
    private final UnderlayMtu underlayMtu;
    private final UnderlayAddress underlayAddress;
    private final Consumer<String> warnings;

    private ConfigFile(
            String file, UnderlayMtu underlayMtu, UnderlayAddress underlayAddress, Consumer<String> warnings) {
        this.problems = new ConfigProblems(file);
        this.underlayMtu = underlayMtu;
        this.underlayAddress = underlayAddress;
        this.warnings = warnings;
    }

    /** What a daemon without a file starts from: no VTEPs. */
    public static DaemonConfig none() {
        return new DaemonConfig(EngineConfig.DEFAULT, null, List.of(), null, null);
    }

    /**
     * Reads and checks a file.
     *
     * @param warnings hears of what is allowed but hardly meant, one sentence each
     * @throws OperatorException {@link Kind#NO_INPUT} if it cannot be read, {@link Kind#BAD_CONFIG} with a line for
     *     each problem if it is wrong
     */
    public static DaemonConfig read(
            Path file, UnderlayMtu underlayMtu, UnderlayAddress underlayAddress, Consumer<String> warnings) {
        return parse(file.toString(), contents(file), underlayMtu, underlayAddress, warnings);
    }

    private static String contents(Path file) {
        try {
            return LimitedFile.text(file, MAX_BYTES);
        } catch (OperatorException e) {
            throw new OperatorException(Kind.BAD_CONFIG, e.getMessage(), e);
        } catch (NoSuchFileException e) {
            throw new OperatorException(Kind.NO_INPUT, "configuration file " + file + " does not exist", e);
        } catch (CharacterCodingException e) {
            throw new OperatorException(Kind.BAD_CONFIG, file + ":1: is not text in UTF-8", e);
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.NO_INPUT, "configuration file " + file + " cannot be read: " + reason(e), e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
    }

    /** As {@link #read}, of text. */
    public static DaemonConfig parse(
            String name,
            String text,
            UnderlayMtu underlayMtu,
            UnderlayAddress underlayAddress,
            Consumer<String> warnings) {
        List<String> found = new ArrayList<>();
        ConfigFile file = new ConfigFile(name, underlayMtu, underlayAddress, found::add);
        DaemonConfig config = file.compose(name, text).map(file::daemon).orElseGet(ConfigFile::none);
        file.problems.throwIfAny();
        found.forEach(warnings);
        return config;
    }

    private Optional<Node> compose(String name, String text) {
        try {
            return YamlDocument.nodes(name, text, MAX_NODES);
        } catch (OperatorException e) {
            throw new OperatorException(Kind.BAD_CONFIG, e.getMessage(), e);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            problems.at(line, "", "is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problems.at(
                    1, "", "is not YAML: " + e.getMessage().lines().findFirst().orElse(""));
        }
        return Optional.empty();
    }

    private DaemonConfig daemon(Node root) {
        YamlMapping top = YamlMapping.of(root, "", problems);
        if (top == null) {
            return none();
        }
        top.refuseUnknown(KEYS);
        Threading threading = top.read("threading", Threading.SHARED, ConfigFile::threading);
        int workers = top.read("workers", 1, text -> Values.integer(text, 1, MAX_WORKERS));
        int busyPoll = top.read("busy-poll", 0, text -> Values.integer(text, 0, MAX_BUSY_POLL_MICROS));
        String metrics = top.read("metrics", null, Values::hostAndPort);
        YamlMapping underlay = top.mapping("underlay");
        if (underlay != null) {
            underlay.refuseUnknown(VtepSection.UNDERLAY_KEYS);
        }
        List<VtepEntries> vteps = vteps(top, underlay);
        YamlMapping section = top.mapping("cell");
        if (vteps.isEmpty() && section == null && underlay != null) {
            checkUnderlayAlone(underlay);
        }
        CellConfig cell = section == null ? null : cell(section, underlay, vteps);
        return new DaemonConfig(
                new EngineConfig(threading, workers, busyPoll), metrics, vteps, cell, policy(top, cell, vteps));
    }

    private static Threading threading(String text) {
        return switch (text) {
            case "shared" -> Threading.SHARED;
            case "dedicated" -> Threading.DEDICATED;
            default -> throw new IllegalArgumentException("\"" + text + "\" is not shared or dedicated");
        };
    }

    private List<VtepEntries> vteps(YamlMapping top, YamlMapping underlay) {
        List<VtepEntries> vteps = new ArrayList<>();
        List<VtepConfig> configs = new ArrayList<>();
        for (YamlMapping section : top.mappings("vteps")) {
            VtepEntries entries = new VtepSection(section, underlay).read(underlayMtu, warnings);
            if (entries != null) {
                refuseOverlap(section, entries.vtep(), configs);
                configs.add(entries.vtep());
                vteps.add(entries);
            }
        }
        return vteps;
    }

    private CellConfig cell(YamlMapping cell, YamlMapping underlay, List<VtepEntries> vteps) {
        List<VtepConfig> others = vteps.stream().map(VtepEntries::vtep).toList();
        return new CellSection(cell, underlay).read(others, underlayMtu, underlayAddress, warnings);
    }

    /** What is wrong with VTEPs or a cell is no fault of policies' too. */
    private PolicyConfig policy(YamlMapping top, CellConfig cell, List<VtepEntries> vteps) {
        YamlMapping policy = top.mapping("policy");
        List<VtepConfig> all = vteps.stream().map(VtepEntries::vtep).toList();
        return policy == null ? null : new PolicySection(policy, cell, all).read(warnings);
    }

    private static void refuseOverlap(YamlMapping section, VtepConfig vtep, List<VtepConfig> others) {
        if (others.stream().anyMatch(other -> other.name().equals(vtep.name()))) {
            section.problem("name", "a VTEP " + vtep.name() + " exists already: give this one another name");
            return;
        }
        String overlap = VtepOverlap.find(vtep, others);
        if (overlap != null) {
            section.problem(section.has("id") ? "id" : "vni", overlap);
        }
    }

    /** Without VTEPs and a cell nobody else reads it. */
    private static void checkUnderlayAlone(YamlMapping underlay) {
        underlay.read("local", null, VtepAttributes::local);
        underlay.read("dev", null, Values::deviceName);
        underlay.read("port", null, Values::port);
        underlay.read("dstport", null, Values::port);
    }
}
