# The Markdown of a comparison. $name is the name of its chart. $findings is the name of a text
# about it, or empty.
include "figures";
include "targets";

def row: "| " + join(" | ") + " |";

def rule: "|---|" + ("---:|" * (length - 1));

# The peers that Weft is compared with.
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

def titled: .title + (if .unit == "" then "" else " [\(.unit)]" end);

# cell makes the content of a table cell from a peer's numbers.
def figure_row($figure; cell):
  . as $all
  | [$figure | titled]
    + (peers | map(. as $peer | $all.samples | numbers($peer; $figure)
        | if . == [] and $peer == "kernel" and ($figure.key | IN("vtepCpu", "residentMB", "cpuPercent"))
          then "in kernel" else cell end))
    + (if peers | index("weft") then rivals | map(. as $rival | $all | ratio_cell($figure; $rival)) else [] end)
  | row;

def figure_table($figures; cell):
  ([""] + (peers | map(peer_name))
    + (if peers | index("weft") then rivals | map("Weft / \(short_name)") else [] end)) as $head
  | ($head | row), ($head | rule), ($figures[] as $figure | figure_row($figure; cell));

def target_table($targets):
  "| figure | target | measured | medians | |", "|---|---|---:|---:|---|",
  ($targets[] | select(.missing | not)
    | [.what, .asked, (.value | short), .medians, (if .met then "met" else "**missed**" end)] | row);

# The targets that the run does not judge.
def not_judged($targets):
  ($targets | map(select(.missing) | "\(.what | sub(", TCP 1 stream, .*"; "")) \(.asked)") | unique)
    + (if extras == [] then ["everything against a reference (`--peer`)"] else [] end)
    + ["nothing allocated per packet (a test)", "time and bytes of a lookup among a million entries (`scripts/bench`)"]
  | "Not judged by this run: " + join("; ") + ".";

# --- variants of Weft ---

def variant_row($variant; $bound; $figure; judged):
  of("weft"; $figure) as $few | of($variant; $figure) as $many | ratio($many; $few) as $ratio
  | [$figure | titled] + (.samples | [numbers("weft"; $figure), numbers($variant; $figure)] | map(spread))
    + [($ratio | short), (if judged and $ratio != null then (if $ratio >= $bound then "met" else "**missed**" end) else "" end)]
  | row;

def mean($ratios):
  ["geometric mean of the TCP figures", "", "", ($ratios | map(.ratio | log) | add / length | exp | short), ""] | row;

# A sentence about the filled tables, if they were filled.
def filled($variant):
  .samples | map(select(.peer == $variant and .entries))
  | if . == [] then empty
    elif $variant == "weft+policy" then
      "Each host had 10,000 policies, and knew at least \(map(.entries[]) | min) flows with packets in both directions."
    else
      "Each host's table had \(map(.entries[] | select(. != null)) | min) entries, loaded through the control socket in "
      + "\(map(.fillSeconds) | median | short) s on both at once, after the first packet."
    end;

def variant_section($variant; $of):
  other_figures as $other
  | [named($other; "64-byte UDP received")] as $udp
  | ratios($variant; "weft"; throughput_figures) as $ratios
  | "",
    "## \($of.title)",
    "",
    (filled($variant) | ., ""),
    "| | Weft, \($of.few) | \($of.holds) | ratio | ≥ \($of.bound) × |", "|---|---:|---:|---:|---|",
    ((throughput_figures + $udp)[] as $figure | variant_row($variant; $of.bound; $figure; true)),
    (if $ratios == [] then empty else mean($ratios) end),
    (($other - $udp)[] | select(.measurement != "start")) as $figure | variant_row($variant; $of.bound; $figure; false);

# --- pairs ---

# Each sender and receiver of the pairs, once.
def flows: reduce (pairs[] / "/" | ., reverse) as $flow ([]; if index([$flow]) then . else . + [$flow] end);

def pair_row($from; $to; $wire; $cc):
  extras as $extras
  | .samples
  | def numbers_of($key): flow_numbers($from; $to; $key; $wire; $cc);
    def replaced($extra): if . == "weft" then $extra else . end;
    numbers_of("gbps") as $gbps
  | [([$from, $to] | map(side) | join(" → ")), $wire, $cc, ($gbps | spread), (numbers_of("retransmits") | median | short)]
    + [$extras[] as $extra
      | if $from == "weft" or $to == "weft"
        then flow_numbers($from | replaced($extra); $to | replaced($extra); "gbps"; $wire; $cc) as $others
          | verdict(ratio($gbps | median; $others | median); true)
        else "–" end]
  | row;

def pair_section:
  extras as $extras
  | "## Mixed pairs",
    "",
    "TCP 1 stream from one host's VTEP to the other's. The sender may be on either host.",
    (if $extras == [] then empty
      else "The ratio compares with the same pair with \($extras | join(" or ")) in Weft's place." end),
    "",
    (["from → to", "wire", "congestion control", "Gb/s", "retransmits"] + ($extras | map("Weft / \(.)")) | row),
    (["---", "---", "---", "---:", "---:"] + ($extras | map("---:")) | "|" + join("|") + "|"),
    (flows[] as [$from, $to] | .environment.options.wires[] as $wire | .environment.options.controls[] as $cc
      | pair_row($from; $to; $wire; $cc));

# --- the rest ---

# All failures except those that follow from a VTEP that did not start.
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
"Two hosts with a container each are in network namespaces of one machine. Sender, receiver and both VTEPs",
"share its cores. The peers take turns in every round. The figures are medians, with the smallest and the",
"largest sample in parentheses.",
"",
"- `veth`: packets cross as the sender makes them, up to 64 KB.",
"- `wire`: packets are cut to the MTU before they leave, as on a plain NIC.",
"- Each turn starts the VTEPs again, and warms them up with \(.environment.options.seconds) s of traffic of each kind that does not count.",
"- Ping-pong is half a round trip over TCP. UDP counts datagrams that the receiving program has read.",
"- Load average before the samples: \(loads).",
(extras | select(length > 0) | "- \(map("`\(.)`") | join(", ")): the reference, given by `--peer`."),
(if $findings == "" then empty else "", "[\($findings)](\($findings)) explains where the time goes and which optimisations were tried." end),
"",
"## Figures",
"",
"Bold: Weft is behind.",
"",
figure_table(throughput_figures + other_figures; spread),
"",
"## Targets",
"",
([targets] as $targets | target_table($targets), "", not_judged($targets)),
(measured_variants[] as $variant | variant_section($variant.key; $variant.value)),
(if pairs | length > 0 then "", pair_section else empty end),
"",
"## Costs",
"",
"CPU seconds per GB received, of the VTEP's processes on both hosts, and of the whole machine with sender and receiver.",
"The kernel's VXLAN has no process, so compare it by the whole machine.",
"",
figure_table(cost_figures; median | short),
(if [.samples[] | select(.error)] | length > 0 then "", "## Failed measurements", "", failures else empty end)
