# The chart of a comparison as SVG: a panel for each kind of figure, with a group of bars for each
# figure.
include "figures";

def width: 1000;
def margin: 20;
def gap: 16;
def bars_height: 120;
def panel_height: bars_height + 100;

def px: (. * 10 | round) / 10;

def bar_label:
  if . >= 10000 then "\(. / 1000 | round)k"
  elif . >= 100 then round
  elif . >= 10 then (. * 10 | round) / 10
  else (. * 100 | round) / 100
  end | tostring;

def text($x; $y; $attributes): "<text x=\"\($x | px)\" y=\"\($y | px)\" \($attributes)>\(@html)</text>";

def rect($x; $y; $w; $h; $attributes):
  "<rect x=\"\($x | px)\" y=\"\($y | px)\" width=\"\($w | px)\" height=\"\($h | px)\" \($attributes)/>";

def line($x1; $y1; $x2; $y2; $attributes):
  "<line x1=\"\($x1 | px)\" y1=\"\($y1 | px)\" x2=\"\($x2 | px)\" y2=\"\($y2 | px)\" \($attributes)/>";

def colour($peers):
  {kernel: "#8a94a3", ovs: "#d9a441", weft: "#0b6e8a", "weft+poll": "#6fb9cc"}[.]
  // (. as $peer | ["#8d6cab", "#b5655f", "#6d9a5b"][($peers | index($peer)) % 3]);

# --- what a panel shows ---

def panel($title; $groups; $shared): {title: $title, groups: $groups, shared: $shared};

def group($caption): {caption: $caption, figure: .};

def named($title): .[] | select(.title == $title);

def throughput_panels:
  .environment.options as $options | throughput_figures as $figures
  | $options.wires[] as $wire | $options.controls[] as $cc
  | [$figures[] | select(.wire == $wire and .cc == $cc)
      | group({tcp1: "1 stream", tcp4: "4 streams", reverse: "1 stream, reverse"}[.measurement])] as $groups
  | panel("TCP, Gb/s – \({veth: "veth, packets up to 64 KB", wire: "wire, packets cut to the MTU"}[$wire]), \($cc)"; $groups; true);

def other_panels:
  .environment.options as $options | other_figures as $other
  | [cost_figures[] | select(.key == "machineCpu" and .measurement == "tcp1" and .cc == $options.controls[0])
      | group(.wire)] as $costs
  | def latency($load): [$other | ("p50", "p99") as $key | named("ping-pong \($key), \($load)") | group($key)];
    panel("64-byte UDP received, 1000/s"; [$other | named("64-byte UDP received") | group("")]; true),
    panel("Ping-pong, idle, µs"; latency("idle"); false),
    panel("Ping-pong beside a TCP stream, µs"; latency("under load"); false),
    panel("Machine's CPU, TCP 1 stream, \($options.controls[0]), s/GB"; $costs; true),
    panel("First packet after start, s"; [$other | named("first packet after start") | group("")]; true),
    panel("Resident memory of a host's VTEP, MB"; [$other | named("resident memory, one host") | group("")]; true);

# --- drawing ---

def statistics($peers; $figure):
  .samples as $samples
  | $peers | map(. as $peer | ($samples | numbers($peer; $figure)) as $numbers
    | {peer: $peer, median: ($numbers | median), min: ($numbers | min), max: ($numbers | max),
       failed: ($numbers == [] and ($samples | samples_of($peer; $figure) | any(.error)))});

# The value at the top of a scale. A bar that is many times longer than all others is cut off.
def top: map(.max // empty) | sort
  | if length == 0 then 1 elif length > 1 and .[-1] > 5 * .[-2] then .[-2] * 1.5 else .[-1] end;

def bar($statistic; $x; $base; $bar; $top; $fill):
  ($x + $bar / 2) as $middle
  | def scaled: [. / $top, 1] | min * bars_height;
    if $statistic.median == null then
      (if $statistic.failed then "failed" elif $statistic.peer == "kernel" then "in kernel" else "" end)
      | text($middle; $base - 4;
          "font-size=\"9.5\" fill=\"#777\" transform=\"rotate(-90 \($middle | px) \($base - 4 | px))\" dy=\"3\"")
    else
      ($statistic.median | scaled) as $height | ($statistic.max | scaled) as $highest
      | rect($x + 1; $base - $height; $bar - 2; [$height, 1] | max; "fill=\"\($fill)\""),
        (if $statistic.median > $top then
          line($x - 1; $base - bars_height + 16; $x + $bar + 1; $base - bars_height + 8; "stroke=\"white\" stroke-width=\"3\"")
        elif $statistic.max > $statistic.min then
          line($middle; $base - ($statistic.min | scaled); $middle; $base - $highest; "stroke=\"#222\" stroke-opacity=\".55\"")
        else empty end),
        ($statistic.median | bar_label | text($middle; $base - $highest - 4; "font-size=\"10.5\" text-anchor=\"middle\" fill=\"#222\""))
    end;

# The line below a group: Weft's ratio to the kernel, or to Open vSwitch if the kernel has no such
# figure.
def standing($statistics; $more):
  def of($name): $statistics | map(select(.peer == $name)) | .[0].median;
  (if of("kernel") != null then {name: "kernel", value: of("kernel")}
    else {name: "Open vSwitch", value: of("ovs")} end) as $rival
  | ratio(of("weft"); $rival.value)
  | if . == null then null
    else {text: "\(short) × \($rival.name)", behind: (if $more then . < 1 else . > 1 end)}
    end;

def draw_group($group; $x; $base; $w; $peers; $statistics; $top):
  ([($w - 12) / ($peers | length), 44] | min) as $bar
  | ($x + ($w - $bar * ($peers | length)) / 2) as $left
  | line($x + 4; $base; $x + $w - 4; $base; "stroke=\"#999\""),
    (range($peers | length) as $i
      | bar($statistics[$i]; $left + $i * $bar; $base; $bar; $top; $peers[$i] | colour($peers))),
    ($group.caption | text($x + $w / 2; $base + 16; "font-size=\"11.5\" text-anchor=\"middle\" fill=\"#333\"")),
    (standing($statistics; $group.figure.more) | select(. != null) as $standing
      | $standing.text
      | text($x + $w / 2; $base + (if $group.caption == "" then 16 else 31 end);
          "font-size=\"11.5\" font-weight=\"bold\" text-anchor=\"middle\" fill=\"\(if $standing.behind then "#b3261e" else "#1d7a3a" end)\""));

def draw_panel($panel; $x; $y; $w):
  peers as $peers
  | ($panel.groups | length) as $count
  | . as $all
  | [$panel.groups[] as $group | $all | statistics($peers; $group.figure)] as $statistics
  | ($statistics | add | top) as $shared
  | rect($x; $y; $w; panel_height; "fill=\"#fafbfc\" stroke=\"#e1e4e8\" rx=\"4\""),
    ($panel.title | text($x + 10; $y + 20; "font-size=\"13\" font-weight=\"bold\" fill=\"#222\"")),
    (if $panel.groups[0].figure.more then "more is better" else "less is better" end
      | text($x + 10; $y + 34; "font-size=\"10.5\" fill=\"#777\"")),
    (range($count) as $i
      | draw_group($panel.groups[$i]; $x + 6 + $i * ($w - 12) / $count; $y + 58 + bars_height; ($w - 12) / $count; $peers;
          $statistics[$i]; if $panel.shared then $shared else $statistics[$i] | top end));

def draw_grid($panels; $columns; $y):
  ((width - 2 * margin - ($columns - 1) * gap) / $columns) as $w
  | range($panels | length) as $i
  | draw_panel($panels[$i]; margin + ($i % $columns) * ($w + gap); $y + ($i / $columns | floor) * (panel_height + gap); $w);

def grid_height($panels; $columns): (($panels | length) / $columns | ceil) * (panel_height + gap);

def legend($y):
  peers as $peers
  | reduce $peers[] as $peer ({x: margin, out: []};
      ($peer | peer_name) as $name
      | .out += [rect(.x; $y - 11; 13; 13; "fill=\"\($peer | colour($peers))\""),
          (.x as $x | $name | text($x + 19; $y; "font-size=\"13\" fill=\"#222\""))]
      | .x += 19 + 7.6 * ($name | length) + 22)
  | .out[];

def subtitle:
  .environment
  | "\(.kernel), \(.cores) × \(.cpu); two hosts and two containers in network namespaces share them. "
    + "Medians of \(.options.rounds) × \(.options.seconds) s";

[throughput_panels] as $throughput
| [other_panels] as $other
| 104 as $first
| (grid_height($throughput; 2)) as $upper
| ($first + $upper + grid_height($other; 3) + 14) as $height
| "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\($height)\""
    + " viewBox=\"0 0 \(width) \($height)\" font-family=\"DejaVu Sans, Verdana, sans-serif\">",
  rect(0; 0; width; $height; "fill=\"white\""),
  ("VXLAN endpoints compared, \(.environment.date)" | text(margin; 32; "font-size=\"20\" font-weight=\"bold\" fill=\"#111\"")),
  (subtitle | text(margin; 54; "font-size=\"12\" fill=\"#555\"")),
  legend(82),
  draw_grid($throughput; 2; $first),
  draw_grid($other; 3; $first + $upper),
  ("Lines: smallest and largest sample. Below the bars: Weft's ratio to its rival; green is ahead, red is behind. "
      + "A white cut: the bar is longer than drawn."
    | text(margin; $height - 10; "font-size=\"11\" fill=\"#555\"")),
  "</svg>"
