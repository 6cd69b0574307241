# The measurements of scripts/compare, which sources this file. Each prints an object with its
# values, or with "error", the reason why it has none.

port=7777
target=${container[1]}
hertz=$(getconf CLK_TCK)

refusal() { # reason
  jq -cn --arg reason "$1" '{error: $reason}'
}

# Prints the time in microseconds.
now() {
  echo "${EPOCHREALTIME/./}"
}

# Waits until a condition holds, for at most the given time.
wait_for() { # seconds command...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || return 1
    sleep 0.02
  done
}

# Prints the CPU time of a host's VTEP processes in ticks. Prints null if there are none, because
# the kernel is the VTEP.
vtep_ticks() { # host
  local pid stat fields sum=0
  while read -r pid; do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    read -ra fields <<<"${stat##*) }"
    sum=$((sum + fields[11] + fields[12]))
  done <"$state/pids$1"
  if [[ -s $state/pids$1 ]]; then echo $sum; else echo null; fi
}

# Prints the CPU time of a host's VTEP processes in nanoseconds, as the scheduler counts it.
vtep_nanoseconds() { # host
  local pid
  while read -r pid; do
    cat "/proc/$pid/task/"*/schedstat 2>/dev/null || true
  done <"$state/pids$1" | awk '{sum += $1} END {printf "%.0f\n", sum}'
}

# Prints the present resident size of all of a host's VTEP processes, in kB.
vtep_resident() { # host
  local pid
  while read -r pid; do
    cat "/proc/$pid/status" 2>/dev/null || true
  done <"$state/pids$1" | awk '/^VmRSS/ {sum += $2} END {printf "%.0f\n", sum}'
}

# Prints the busy time of all processors together, in ticks.
machine_ticks() {
  awk '/^cpu / {print $2 + $3 + $4 + $7 + $8}' /proc/stat
}

# Fails, with the reason, if a process of a VTEP is gone.
check_vteps() {
  local i pid
  for i in 0 1; do
    while read -r pid; do
      [[ -n $(start_time "$pid") ]] || {
        refusal "the VTEP ended: $(vtep_failure)"
        return 1
      }
    done <"$state/pids$i"
  done
}

listens() { # tcp|udp port
  [[ -n $(ip netns exec "${apps[1]}" ss -Hnl "--$1" "sport = :$2") ]]
}

serve() { # tcp|udp port command...
  ip netns exec "${apps[1]}" "${@:3}" </dev/null >"$state/server" 2>&1 &
  server=$!
  wait_for 5 listens "$1" "$2" || {
    refusal "the server did not start: $(tail -n 1 "$state/server")"
    return 1
  }
}

# Fills the tables of both hosts at once. Prints their sizes and the time, or fails with the reason.
fill_vteps() {
  local i began filling=() entries=()
  began=$(now)
  for i in 0 1; do
    fill_vtep $i >"$state/fill$i" &
    filling[i]=$!
  done
  for i in 0 1; do
    wait "${filling[i]}" || {
      refusal "host $i: $(tail -n 1 "$state/fill$i")"
      return 1
    }
    entries[i]=$(<"$state/fill$i")
  done
  jq -cn --argjson entries "[${entries[0]}, ${entries[1]}]" --arg took $(($(now) - began)) \
    'if $entries == [null, null] then {} else {entries: $entries, fillSeconds: (($took | tonumber) / 1e6)} end'
}

measure_start() {
  local i began up first filled starting=()
  began=$(now)
  start_vteps
  for i in 0 1; do
    await_vtep $i || {
      refusal "silk-vtep of host $i did not come up; $(vtep_failure)"
      return
    }
  done
  up=$(now)
  # A ping ends early if Weft does not know the policies yet and refuses it.
  wait_for 20 ip netns exec "${apps[0]}" ping -q -n -c 1 -i 0.01 -w 20 "$target" >/dev/null || {
    refusal "no ping got an answer within 20 s; $(vtep_failure)"
    return
  }
  first=$(now)
  filled=$(fill_vteps) || {
    echo "$filled"
    return
  }
  jq -cn --arg up $((up - began)) --arg first $((first - began)) --argjson filled "$filled" \
    '{deviceSeconds: (($up | tonumber) / 1e6), seconds: (($first | tonumber) / 1e6)} + $filled'
}

# Sends traffic of each kind without measuring it, the same for every peer. Caches fill, tables
# learn, and a JVM compiles.
warm_up() {
  if serve tcp $port iperf3 -s -1 -p $port >/dev/null; then
    timeout $((seconds + 10)) ip netns exec "${apps[0]}" \
      iperf3 -c "$target" -p $port -t "$seconds" --bidir </dev/null >/dev/null 2>&1 || true
  fi
  end_all_in "${apps[@]}"
  if serve udp $port sockperf sr -i "$target" -p $port >/dev/null; then
    ip netns exec "${apps[0]}" \
      sockperf tp -i "$target" -p $port -m 64 -t $((seconds + 1)) </dev/null >/dev/null 2>&1 || true
  fi
  end_all_in "${apps[@]}"
}

measure_tcp() { # congestion-control iperf3-options...
  local cpu0 cpu1 machine status=0
  check_vteps || return 0
  serve tcp $port iperf3 -s -1 -p $port || return 0
  cpu0=$(vtep_ticks 0) cpu1=$(vtep_ticks 1) machine=$(machine_ticks)
  timeout $((seconds + 10)) ip netns exec "${apps[0]}" \
    iperf3 -J -c "$target" -p $port -t "$seconds" -C "$1" "${@:2}" >"$state/client" 2>&1 || status=$?
  if [[ $status == 124 ]]; then
    refusal "iperf3 did not end within $((seconds + 10)) s"
    return
  fi
  jq -c --arg cc "$1" --arg status "$status" --argjson hertz "$hertz" \
    --argjson before "[$cpu0, $cpu1, $machine]" --argjson after "[$(vtep_ticks 0), $(vtep_ticks 1), $(machine_ticks)]" '
    def seconds($i): if $before[$i] == null then null else ($after[$i] - $before[$i]) / $hertz end;
    if .error then {error: "iperf3: \(.error)"}
    elif $status != "0" then {error: "iperf3 ended with status \($status)"}
    elif .end.sender_tcp_congestion != $cc then {error: "congestion control was \(.end.sender_tcp_congestion)"}
    else {
      gbps: (.end.sum_received.bits_per_second / 1e9), retransmits: .end.sum_sent.retransmits,
      gigabytes: (.end.sum_received.bytes / 1e9), vtepCpuSeconds: [seconds(0), seconds(1)], machineCpuSeconds: seconds(2)
    } end' "$state/client" 2>/dev/null || refusal "iperf3: $(tail -n 1 "$state/client")"
}

measure_tcp1() { # name congestion-control
  measure_tcp "$2"
}

measure_tcp4() {
  measure_tcp "$2" -P 4
}

measure_reverse() {
  measure_tcp "$2" -R
}

# Prints a UDP counter of the namespace of a process.
udp_counter() { # pid name
  awk -v name="$2" '/^Udp:/ {
    for (i = 2; i <= NF; i++)
      if (column) { if (i == column) print $i }
      else if ($i == name) found = i
    column = found
  }' "/proc/$1/net/snmp"
}

has_received() { # pid datagrams
  (($(udp_counter "$1" InDatagrams) >= $2))
}

# Sends 64-byte datagrams as fast as one sender can. Counts those that the receiving program has
# read.
measure_udp() {
  local client began received sent elapsed
  check_vteps || return 0
  serve udp $port sockperf sr -i "$target" -p $port || return 0
  # The counters began when the namespace was made.
  received=$(udp_counter $server InDatagrams)
  ip netns exec "${apps[0]}" \
    sockperf tp -i "$target" -p $port -m 64 -t $((seconds + 5)) </dev/null >"$state/client" 2>&1 &
  client=$!
  wait_for 5 has_received $server $((received + 1000)) || {
    refusal "the receiver got less than 1000 datagrams within 5 s: $(sockperf_failure)"
    return
  }
  sleep 0.3
  began=$(now) received=$(udp_counter $server InDatagrams) sent=$(udp_counter $client OutDatagrams)
  sleep "$seconds"
  if ! kill -0 $client 2>/dev/null; then
    refusal "sockperf ended early: $(sockperf_failure)"
    return
  fi
  elapsed=$(($(now) - began))
  received=$(($(udp_counter $server InDatagrams) - received)) sent=$(($(udp_counter $client OutDatagrams) - sent))
  if ((received == 0)); then
    refusal "the receiver got none of $sent datagrams"
    return
  fi
  jq -cn --arg received $received --arg sent $sent --arg elapsed $elapsed \
    '($elapsed | tonumber) as $us | {mpps: (($received | tonumber) / $us), sentMpps: (($sent | tonumber) / $us)}'
}

sockperf_output() {
  sed 's/\x1b\[[0-9;]*m//g' "$state/client"
}

sockperf_failure() {
  sockperf_output | grep -iE 'error|fail|not ' | head -n 1
}

# Measures half of a round trip over TCP, in microseconds, by sockperf.
measure_pingpong() {
  local status=0
  check_vteps || return 0
  serve tcp 7778 sockperf sr --tcp -i "$target" -p 7778 || return 0
  timeout $((seconds + 10)) ip netns exec "${apps[0]}" \
    sockperf pp --tcp -i "$target" -p 7778 -m 64 -t "$seconds" </dev/null >"$state/client" 2>&1 || status=$?
  sockperf_output | awk '/percentile (50|99)\.0+ *=/ {value[int($4)] = $6}
    END {
      if (50 in value && 99 in value) printf "{\"p50\": %s, \"p99\": %s}\n", value[50], value[99]
      else exit 1
    }' || refusal "sockperf ended with status $status: $(sockperf_failure)"
}

# Measures ping-pong while a TCP stream runs beside it.
measure_loaded() { # name congestion-control
  local stream values
  check_vteps || return 0
  serve tcp $port iperf3 -s -1 -p $port || return 0
  ip netns exec "${apps[0]}" \
    iperf3 -c "$target" -p $port -t $((seconds + 12)) -C "$2" </dev/null >"$state/stream" 2>&1 &
  stream=$!
  sleep 0.5
  values=$(measure_pingpong)
  if kill -0 $stream 2>/dev/null; then
    echo "$values"
  else
    refusal "the TCP stream ended early: $(tail -n 1 "$state/stream")"
  fi
}

# Measures the resources of idle VTEPs after a load.
measure_idle() {
  local began cpu0 cpu1 elapsed
  check_vteps || return 0
  sleep 1
  began=$(now) cpu0=$(vtep_nanoseconds 0) cpu1=$(vtep_nanoseconds 1)
  sleep "$seconds"
  elapsed=$(($(now) - began))
  cpu0=$(($(vtep_nanoseconds 0) - cpu0)) cpu1=$(($(vtep_nanoseconds 1) - cpu1))
  jq -cn --arg elapsed $elapsed --arg cpu0 $cpu0 --arg cpu1 $cpu1 \
    --arg resident0 "$(vtep_resident 0)" --arg resident1 "$(vtep_resident 1)" '
    def percent: tonumber / 10 / ($elapsed | tonumber);
    {cpuPercent: [($cpu0 | percent), ($cpu1 | percent)], residentMB: [$resident0, $resident1 | tonumber / 1024]}'
}
