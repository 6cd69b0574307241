package org.weft.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.ScopeType;

/** {@code weft cell}: containers on the overlay. */
@Command(
        name = "cell",
        description = "%nContainers on the overlay: network namespaces with an address of this host's subnet.%n",
        synopsisHeading = "Usage: ",
        customSynopsis = {
            "weft [-j] cell attach NETNS [--ip IP] [--ifname NAME]",
            "       weft cell detach NETNS [--ifname NAME]",
            "       weft [-j] cell [show]",
            "",
            "NETNS is a name that 'ip netns' knows, or the path of a network namespace's file."
        },
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "Examples:",
            "  weft cell attach app1",
            "  weft cell attach /run/netns/app2 --ip 10.255.126.3",
            "  weft cell detach app1"
        })
final class CellCommand implements Callable<Integer> {
    private static final String TARGET = "/v1/cell";

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "This text.")
    private boolean help;

    @ParentCommand
    private WeftCommand weft;

    @Override
    public Integer call() {
        return show();
    }

    @Command(
            name = "attach",
            synopsisHeading = "Usage: ",
            customSynopsis = "weft [-j] cell attach NETNS [--ip IP] [--ifname NAME]",
            description = "%nGives a network namespace an address and a veth pair; again, repairs what is missing.%n")
    int attach(
            @Parameters(paramLabel = "NETNS", description = "Name or path of a network namespace.") String netns,
            @Option(names = "--ip", paramLabel = "IP", description = "Address to give it; else any that is free.")
                    String ip,
            @Option(
                            names = "--ifname",
                            paramLabel = "NAME",
                            defaultValue = "eth0",
                            description = "Name of the interface in it; default: eth0.")
                    String ifname) {
        JsonObject request = request("attach", netns, ifname);
        if (ip != null) {
            request.addProperty("address", ip);
        }
        print(post(request));
        return 0;
    }

    @Command(
            name = "detach",
            synopsisHeading = "Usage: ",
            customSynopsis = "weft cell detach NETNS [--ifname NAME]",
            description = "%nTakes address and veth pair away, whether the namespace is still there or not.%n")
    int detach(
            @Parameters(paramLabel = "NETNS", description = "Name or path of a network namespace.") String netns,
            @Option(
                            names = "--ifname",
                            paramLabel = "NAME",
                            defaultValue = "eth0",
                            description = "Name of the interface in it; default: eth0.")
                    String ifname) {
        post(request("detach", netns, ifname));
        return 0;
    }

    @Command(
            name = "show",
            synopsisHeading = "Usage: ",
            customSynopsis = "weft [-j] cell [show]",
            description = {
                "%nEach container's address and both ends of its veth pair. On standard error: why nothing keeps them",
                "from forging sources and tags, if so.%n"
            })
    int show() {
        Session session = weft.session();
        JsonElement cell = session.client().read(session.client().get(TARGET), TARGET);
        if (session.json()) {
            weft.out().println(cell);
        } else {
            String trouble = Printer.text(Printer.object(cell.getAsJsonObject(), "guard"), "trouble");
            if (trouble != null) {
                weft.err().println("weft: " + trouble);
            }
            cell.getAsJsonObject().getAsJsonArray("containers").forEach(this::print);
        }
        return 0;
    }

    private static JsonObject request(String action, String netns, String ifname) {
        JsonObject request = new JsonObject();
        request.addProperty("action", action);
        request.addProperty("netns", netns);
        request.addProperty("ifname", ifname);
        return request;
    }

    private JsonElement post(JsonObject request) {
        return weft.session().client().post(TARGET, request);
    }

    private void print(JsonElement container) {
        weft.out().println(weft.session().json() ? container : line(container.getAsJsonObject()));
    }

    /** The address first, so that {@code read} in a shell takes it off. */
    static String line(JsonObject container) {
        String network = Printer.text(container, "network");
        String netns = Printer.text(container, "netns");
        return Printer.text(container, "address") + " dev " + Printer.text(container, "veth") + " lladdr "
                + Printer.text(container, "veth_mac") + " peer " + Printer.text(container, "ifname") + " lladdr "
                + Printer.text(container, "mac") + " mtu " + Printer.number(container, "mtu") + " netns "
                + (netns.isEmpty() ? "unknown" : netns)
                + (container.has("found") ? " found" : "")
                + (network.isEmpty() ? "" : " network " + network + " id " + Printer.text(container, "id"));
    }
}
