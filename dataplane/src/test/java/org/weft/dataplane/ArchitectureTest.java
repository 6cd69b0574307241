package org.weft.dataplane;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.codeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.ref.Reference;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/** The dependency directions that the package documentation promises. */
@AnalyzeClasses(packages = "org.weft", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String IO = "org.weft.dataplane.io";
    private static final String LINUX = "org.weft.dataplane.io.linux";
    private static final String TABLE = "org.weft.dataplane.table";
    private static final String COUNTERS = "org.weft.dataplane.counters";
    private static final String CAPTURE = "org.weft.dataplane.capture";
    private static final String VTEP = "org.weft.dataplane.vtep";
    private static final String POLICY = "org.weft.dataplane.policy";
    private static final String AGENT = "org.weft.dataplane.agent";
    private static final String WATCHDOG = "org.weft.dataplane.watchdog";
    private static final String DATAPLANE = "org.weft.dataplane..";
    private static final String CONTROL = "org.weft.control..";
    private static final String CLI = "org.weft.cli..";

    /** The houses from the ground up; each may use the ones before it. */
    private static final List<String> HOUSES = List.of(
            "org.weft.encap..",
            "org.weft.operator..",
            "org.weft.text..",
            DATAPLANE,
            "org.weft.file..",
            "org.weft.config..",
            "org.weft.silk..",
            CONTROL,
            CLI,
            "org.weft.daemon..");

    private static final int MAX_PARAMETERS = 6;

    /** Records that hold a whole document or status, and others that have no objects for their arguments yet. */
    private static final List<String> LONG_SIGNATURES = List.of(
            "AppPolicy",
            "CellConfig",
            "CellStatus",
            "Document",
            "Enforcement",
            "Etcd",
            "Explanation",
            "LinkState",
            "PolicyConfig",
            "PolicyStatus",
            "RuleEntry",
            "SilkClientConfig",
            "Totals",
            // Not records:
            "Cell",
            "IcmpUnreachable",
            "OwnLease");

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("org.weft.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule systemCallsGoThroughOneDoor = noClasses()
            .that()
            .resideOutsideOfPackage(LINUX)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jnr..");

    /**
     * {@link org.weft.dataplane.io.linux} keeps the memory of a call reachable until it returns, in
     * one place. Other classes write addresses into structures, and keep the memory behind them.
     */
    @ArchTest
    static final ArchRule memoryGoesToTheKernelAsABuffer = noClasses()
            .that(resideInAPackage(LINUX)
                    .and(not(namedOneOf(
                            "LibC",
                            "MessageVector",
                            "LinuxUnderlay",
                            "SuperFrameSender",
                            "SocketOptions",
                            "RedirectProgram",
                            "OffloadCheck",
                            "TunnelCheck"))))
            .should()
            .callMethod(UnsafeBuffer.class, "addressOffset");

    /**
     * A replaced table may lose its memory as soon as nothing refers to it. So each method that
     * others call refers to it after the last access.
     */
    @ArchTest
    static final ArchRule memoryOfTablesStaysUntilItIsRead = methods()
            .that()
            .areDeclaredInClassesThat(resideInAPackage(TABLE))
            .and()
            .areNotPrivate()
            .and(readOffTheHeap())
            .should(callReachabilityFence());

    @ArchTest
    static final ArchRule nettyStaysWithSocketsAndControl = noClasses()
            .that()
            .resideOutsideOfPackages(LINUX, CONTROL)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.netty..");

    @ArchTest
    static final ArchRule agentsSeeNoOperatingSystemAndNoLog = noClasses()
            .that()
            .resideInAnyPackage(AGENT, TABLE, COUNTERS, CAPTURE, "org.weft.encap..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(LINUX, "org.slf4j..", "java.net.http..", "java.nio.channels..");

    @ArchTest
    static final ArchRule encapKnowsNothingAboveIt = noClasses()
            .that()
            .resideInAPackage("org.weft.encap..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.weft.dataplane..");

    @ArchTest
    static final ArchRule interfacesKnowNothingOfOurs = onlyUse(IO);

    @ArchTest
    static final ArchRule tablesKnowOnlyAddresses = onlyUse(TABLE);

    @ArchTest
    static final ArchRule linuxImplementsTheInterfaces = onlyUse(LINUX, IO, WATCHDOG);

    @ArchTest
    static final ArchRule agentsUseWhatLiesBelow = onlyUse(AGENT, IO, TABLE, COUNTERS, CAPTURE, POLICY, VTEP);

    @ArchTest
    static void housesUseOnlyWhatLiesBelowThem(JavaClasses classes) {
        for (int i = 0; i < HOUSES.size() - 1; i++) {
            String[] above = HOUSES.subList(i + 1, HOUSES.size()).toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage(HOUSES.get(i))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(above)
                    .check(classes);
        }
    }

    @ArchTest
    static final ArchRule everyClassIsInAHouse =
            classes().that().resideInAPackage("org.weft..").should().resideInAnyPackage(HOUSES.toArray(String[]::new));

    /** A call of the client is short, so it must not load what only the daemon needs. */
    @ArchTest
    static final ArchRule theClientIsLight = noClasses()
            .that()
            .resideInAPackage(CLI)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.netty..", "jnr..", "org.slf4j..", "org.weft.silk..", CONTROL, LINUX);

    @ArchTest
    static final ArchRule onlyTheEnginePutsAgentsTogether = noClasses()
            .that()
            .resideOutsideOfPackage(DATAPLANE)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(AGENT);

    /** More arguments than these want to be an object. Other records with many components stay as they are. */
    @ArchTest
    static final ArchRule parametersAreFew = codeUnits()
            .that()
            .areDeclaredInClassesThat(
                    resideOutsideOfPackage(LINUX).and(not(namedOneOf(LONG_SIGNATURES.toArray(String[]::new)))))
            .and(describe(
                    "are written in the source", unit -> !unit.getModifiers().contains(JavaModifier.SYNTHETIC)))
            .should(ArchCondition.from(describe("have at most " + MAX_PARAMETERS + " parameters", unit -> {
                List<JavaClass> types = unit.getRawParameterTypes();
                // The compiler gives the constructor of a constant its name and ordinal.
                int hidden = unit instanceof JavaConstructor && unit.getOwner().isEnum() ? 2 : 0;
                return types.size() - hidden <= MAX_PARAMETERS;
            })));

    private static DescribedPredicate<JavaMethod> readOffTheHeap() {
        return describe("access an UnsafeBuffer", method -> method.getMethodCallsFromSelf().stream()
                .anyMatch(call -> call.getTargetOwner().isEquivalentTo(UnsafeBuffer.class)));
    }

    private static ArchCondition<JavaMethod> callReachabilityFence() {
        return ArchCondition.from(
                describe("call Reference.reachabilityFence", method -> method.getMethodCallsFromSelf().stream()
                        .anyMatch(call -> call.getTargetOwner().isEquivalentTo(Reference.class)
                                && call.getName().equals("reachabilityFence"))));
    }

    private static DescribedPredicate<JavaClass> namedOneOf(String... names) {
        return describe(
                "named " + String.join(", ", names), type -> List.of(names).contains(type.getSimpleName()));
    }

    private static ArchRule onlyUse(String subject, String... below) {
        String[] allowed = new String[below.length + 2];
        System.arraycopy(below, 0, allowed, 0, below.length);
        allowed[below.length] = subject;
        allowed[below.length + 1] = "org.weft.encap..";
        return classes()
                .that()
                .resideInAPackage(subject)
                .should()
                .onlyDependOnClassesThat(not(resideInAPackage("org.weft..")).or(resideInAnyPackage(allowed)));
    }
}
