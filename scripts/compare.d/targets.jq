# Targets, judged from the medians of a comparison. A target is an object: the figure, the
# requirement, the value, the medians behind it, and whether the run met it. If the run lacks the
# figures, the target is missing.
include "figures";

def named($figures; $title): $figures[] | select(.title == $title);

# Peers from --peer: the references that Weft must reach.
def extras: peers - ["kernel", "ovs", "weft"] | map(select(startswith("weft") | not));

def side: if . == "kernel" then . else peer_name end;

def tcp($name; $wire; $cc): figure("\($name | tcp_name), \($wire), \($cc)"; "Gb/s"; "gbps"; $name; $wire; $cc; true);

def of($peer; $figure): .samples | result($peer; $figure);

def check($what; $asked; $value; $medians; $met):
  {what: $what, asked: $asked, value: $value, medians: $medians, missing: ($value == null), met: $met};

def at_least($what; $of; $to; $bound; $rival; $unit):
  ratio($of; $to) as $ratio
  | check($what; "≥ \($bound) × \($rival)"; $ratio; "\($of | short) / \($to | short) \($unit)"; $ratio >= $bound);

def at_most($what; $of; $to; $bound; $rival; $unit):
  ratio($of; $to) as $ratio
  | check($what; "≤ \($bound) × \($rival)"; $ratio; "\($of | short) / \($to | short) \($unit)"; $ratio <= $bound);

# Weft against each of [[rival, bound], ...].
def faster($figure; $bounds):
  $bounds[] as [$rival, $bound]
  | at_least($figure.title; of("weft"; $figure); of($rival; $figure); $bound; $rival | side; $figure.unit);

# The figures of both peers, with their ratio.
def ratios($peer; $rival; $figures):
  [$figures[] as $figure | {title: $figure.title, of: of($peer; $figure), to: of($rival; $figure)}
    | .ratio = ratio(.of; .to) | select(.ratio != null)];

def worst_of($what; $ratios; $bound; $rival):
  ($ratios | min_by(.ratio)) as $worst
  | at_least("\($what)\(if $worst then "; worst: \($worst.title)" else "" end)"; $worst.of; $worst.to; $bound; $rival; "Gb/s");

# $name is the peer's name in the target.
def reference_targets($extra; $name):
  throughput_figures as $figures
  | ($figures[] as $figure
      | at_least($figure.title; of("weft"; $figure); of($extra; $figure); 0.95; $name; $figure.unit)),
    worst_of("every TCP figure"; ratios("weft"; $extra; $figures); 0.95; $name);

def pair_targets($extra; $name):
  .samples as $samples
  | .environment.options as $options
  | $options.wires[] as $wire | $options.controls[] as $cc
  | def between($from; $to): $samples | flow_numbers($from; $to; "gbps"; $wire; $cc) | median;
    at_least("kernel → Weft, TCP 1 stream, \($wire), \($cc)"; between("kernel"; "weft"); between("kernel"; $extra); 0.9;
      "kernel → \($name)"; "Gb/s"),
    at_least("Weft → kernel, TCP 1 stream, \($wire), \($cc)"; between("weft"; "kernel"); between($extra; "kernel"); 0.9;
      "\($name) → kernel"; "Gb/s");

def targets:
  . as $all
  | .environment.options as $options
  | extras as $extras
  | [named(other_figures; "64-byte UDP received", "ping-pong p50, idle", "idle CPU, one host", "resident memory, one host")]
    as [$udp, $pingpong, $idle, $memory]
  | of("weft"; $idle) as $percent
  | of("weft"; $memory) as $megabytes
  | def name: if $extras | length > 1 then "reference \(.)" else "reference" end;
    faster(tcp("tcp1"; "veth"; "bbr"); [["kernel", 0.85], ["ovs", 12]]),
    faster(tcp("tcp1"; "veth"; "cubic"); [["kernel", 0.38]]),
    ($options.controls[] as $cc | faster(tcp("tcp4"; "veth"; $cc); [["kernel", 0.32], ["ovs", 12]])),
    ($options.controls[] as $cc | faster(tcp("tcp1"; "wire"; $cc); [["kernel", 0.7], ["ovs", 4]])),
    ($extras[] as $extra | reference_targets($extra; $extra | name)),
    faster($udp; [["kernel", 1.35], ["ovs", 2.5]]),
    at_most($pingpong.title; of("weft"; $pingpong); of("kernel"; $pingpong); 1.3; "kernel"; "µs"),
    at_most("\($pingpong.title), busy-poll 50"; of("weft+poll"; $pingpong); of("kernel"; $pingpong); 1; "kernel"; "µs"),
    check($idle.title; "< 0.3 % of a core"; $percent; ""; $percent < 0.3),
    check($memory.title; "≤ 120 MB"; $megabytes; ""; $megabytes <= 120),
    ($extras[] as $extra | pair_targets($extra; $extra | name)),
    (variants | to_entries[] | .key as $variant | .value as $of
      | worst_of("every TCP figure, \($of.holds)"; $all | ratios($variant; "weft"; throughput_figures); $of.bound; $of.few),
        at_least("\($udp.title), \($of.holds)"; $all | of($variant; $udp); $all | of("weft"; $udp); $of.bound; $of.few; $udp.unit));
