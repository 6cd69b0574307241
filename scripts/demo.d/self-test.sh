# The test of the demo's own comparisons; sourced by scripts/demo.

self_test() {
  local status=0 file routed=
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  for file in "$here"/seed/[1-6]-*.txt; do
    expect "$file" '' '^as specified'
  done
  # Each line makes one change: the hop, the change (sed), and the expected start of the verdict.
  expect 1 's/aaaa 0aff 6303/aaaa 0aff 6304/' 'NOT as specified: destination MAC'
  expect 1 's/fd42 0000/fd43 0000/' 'NOT as specified: TCP checksum'
  expect 1 's/fd42 0000/0fc9 0000/' 'NOT as specified: TCP checksum'
  expect 1 's/9a12/9a13/' 'NOT as specified: IP header checksum'
  expect 1 's/9a12/9a13/; s/a395/a394/' '^as specified'
  expect 1 's/13ea 8018/13ea 8010/' 'NOT as specified: TCP header length and flags'
  expect 1 's/0101 080a/0101 080b/' 'NOT as specified: TCP timestamp option'
  expect 2 's/3f06 a495/3e06 a595/' 'NOT as specified: IP TTL'
  expect 2 's/eeee 0aff 6300/eeee 0aff 6301/' 'NOT as specified: source MAC'
  expect 3 's/8800 0001/0800 0001/' 'NOT as specified: VXLAN flags'
  expect 3 's/8800 0001/8800 0002/' 'NOT as specified: VXLAN group policy id'
  expect 3 's/0x0030:  0100/0x0030:  0200/' 'NOT as specified: VXLAN network identifier'
  expect 3 's/0x0030:  0100/0x0030:  0101/' 'NOT as specified: VXLAN reserved byte'
  expect 3 's/8fd5 12b5/8fd6 12b5/' '^as specified'
  expect 3 's/8fd5 12b5/0fd5 12b5/' 'NOT as specified: outer UDP source port'
  expect 3 's/8fd5 12b5/8fd5 2118/' 'NOT as specified: outer UDP destination port'
  expect 3 's/006b 0000/006b 1234/' 'NOT as specified: outer UDP checksum'
  expect 3 's/93bf 0000 4011/93bf 4000 4011/' 'NOT as specified: outer IP flags'
  expect 4 's/4011 a291/3f11 a391/' 'NOT as specified: outer IP TTL'
  expect 4 's/4011 a291/3f11 a391/' '^as specified' -v routed=1
  expect 4 '' 'NOT as specified: outer IP TTL' -v routed=1
  expect 5 's/0fc9 0000/fd42 0000/' 'NOT as specified: TCP checksum'
  expect 5 's/00d7 0fc9/00d8 0fc8/' '^as specified'
  expect 6 's/7769 7468/7769 7469/' 'NOT as specified: no packet'
  expect 6 's/5ccd 6366/5c 6366/' 'NOT as specified: the packet has'
  expect 6 '' 'NOT as specified: IP identification is 9a12, at an earlier hop it was 9a11' \
    -v earlier='IP identification=9a11'
  expect_lines '' '^as specified'
  expect_lines 's/eth0@if4055/eth0@if7/' '^as specified'
  expect_lines 's/PERMANENT/REACHABLE/' 'NOT as specified: "169.254.0.1 dev eth0 lladdr'
  expect_lines 's/NOARP,//' 'NOT as specified: "4054: eth0@if4055: <BROADCAST,MULTICAST,UP'
  expect_lines 's/mtu 1410/mtu 1450/' 'NOT as specified: "4054: eth0'
  expect_lines 's/src 10.255.108.0/src 10.255.108.1/' 'NOT as specified: "10.255.43.0/24 via'
  expect_lines 's/ gbp$//' 'NOT as specified: "vxlan id 1'
  expect_lines 's/^    link/another\n&/' 'NOT as specified: "another"'
  expect_lines '/self permanent/d' 'NOT as specified: .*nothing where the seed has'
  [[ $status == 0 ]] && echo "The comparison passes its own test."
  return $status
}

# Changes a seed packet, compares it with the sound one, and looks for the verdict in the output.
expect() { # hop-or-file sed-script verdict [awk options]
  local file=$1
  [[ -e $file ]] || file=$(echo "$here/seed/$1-"*.txt)
  carry=$work/carry
  : >"$carry"
  [[ ${5:-} != earlier=* ]] || echo "${5#earlier=}" >"$carry"
  sed "$2" "$file" >"$work/changed"
  if [[ -n $2 ]] && cmp -s "$file" "$work/changed"; then
    die "'$2' changes nothing in ${file##*/}"
  fi
  compare "$file" "$work/changed" "${@:4}" >"$work/verdict" || true
  grep -q -- "$3" "$work/verdict" && return
  echo "hop ${file##*/}, changed by '$2': expected '$3', got:" >&2
  cat "$work/verdict" >&2
  status=1
}

# Does the same with the lines that describe a cell.
expect_lines() { # sed-script verdict
  sed "$1" "$here/seed/cell.txt" >"$work/changed"
  if [[ -n $1 ]] && cmp -s "$here/seed/cell.txt" "$work/changed"; then
    die "'$1' changes nothing in cell.txt"
  fi
  awk -f "$here/demo.d/lines.awk" "$here/seed/cell.txt" "$work/changed" >"$work/verdict" || true
  grep -q -- "$2" "$work/verdict" && return
  echo "cell.txt, changed by '$1': expected '$2', got:" >&2
  cat "$work/verdict" >&2
  status=1
}
