# Runs each command that the seed shows for a cell and its container, and compares the output.
# Sourced by scripts/demo.

# Prints the seed's lines with this lab's addresses. Where Weft has the answer instead of the
# kernel, the command becomes weft's.
cell_lines() {
  sed 's/10\.255\.108\.184/10.255.99.3/g; s/010255108184/010255099003/g; s/0a:ff:6c:b8/0a:ff:63:03/
    s/10\.255\.108\.0/10.255.99.0/; s/0a:f4:7e:00/0a:ff:63:00/; s/10\.0\.32\.12/10.0.16.16/
    s/10\.255\.43\.0/10.255.132.0/g; s/0a:ff:2b:00/0a:ff:84:00/; s/10\.0\.16\.14/10.0.32.14/' "$here/seed/cell.txt" |
    if [[ $vtep == weft ]]; then
      sed 's/^host# bridge fdb/host# weft fdb/; s/^host# ip -d \(link.*\)/host# ip \1; weft -d \1 | grep vxlan/'
    else
      cat
    fi
}

# Compares the output of one command with the lines on standard input.
show_lines() { # title prompt command
  local namespace=${cells[0]}
  [[ $2 == host ]] || namespace=$source_container
  printf '\n### %s\n\n%s# %s\n' "$1" "$namespace" "$3"
  cat >"$lab_state/lines.seed"
  WEFT_CONTROL=$lab_state/cell0.sock PATH=$here:$PATH \
    ip netns exec "$namespace" bash -c "$3" >"$lab_state/lines.ours" 2>&1 </dev/null || true
  awk -v colour="$colour" -f "$here/demo.d/lines.awk" "$lab_state/lines.seed" "$lab_state/lines.ours"
}

show_cell() {
  local title prompt line lines
  local bad=()
  while IFS= read -r line; do
    title=${line#\#\#\# }
    IFS= read -r prompt
    lines=
    while IFS= read -r line && [[ -n $line ]]; do
      lines+=$line$'\n'
    done
    show_lines "$title" "${prompt%%#*}" "${prompt#*# }" <<<"${lines%$'\n'}" || bad+=("$title")
  done < <(cell_lines)
  echo
  if [[ ${#bad[@]} -gt 0 ]]; then
    printf 'not as specified: %s\n' "${bad[@]}"
    return 1
  fi
  echo "cell and container as specified"
}
