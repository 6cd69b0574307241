# The VTEPs that scripts/compare measures; sourced by it. A peer NAME has up_NAME and down_NAME,
# each for one host (0 or 1). up starts silk-vtep there. It may return before silk-vtep exists, or
# run as long as the VTEP. If it fails, the VTEP has failed. All processes in a host's namespace are
# the VTEP's.

# Weft with other settings or contents.
variants=(weft+poll weft+fdb1m weft+policy)

# Prints the configuration lines that a variant adds to Weft's.
variant_config() { # name host
  case $1 in
    weft+poll) echo 'busy-poll: 50' ;;
    weft+policy)
      policies >"$state/weft$2.policies.yaml"
      echo "policy: {state: $state/weft$2.state, udp-timeout: 3600, source: {file: $state/weft$2.policies.yaml}}"
      ;;
  esac
}

# Number of entries that fill a variant's tables before the measurement.
entry_count=1000000
policy_count=10000
flow_count=100000

# The commands from --peer.
declare -A extra_up=() extra_down=()
extras=()

known_peer() {
  [[ $1 == kernel || $1 == ovs || $1 == weft || " ${variants[*]} " == *" $1 "* || -n ${extra_up[$1]:-} ]]
}

# Prints the peer of a host. In A/B, A is the peer of host 0.
peer_of() { # host
  if [[ $1 == 0 ]]; then echo "${peer%/*}"; else echo "${peer#*/}"; fi
}

vtep_mac() { # host
  overlay_mac ee:ee "${lease[$1]}"
}

up_kernel() { # host
  ip -n "${hosts[$1]}" link add silk-vtep type vxlan id 1 local "${underlay[$1]}" dev eth0 dstport 4789 nolearning gbp
  bridge -n "${hosts[$1]}" fdb replace "$(vtep_mac $((1 - $1)))" dev silk-vtep dst "${underlay[1 - $1]}" self permanent
}

down_kernel() { # host
  ! ip -n "${hosts[$1]}" link show silk-vtep >/dev/null 2>&1 || ip -n "${hosts[$1]}" link delete silk-vtep
}

# Starts Open vSwitch's netdev datapath. The host's underlay address moves to the bridge that has
# eth0. The port has no exts=gbp, because Open vSwitch 3.1 then reports a conflict of the port with
# itself.
up_ovs() { # host
  local ns=${hosts[$1]} dir=$state/ovs$1 bridge phy_mac
  mkdir -p "$dir"
  phy_mac=$(overlay_mac 42:01 "${underlay[$1]}")
  export OVS_RUNDIR=$dir OVS_LOGDIR=$dir OVS_DBDIR=$dir
  bridge=(ovs-vsctl --timeout=20 --db="unix:$dir/db.sock")
  ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  ip netns exec "$ns" ovsdb-server "$dir/conf.db" --remote="punix:$dir/db.sock" --unixctl="$dir/db.ctl" \
    --pidfile="$dir/db.pid" --detach --log-file="$dir/db.log"
  "${bridge[@]}" --no-wait init
  ip netns exec "$ns" ovs-vswitchd "unix:$dir/db.sock" --unixctl="$dir/vs.ctl" \
    --pidfile="$dir/vs.pid" --detach --log-file="$dir/vs.log"
  "${bridge[@]}" -- add-br br-phy -- set bridge br-phy datapath_type=netdev other-config:hwaddr="$phy_mac" \
    -- add-port br-phy eth0 \
    -- add-br silk-vtep -- set bridge silk-vtep datapath_type=netdev other-config:hwaddr="$(vtep_mac "$1")" \
    -- add-port silk-vtep vxlan0 -- set interface vxlan0 type=vxlan options:key=1 \
    options:local_ip="${underlay[$1]}" options:remote_ip="${underlay[1 - $1]}"
  ip -n "$ns" address flush dev eth0
  ip -n "$ns" address add "${underlay[$1]}/16" dev br-phy
  ip -n "$ns" link set br-phy up
}

down_ovs() { :; } # its processes end with their namespace

# Prints the configuration of a host's Weft daemon. The caller may append further lines for its
# VTEP.
weft_config() { # host
  local other=$((1 - $1)) mac
  mac=$(overlay_mac ee:ee "${lease[other]}")
  cat <<YAML
underlay:
  local: ${underlay[$1]}
  port: 4789
vteps:
  - name: silk-vtep
    vni: 1
    address: ${lease[$1]}/16
    mtu: $overlay_mtu
    gbp: true
    maxaddress: 0
    fdb: [{mac: "$mac", dst: ${underlay[other]}}]
    neighbours: [{ip: ${lease[other]}, mac: "$mac"}]
YAML
}

up_weft() { # host [further configuration]
  { weft_config "$1" && printf '%s\n' "${2:-}"; } >"$state/weft$1.yaml"
  exec ip netns exec "${hosts[$1]}" setsid \
    "$here/weft" daemon --config "$state/weft$1.yaml" --control "$state/weft$1.sock"
}

down_weft() { :; }

# Prints forwarding entries as lines of a request. Their MAC addresses are pseudo-random, the same
# in each run, and all different, because they have the whole state of a generator (that of
# Numerical Recipes) with a period of 2^32.
forwarding_requests() {
  awk -v count=$entry_count 'BEGIN {
    for (x = 1; count > 0; count--) {
      x = (x * 1664525 + 1013904223) % 4294967296
      printf "{\"object\":\"fdb\",\"action\":\"replace\",\"dst\":\"10.0.48.1\","
      printf "\"mac\":\"02:%02x:%02x:%02x:%02x:%02x\"}\n",
        int(x / 7) % 256, int(x / 16777216), int(x / 65536) % 256, int(x / 256) % 256, x % 256
    }
  }'
}

# Prints policies that allow the measured traffic, and others for the same container and further
# ones.
policies() {
  awk -v count=$policy_count -v source="${container[0]}" -v target="${container[1]}" 'BEGIN {
    print "tags: [{source: " source ", tag: 1}, {source: " target ", tag: 2}]"
    print "allow:"
    print "- {tag: 1, destination: " target ", protocol: icmp}"
    print "- {tag: 1, destination: " target ", protocol: tcp, ports: 7777-7778}"
    print "- {tag: 1, destination: " target ", protocol: udp, ports: 7777-7779}"
    for (i = 3; i < count; i++)
      printf "- {tag: %d, destination: 10.255.132.%d, protocol: tcp, ports: %d}\n", 3 + i % 500, 2 + i % 200, 1024 + i
  }'
}

ask_weft() { # host curl-argument...
  curl --silent --fail-with-body --max-time 120 --unix-socket "$state/weft$1.sock" "${@:2}"
}

# Prints a gauge of a Weft daemon.
gauge_of_weft() { # host name
  ask_weft "$1" http://weft/metrics | sed -n "s/^$2{.*} \([0-9]*\).*/\1/p"
}

holds() { # host gauge least
  (($(gauge_of_weft "$1" "$2") >= $3))
}

# Fills the tables of a host and prints their size, or null if its peer has no such tables. Fails
# with the reason if an entry is missing.
fill_vtep() { # host
  case $(peer_of "$1") in
    weft+fdb1m) fill_forwarding "$1" ;;
    weft+policy) fill_flows "$1" ;;
    *) echo null ;;
  esac
}

fill_forwarding() { # host
  local answer
  wait_for 10 test -S "$state/weft$1.sock" || true
  answer=$(forwarding_requests | ask_weft "$1" --request POST --header Expect: --upload-file - http://weft/v1) || {
    echo "$entry_count entries could not be loaded: $answer"
    return 1
  }
  gauge_of_weft "$1" weft_fdb_entries
  holds "$1" weft_fdb_entries $((entry_count + 1))
}

# Makes the flows on one host. Then both hosts know them.
fill_flows() { # host
  local answer ports=(7778 7779)
  if [[ $1 == 0 ]]; then
    ip netns exec "${apps[1]}" "$JAVA_HOME/bin/java" "$here/compare.d/Flows.java" answer "$target" "${ports[@]}" \
      </dev/null >"$state/flows1" 2>&1 &
    wait_for 10 listens udp "${ports[1]}" || {
      echo "nobody answers: $(tail -n 1 "$state/flows1")"
      return 1
    }
    answer=$(ip netns exec "${apps[0]}" "$JAVA_HOME/bin/java" "$here/compare.d/Flows.java" \
      ask "$target" $flow_count "${ports[@]}" </dev/null 2>&1) || {
      echo "$flow_count flows could not be made: $(tail -n 1 <<<"$answer")"
      return 1
    }
    end_all_in "${apps[1]}"
  fi
  wait_for 240 holds "$1" weft_flows $flow_count || true
  gauge_of_weft "$1" weft_flows
  holds "$1" weft_policies $policy_count && holds "$1" weft_flows $flow_count
}

run_extra() { # host command
  local other=$((1 - $1)) directory=$state/extra$1
  mkdir -p "$directory"
  VTEP_HOST=$1 VTEP_NETNS=${hosts[$1]} VTEP_DIRECTORY=$directory VTEP_DEVICE=silk-vtep \
    VTEP_LOCAL=${underlay[$1]} VTEP_REMOTE=${underlay[other]} VTEP_MTU=$overlay_mtu VTEP_VNI=1 VTEP_PORT=4789 \
    VTEP_ADDRESS=${lease[$1]} VTEP_MAC=$(vtep_mac "$1") \
    VTEP_REMOTE_ADDRESS=${lease[other]} VTEP_REMOTE_MAC=$(vtep_mac "$other") bash -c "$2"
}

# Runs up or down of a host's peer.
switch_vtep() { # up|down host
  local name
  name=$(peer_of "$2")
  local -n commands=extra_$1
  if [[ -n ${commands[$name]:-} ]]; then
    run_extra "$2" "${commands[$name]}"
  elif [[ $name == weft+* ]]; then
    "$1_weft" "$2" "$(variant_config "$name" "$2")"
  else
    "$1_$name" "$2"
  fi
}

start_vteps() {
  local i
  for i in 0 1; do
    (switch_vtep up $i) </dev/null >"$state/vtep$i.log" 2>&1 &
    starting[i]=$!
  done
}

stop_vteps() {
  local i
  for i in 0 1; do
    [[ -z ${peer:-} || ! -e /run/netns/${hosts[i]} ]] || switch_vtep down $i >/dev/null 2>&1 || true
  done
  end_all_in "${hosts[@]}"
  rm -rf "$state"/{ovs,weft,extra}[01]*
}

vtep_stands() { # host
  ip -n "${hosts[$1]}" link show silk-vtep >/dev/null 2>&1
}

# Waits until silk-vtep exists and is configured, or has failed.
await_vtep() { # host
  local deadline=$((SECONDS + 30))
  until vtep_stands "$1" && configure_vtep "$1" 2>/dev/null; do
    kill -0 "${starting[$1]}" 2>/dev/null || wait "${starting[$1]}" || return
    ((SECONDS < deadline)) || return
    sleep 0.02
  done
}

# Adds what silk's daemon adds to a device.
configure_vtep() { # host
  local ns=${hosts[$1]} other=$((1 - $1)) name
  name=$(peer_of "$1")
  if [[ $name != weft && $name != weft+* ]]; then
    ip -n "$ns" link set silk-vtep address "$(vtep_mac "$1")" mtu $overlay_mtu up
    ip -n "$ns" address replace "${lease[$1]}/16" dev silk-vtep scope link
  fi
  ip -n "$ns" neigh replace "${lease[other]}" lladdr "$(vtep_mac $other)" dev silk-vtep nud permanent
  ip -n "$ns" route replace "${lease[other]}/24" via "${lease[other]}" dev silk-vtep src "${lease[$1]}"
}

vtep_pids() { # host
  ip netns pids "${hosts[$1]}"
}

# Prints the last warning or error in a VTEP's log, without paths.
vtep_failure() {
  local i line
  for i in 0 1; do
    line=$(grep -v '|INFO|' "$state/vtep$i.log" 2>/dev/null | tail -n 1)
    [[ -z $line ]] || echo "host $i: $line"
  done | sed "s|$state/||g; s|$root/||g" | head -n 1
}
