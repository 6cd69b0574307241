# Sends the seed's packet through the lab, captures it at six points and compares it. Sourced by
# scripts/demo.

# The hops of the packet: printout of the seed, namespace, tcpdump's arguments, the seed's title.
hops=(
  "1-source-container-eth0|$source_container|-i eth0 dst port 7777|Source container eth0 device"
  "2-source-host-vtep|${cells[0]}|-i silk-vtep|Source host VTEP device"
  "3-source-host-eth0|${cells[0]}|-i eth0 dst port 4789|Source host eth0 device"
  "4-destination-host-eth0|${cells[1]}|-i eth0 dst port 4789|Destination host eth0 device"
  "5-destination-host-vtep|${cells[1]}|-i silk-vtep|Destination host VTEP device"
  "6-destination-container-eth0|$destination_container|-i eth0 dst port 7777|Destination container eth0 device"
)

helpers=()

start_captures() {
  local hop file namespace arguments
  for hop in "${hops[@]}"; do
    IFS='|' read -r file namespace arguments _ <<<"$hop"
    # shellcheck disable=SC2086  # the arguments are words
    spawn "$namespace" tcpdump -Z root -n -U --immediate-mode -w "$lab_state/$file.pcap" $arguments \
      </dev/null >/dev/null 2>"$lab_state/$file.log"
    helpers+=("$pid")
  done
  for hop in "${hops[@]}"; do
    file=${hop%%|*}
    await 10 "tcpdump listens ($(cat "$lab_state/$file.log"))" grep -q 'listening on' "$lab_state/$file.log"
  done
}

# Starts a netcat that listens in the destination container and one that connects to it, and types
# the message into the latter.
send_message() {
  mkfifo "$lab_state/typed"
  exec {keyboard}<>"$lab_state/typed"
  spawn $destination_container nc.openbsd -n -l 7777 </dev/null >"$lab_state/received" 2>&1
  helpers+=("$pid")
  await 10 "netcat listens on port 7777" tcp_socket_exists $destination_container listening 'sport = :7777'
  spawn $source_container nc.openbsd -n -p 56766 10.255.132.2 7777 <&"$keyboard" >/dev/null 2>&1
  helpers+=("$pid")
  await 10 "the connection from $source_container to 10.255.132.2 port 7777" \
    tcp_socket_exists $source_container established 'sport = :56766'
  echo "$message" >&"$keyboard"
  await 10 "the message arrives in $destination_container" grep -qx "$message" "$lab_state/received"
}

await_captures() {
  local hop
  for hop in "${hops[@]}"; do
    await 10 "the packet is captured at: ${hop##*|}" grep -aq "$message" "$lab_state/${hop%%|*}.pcap"
  done
}

stop_helpers() {
  kill "${helpers[@]}" 2>/dev/null || true
  wait "${helpers[@]}" 2>/dev/null || true
}

# --- the comparison ---

compare() { # seed ours [awk options]
  awk -v colour="$colour" -v carry="$carry" -v routed="$routed" "${@:3}" -f "$here/demo.d/hop.awk" "$1" "$2"
}

show_hops() {
  local hop file namespace arguments title number=0
  local bad=()
  carry=$lab_state/carried
  echo "Below each row that differs are the seed's bytes. ^^ may differ, for the reason below the packet. !! must not."
  for hop in "${hops[@]}"; do
    IFS='|' read -r file namespace arguments title <<<"$hop"
    number=$((number + 1))
    routed=
    [[ $file != *-destination-host-eth0 || $(cat "$lab_state/fabric") == switched ]] || routed=1
    printf '\n### %s\n\n%s# tcpdump -T vxlan -v -XX %s\n' "$title" "$namespace" "$arguments"
    tcpdump -Z root -n -S -T vxlan -v -XX -r "$lab_state/$file.pcap" >"$lab_state/$file.txt" 2>/dev/null
    compare "$here/seed/$file.txt" "$lab_state/$file.txt" || bad+=("$number ($title)")
  done
  echo
  if [[ ${#bad[@]} -gt 0 ]]; then
    for hop in "${bad[@]}"; do
      echo "hop $hop is not as specified"
    done
    return 1
  fi
  echo "all hops as specified"
}
