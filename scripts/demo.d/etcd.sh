# Three hosts that share the overlay through etcd. No configuration names another host, and no host
# runs a server of its own. Sourced by scripts/demo.

etcd_url=http://10.0.0.1:2379
ttl=3 # seconds
apps=(weft-app0 weft-app1 weft-app2)
subnet=()  # that each host claimed
address=() # of its container

etcd_config() { # cell
  cat <<YAML
underlay: {local: ${underlay[$1]}, dev: eth0}
cell:
  leases: {etcd: {endpoints: $etcd_url, ttl: ${ttl}s, timeout: 2s}}
  state: $lab_state/cell$1
YAML
}

etcd_listens() {
  tcp_socket_exists weft-fabric listening 'sport = :2379'
}

start_etcd() {
  spawn weft-fabric setsid etcd --name weft --data-dir "$lab_state/etcd" --logger zap --log-outputs stderr \
    --listen-client-urls $etcd_url --advertise-client-urls $etcd_url --listen-peer-urls http://127.0.0.1:2380 \
    --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster weft=http://127.0.0.1:2380 \
    </dev/null >>"$lab_state/etcd.log" 2>&1
  etcd_pid=$pid
  await 20 "etcd listens on $etcd_url" etcd_listens
}

# Ends etcd like a crash. After SIGTERM etcd would continue while hosts are connected, up to ten
# seconds.
kill_etcd() {
  disown "$etcd_pid"
  kill -KILL "$etcd_pid"
}

# --- what the hosts know ---

knows() { # cell other-cell
  [[ -n $(ip -n "${cells[$1]}" route show "${subnet[$2]}") ]]
}

forgot() { # cell other-cell
  ! knows "$@"
}

all_know_all() {
  local i j
  for i in "${!cells[@]}"; do
    for j in "${!cells[@]}"; do
      [[ $i == "$j" ]] || knows "$i" "$j" || return
    done
  done
}

lease_state_is() { # state cell...
  local i
  for i in "${@:2}"; do
    [[ $(weft_on "$i" lease show 2>/dev/null) == *": $1"* ]] || return
  done
}

show_leases() { # cell...
  local i
  for i in "$@"; do
    printf '\n%s# weft lease show\n' "${cells[i]}"
    weft_on "$i" lease show
  done
  echo
}

first_address() { # namespace device
  ip -n "$1" -4 -oneline address show dev "$2" | awk '{ sub("/.*", "", $4); print $4 }'
}

# --- their containers ---

attach_containers() {
  local i
  for i in "${!cells[@]}"; do
    printf '%s# weft cell attach %s\n' "${cells[i]}" "${apps[i]}"
    weft_on "$i" cell attach "${apps[i]}"
    subnet[i]=$(first_address "${cells[i]}" silk-vtep)/24
    address[i]=$(first_address "${apps[i]}" eth0)
  done
}

pings() { # container other-container
  ip netns exec "${apps[$1]}" ping -n -q -c 1 -W 1 "${address[$2]}" >/dev/null
}

say_over_tcp() { # container other-container message
  local received=$lab_state/received$2 listener
  spawn "${apps[$2]}" nc.openbsd -n -l 7777 </dev/null >"$received" 2>&1
  listener=$pid
  await 10 "netcat listens on port 7777" tcp_socket_exists "${apps[$2]}" listening 'sport = :7777'
  ip netns exec "${apps[$1]}" timeout 10 nc.openbsd -n -N "${address[$2]}" 7777 <<<"$3" >/dev/null ||
    die "no TCP connection from ${apps[$1]} to ${apps[$2]}, ${address[$2]} port 7777"
  wait "$listener" || true
  [[ $(cat "$received") == "$3" ]] || die "${apps[$1]} sent '$3' to ${apps[$2]}, but '$(cat "$received")' arrived"
}

# Checks pings between all given containers, and TCP from each to the next.
all_talk() { # container...
  local i j previous=${*: -1}
  for i in "$@"; do
    for j in "$@"; do
      [[ $i == "$j" ]] || await 10 "a ping from ${apps[i]} to ${apps[j]} (${address[j]}) is answered" pings "$i" "$j"
    done
    say_over_tcp "$previous" "$i" "$message"
    previous=$i
  done
}

# --- the story ---

chapter() { # title
  printf '\n### %s\n\n' "$1"
}

meet() {
  chapter "Three hosts meet"
  echo "Starting etcd on $etcd_url"
  start_etcd
  echo "Starting a Weft daemon in each host, with this configuration:"
  etcd_config 0 | sed 's/^/  /'
  start_daemons etcd_config
  attach_containers
  await 10 "each host has a route to each other" all_know_all
  show_leases "${!cells[@]}"
  all_talk "${!cells[@]}"
  echo "Each host claimed a subnet and found the others. Pings and TCP work between all containers."
}

# Without etcd all hosts stay in the overlay, also after their time to live in etcd.
do_without_etcd() {
  local away=$SECONDS ping sent received
  chapter "Without etcd"
  echo "Killing etcd (SIGKILL), while ${apps[0]} pings ${apps[1]} ten times a second"
  spawn "${apps[0]}" ping -n -q -i 0.1 "${address[1]}" </dev/null >"$lab_state/ping" 2>&1
  ping=$pid
  kill_etcd
  await 20 "each host says that its leases are stale" lease_state_is stale "${!cells[@]}"
  show_leases 0
  echo "Waiting for longer than $ttl s, after which etcd would drop a silent host"
  sleep $((away + ttl + 2 > SECONDS ? away + ttl + 2 - SECONDS : 0))
  all_know_all || die "a route is gone although only etcd was away"
  all_talk "${!cells[@]}"
  echo "After $((SECONDS - away)) s all routes remain, and all containers reach each other. Starting etcd again"
  start_etcd
  await 20 "each host says that its leases are current" lease_state_is current "${!cells[@]}"
  all_know_all || die "a route is gone after etcd came back"
  kill -INT "$ping"
  wait "$ping" || true
  read -r sent received < <(awk '/packets transmitted/ { print $1, $4 }' "$lab_state/ping")
  ((sent > 10 * ttl && sent - received <= 1)) || die "only ${received:-none} of $sent pings got an answer meanwhile"
  echo "All leases are current again. Meanwhile $received of $sent pings got an answer."
}

seconds_since() { # microseconds
  awk -v from="$1" -v to="${EPOCHREALTIME//[!0-9]/}" 'BEGIN { printf "%.1f s", (to - from) / 1e6 }'
}

lose_a_host() {
  local killed i limit=$((3 * ttl + 10))
  chapter "A host fails"
  echo "Killing the daemon of ${cells[2]} (SIGKILL) and pulling the host's cable"
  disown "${daemons[2]}"
  kill -KILL "${daemons[2]}"
  unset 'daemons[2]'
  "$here/lab" unplug cell2
  killed=${EPOCHREALTIME//[!0-9]/}
  for i in 0 1; do
    await $limit "${cells[i]} forgets the subnet of the killed host, ${subnet[2]}" forgot "$i" 2
    echo "${cells[i]} has no route to ${subnet[2]} any more, after $(seconds_since "$killed")"
  done
  show_leases 0 1
  all_talk 0 1
  echo "The containers of the other two reach each other as before."
}

# Attaches nothing again. etcd kept the host's subnet, and device and containers survived the
# daemon.
take_it_back() {
  local started i
  chapter "The host returns"
  echo "Plugging in the cable of ${cells[2]}, and starting its daemon"
  "$here/lab" plug cell2
  started=${EPOCHREALTIME//[!0-9]/}
  start_daemon 2
  for i in 0 1; do
    await 30 "${cells[i]} has a route to ${subnet[2]} again" knows "$i" 2
    echo "${cells[i]} has its route to ${subnet[2]} again, $(seconds_since "$started") after the start of the daemon"
  done
  await 30 "silk-vtep of ${cells[2]} is up and its daemon answers" cell_is_up 2
  await 10 "each host has a route to each other" all_know_all
  show_leases 2
  all_talk "${!cells[@]}"
  echo "${apps[2]} still has its address ${address[2]}. Pings and TCP work between all containers."
}

show_etcd() {
  meet
  do_without_etcd
  lose_a_host
  take_it_back
  echo
  echo "three hosts, one etcd: as specified"
}
