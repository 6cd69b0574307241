# The policy opens port 7777 and nothing else. Weft refuses a connection to another port, and writes
# a verdict on both. Sourced by scripts/demo.

policies() {
  cat <<YAML
tags:
  - {source: ${container[0]}, tag: 1, name: proxy}
  - {source: ${container[1]}, tag: 2, name: backend}
allow:
  - {tag: 1, destination: ${container[1]}, protocol: tcp, ports: 7777}
YAML
}

verdict() { # port
  grep -m 1 "\"dst_port\":$1," "$lab_state/verdicts"
}

shown() { # prompt command...
  printf '\n%s# %s\n' "$1" "${*:2}"
  "${@:2}"
}

# A server listens on port 7778 too, so it is the policy that refuses the connection.
show_policy() {
  local end
  printf '\n### Policy: port 7777 is open, and nothing else\n'
  spawn $destination_container nc.openbsd -n -k -l 7778 </dev/null >/dev/null 2>&1
  helpers=("$pid")
  await 10 "netcat listens on port 7778" tcp_socket_exists $destination_container listening 'sport = :7778'
  printf '\n%s# nc -nv %s 7778\n' $source_container "${container[1]}"
  if ip netns exec $source_container nc.openbsd -nv -w 5 "${container[1]}" 7778 </dev/null >"$lab_state/refused" 2>&1; then
    end=answered
  fi
  cat "$lab_state/refused"
  stop_helpers
  if [[ -n ${end:-} || $(cat "$lab_state/refused") != *refused* ]]; then
    echo "Weft did not refuse the connection to port 7778"
    return 1
  fi
  await 10 "the verdict on port 7777" verdict 7777 >/dev/null
  await 10 "the verdict on port 7778" verdict 7778 >/dev/null
  printf '\n%s# cat verdicts\n' "${cells[1]}"
  verdict 7777
  verdict 7778
  (
    export WEFT_CONTROL=$lab_state/cell1.sock PATH=$here:$PATH
    shown "${cells[1]}" weft policy explain "${container[0]}" "${container[1]}" tcp 7777
    shown "${cells[1]}" weft policy explain "${container[0]}" "${container[1]}" tcp 7778
  )
  [[ $(verdict 7777) == *ingress-allowed* && $(verdict 7778) == *ingress-denied* ]] || return
  printf '\nverdicts as the policy says\n'
}
