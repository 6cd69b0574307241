# The markdown of a comparison; $name is that of the chart beside it.
include "figures";

def row: "| " + join(" | ") + " |";

def rule: "|---|" + ("---:|" * (length - 1));

def extras: peers - ["kernel", "ovs", "weft"] | map(select(startswith("weft") | not));

# What Weft is compared with.
def rivals: peers as $peers | (["kernel", "ovs"] | map(select(. as $peer | $peers | index($peer)))) + extras;

def short_name: {kernel: "kernel", ovs: "OVS"}[.] // .;

# Bold where Weft is behind.
def verdict($ratio; $more):
  if $ratio == null then "–"
  elif (if $more then $ratio < 1 else $ratio > 1 end) then "**\($ratio | short)**"
  else $ratio | short
  end;

def ratio_cell($figure; $rival):
  if $figure.key == "retransmits" or $figure.key == "cpuPercent" then "–"
  else verdict(ratio(.samples | result("weft"; $figure); .samples | result($rival; $figure)); $figure.more)
  end;

def figure_row($figure):
  . as $all
  | [$figure.title + (if $figure.unit == "" then "" else " [\($figure.unit)]" end)]
    + (peers | map(. as $peer | $all.samples | result($peer; $figure)
        | if . == null and $peer == "kernel" and ($figure.key | IN("vtepCpu", "residentMB", "cpuPercent"))
          then "in kernel" else short end))
    + (if peers | index("weft") then rivals | map(. as $rival | $all | ratio_cell($figure; $rival)) else [] end)
  | row;

def figure_table($figures):
  ([""] + (peers | map(peer_name))
    + (if peers | index("weft") then rivals | map("Weft / \(short_name)") else [] end)) as $head
  | ($head | row), ($head | rule), ($figures[] as $figure | figure_row($figure));

# --- targets ---

def check($what; $asked; $value; $met):
  {what: $what, asked: $asked, value: $value, verdict: (if $met == null then "not measured" elif $met then "met" else "**missed**" end)};

def at_least($what; $ratio; $bound; $unit):
  check($what; "≥ \($bound) × \($unit)"; $ratio | short; if $ratio == null then null else $ratio >= $bound end);

def at_most($what; $value; $bound; $unit):
  check($what; "≤ \($bound) \($unit)"; $value | short; if $value == null then null else $value <= $bound end);

def against($peer; $rival; $figure): ratio(.samples | result($peer; $figure); .samples | result($rival; $figure));

def tcp($name; $wire; $cc): figure("\($name | tcp_name), \($wire), \($cc)"; ""; "gbps"; $name; $wire; $cc; true);

def tcp_target($name; $wire; $cc; $kernel; $ovs):
  tcp($name; $wire; $cc) as $figure
  | at_least($figure.title; against("weft"; "kernel"; $figure); $kernel; "kernel"),
    (if $ovs == null then empty else at_least($figure.title; against("weft"; "ovs"; $figure); $ovs; "Open vSwitch") end);

def named($figures; $title): $figures[] | select(.title == $title);

def worst_against($rival):
  . as $all
  | [throughput_figures[] | {title: .title, ratio: (. as $figure | $all | against("weft"; $rival; $figure))} | select(.ratio != null)]
  | min_by(.ratio);

def pair_target($extra; $measurement; $what):
  .environment.options as $options
  | tcp($measurement; $options.wires[0]; $options.controls[0]) as $figure
  | at_least("\($what), TCP 1 stream, \($options.controls[0])"; against("kernel/weft"; "kernel/\($extra)"; $figure); 0.9; $extra);

def targets:
  .environment.options as $options
  | other_figures as $other
  | named($other; "64-byte UDP received") as $udp
  | named($other; "ping-pong p50, idle") as $pingpong
  | tcp_target("tcp1"; "veth"; "bbr"; 0.85; 12),
    tcp_target("tcp1"; "veth"; "cubic"; 0.38; null),
    ($options.controls[] as $cc | tcp_target("tcp4"; "veth"; $cc; 0.32; 12)),
    ($options.controls[] as $cc | tcp_target("tcp1"; "wire"; $cc; 0.7; 4)),
    (extras[] as $extra | worst_against($extra) as $worst
      | at_least("every TCP figure; worst: \($worst.title // "–")"; $worst.ratio; 0.95; $extra)),
    at_least($udp.title; against("weft"; "kernel"; $udp); 1.35; "kernel"),
    at_least($udp.title; against("weft"; "ovs"; $udp); 2.5; "Open vSwitch"),
    at_most($pingpong.title; against("weft"; "kernel"; $pingpong); 1.3; "× kernel"),
    at_most("\($pingpong.title), busy-poll 50"; against("weft+poll"; "kernel"; $pingpong); 1; "× kernel"),
    (named($other; "idle CPU, one host") as $idle | at_most($idle.title; .samples | result("weft"; $idle); 0.3; "% of a core")),
    (named($other; "resident memory, one host") as $memory | at_most($memory.title; .samples | result("weft"; $memory); 120; "MB")),
    (extras[] as $extra | pair_target($extra; "tcp1"; "kernel → Weft"), pair_target($extra; "reverse"; "Weft → kernel"));

def target_table:
  "| figure | target | measured | |", "|---|---|---:|---|", (targets | [.what, .asked, .value, .verdict] | row);

# --- the rest ---

def side: {kernel: "kernel", ovs: "Open vSwitch", weft: "Weft"}[.] // .;

def pair_table:
  . as $all
  | "| from → to | wire | congestion control | Gb/s | retransmits |", "|---|---|---|---:|---:|",
    (pairs[] as $pair | .environment.options.wires[] as $wire | .environment.options.controls[] as $cc | ("tcp1", "reverse") as $way
      | ($pair / "/" | map(side) | if $way == "reverse" then reverse else . end) as $ends
      | tcp($way; $wire; $cc) as $figure
      | [$ends | join(" → ")] + [$wire, $cc, ($all.samples | result($pair; $figure) | short),
          ($all.samples | result($pair; $figure + {key: "retransmits"}) | short)]
      | row);

# Without those that only follow from a VTEP that did not start.
def failures:
  .samples | map(select(.error and .error != "the VTEP did not start")) | group_by([.peer, .wire, .measurement, .cc, .error])[]
  | (.[0] | [.peer, .measurement, .cc // empty, .wire] | join(", ")) as $what
  | "- \($what)\(if length > 1 then " (\(length) times)" else "" end): \(.[0].error)";

def conditions:
  .environment
  | "\(.kernel), \(.cores) × \(.cpu), \(.jdk); iperf3 \(.iperf3), sockperf \(.sockperf), Open vSwitch \(.["open vswitch"]); "
    + "commit \(.commit); \(.options.rounds) round\(if .options.rounds > 1 then "s" else "" end) of \(.options.seconds) s a measurement.";

def loads: .samples | map(.load) | "\(min | short) to \(max | short), median \(median | short)";

"# Comparison of \(.environment.date)",
"",
"![the chart](\($name).png)",
"",
conditions,
"",
"Two hosts and a container on each, in network namespaces of one machine: sender, receiver and both VTEPs share its cores. The peers take",
"turns in every round; what stands here are medians, the chart has the ranges and the JSON every sample.",
"`veth`: packets cross as the sender makes them, up to 64 KB; `wire`: cut to the MTU before they leave, as on a plain NIC.",
"Each turn starts the VTEPs anew and warms them up with \(.environment.options.seconds) s of TCP both ways that are not measured.",
"Ping-pong is half a round trip over TCP. UDP counts what the receiving program has read. Load average before the samples: \(loads).",
"",
"## Figures",
"",
"Bold: Weft is behind.",
"",
figure_table(throughput_figures + other_figures),
"",
"## Targets",
"",
target_table,
"",
"Not judged by this run: nothing allocated per packet (a test), and tables with a million entries (`scripts/bench`).",
"",
"## Costs",
"",
"CPU seconds per GB received: of the VTEP's processes on both hosts, and of the whole machine with sender, receiver and whatever else ran.",
"The kernel's VXLAN has no process; compare it by the whole machine.",
"",
(figure_table(cost_figures)),
(if pairs | length > 0 then "", "## Mixed pairs", "", pair_table else empty end),
(if [.samples[] | select(.error)] | length > 0 then "", "## Failed measurements", "", failures else empty end)
