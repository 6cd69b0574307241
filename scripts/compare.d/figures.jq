# Makes figures, medians and ratios from the samples of scripts/compare. Table and chart import this
# file.

def median: sort | if length == 0 then null else (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2 end;

# Three significant digits.
def short:
  if . == null then "–"
  elif . == 0 then "0"
  else
    (fabs | if . >= 100 then 0 elif . >= 10 then 1 elif . >= 1 then 2 else 3 end) as $digits
    | pow(10; $digits) as $scale | (. * $scale | round) / $scale | tostring
  end;

# Null unless the VTEPs are processes on both hosts.
def vtep_cpu:
  if .vtepCpuSeconds and (.vtepCpuSeconds | index(null) | not) and .gigabytes > 0
  then (.vtepCpuSeconds | add) / .gigabytes
  else null end;
def machine_cpu: if .gigabytes and .gigabytes > 0 then .machineCpuSeconds / .gigabytes else null end;

# The value of a figure in a sample, or null.
def value($key):
  if .error then null
  elif $key == "vtepCpu" then vtep_cpu
  elif $key == "machineCpu" then machine_cpu
  elif $key == "kpps" then .mpps | if . then . * 1000 else null end
  elif $key == "residentMB" or $key == "cpuPercent" then .[$key] | if . then max else null end
  else .[$key]
  end;

# The line of progress for a measurement.
def sentence:
  if .error then "FAILED: \(.error)"
  elif .gbps then "\(.gbps | short) Gb/s, \(.retransmits) retransmits"
  elif .mpps then "\(.mpps * 1000 | short)k datagrams/s received of \(.sentMpps * 1000 | short)k sent"
  elif .p50 then "p50 \(.p50 | short) us, p99 \(.p99 | short) us"
  elif .residentMB then "\(.residentMB | max | short) MB resident, \(.cpuPercent | max | short) % of a core"
  else
    "first packet after \(.seconds | short) s"
    + if .entries then ", \(.entries | map(select(. != null)) | join(" and ")) entries after \(.fillSeconds | short) s more" else "" end
  end;

# The samples from which a peer's figure is taken.
def samples_of($peer; $figure):
  map(select(.peer == $peer and .measurement == $figure.measurement
    and ($figure.wire == null or .wire == $figure.wire) and ($figure.cc == null or .cc == $figure.cc)));

def numbers($peer; $figure): samples_of($peer; $figure) | map(value($figure.key) | select(. != null));

def result($peer; $figure): numbers($peer; $figure) | median;

# The median of numbers, and their range if there is one.
def spread: if length > 0 and min < max then "\(median | short) (\(min | short)–\(max | short))" else median | short end;

# Traffic from one peer to another in TCP 1 stream: forward in A/B, reverse in B/A.
def flow_numbers($from; $to; $key; $wire; $cc):
  map(select(.wire == $wire and .cc == $cc
      and ((.peer == "\($from)/\($to)" and .measurement == "tcp1") or (.peer == "\($to)/\($from)" and .measurement == "reverse")))
    | value($key) | select(. != null));

def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;

# A figure: its source, its name, and whether more is better.
def figure($title; $unit; $key; $measurement; $wire; $cc; $more):
  {title: $title, unit: $unit, key: $key, measurement: $measurement, wire: $wire, cc: $cc, more: $more};

def tcp_name: {tcp1: "TCP 1 stream", tcp4: "TCP 4 streams", reverse: "TCP reverse"}[.];

def tcp_figures($key; $unit; $more; names):
  .environment.options as $options
  | [$options.wires[] as $wire | $options.controls[] as $cc | names as $name
    | figure("\($name | tcp_name), \($wire), \($cc)"; $unit; $key; $name; $wire; $cc; $more)];

def throughput_figures: tcp_figures("gbps"; "Gb/s"; true; "tcp1", "tcp4", "reverse");

# Figures that do not depend on wire and congestion control.
def other_figures: [
  figure("64-byte UDP received"; "1000/s"; "kpps"; "udp"; null; null; true),
  figure("ping-pong p50, idle"; "µs"; "p50"; "pingpong"; null; null; false),
  figure("ping-pong p99, idle"; "µs"; "p99"; "pingpong"; null; null; false),
  figure("ping-pong p50, under load"; "µs"; "p50"; "loaded"; null; null; false),
  figure("ping-pong p99, under load"; "µs"; "p99"; "loaded"; null; null; false),
  figure("first packet after start"; "s"; "seconds"; "start"; null; null; false),
  figure("resident memory, one host"; "MB"; "residentMB"; "idle"; null; null; false),
  figure("idle CPU, one host"; "% of a core"; "cpuPercent"; "idle"; null; null; false)
];

def cost_figures:
  (tcp_figures("vtepCpu"; "s/GB"; false; "tcp1", "tcp4") | map(.title = "VTEPs: \(.title)"))
  + (tcp_figures("machineCpu"; "s/GB"; false; "tcp1", "tcp4") | map(.title = "machine: \(.title)"))
  + (tcp_figures("retransmits"; ""; false; "tcp1", "tcp4", "reverse") | map(.title = "retransmits: \(.title)"));

# Variants of Weft, which are only compared with Weft: the name, what its tables hold in addition,
# and the share of Weft's throughput that it must reach.
def variants: {
  "weft+fdb1m":
    {name: "Weft, full FDB", title: "A million forwarding entries", holds: "1,000,000 FDB entries", few: "few entries", bound: 0.95},
  "weft+policy":
    {name: "Weft, enforcing", title: "Enforcement", holds: "10,000 policies, 100,000 flows", few: "no policies", bound: 0.9}
};

def measured_variants:
  .environment.options.peers as $peers
  | if $peers | index("weft") then variants | to_entries | map(select(.key as $key | $peers | index($key))) else [] end;

# Peers that run on both hosts, and pairs of two peers.
def peers:
  (measured_variants | map(.key)) as $variants
  | .environment.options.peers | map(select(contains("/") | not)) - $variants;
def pairs: .environment.options.peers | map(select(contains("/")));

def peer_name:
  {kernel: "kernel VXLAN", ovs: "Open vSwitch", weft: "Weft", "weft+poll": "Weft, busy-poll 50"}[.] // variants[.].name // .;
