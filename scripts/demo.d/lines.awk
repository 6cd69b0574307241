# Compares the output of a command with the seed's lines, word by word. Blanks do not count.
#
#   awk [-v colour=1] -f lines.awk SEED OURS
#
# Prints our lines, their differences from the seed's, and why each may differ. The exit status is 1
# if no rule allows a difference, or if only one file has a line. The seed's line is then below
# ours.

BEGIN {
  red = green = yellow = plain = ""
  if (colour) {
    red = "\033[31m"; green = "\033[32m"; yellow = "\033[33m"; plain = "\033[0m"
  }
}

FNR == NR { seed[seed_lines++] = $0; next }
{ ours[our_lines++] = $0 }

END {
  for (l = 0; l < seed_lines || l < our_lines; l++) {
    if (l < our_lines) print ours[l]
    compare(squeeze(seed[l]), squeeze(ours[l]))
  }
  if (notes != "") printf "differs from the seed in\n%s", notes
  if (fault == "") print green "as specified" plain
  else print red "NOT as specified: " fault plain
  exit fault != ""
}

function compare(s, o,    before) {
  if (s == o) return
  its = s
  mine = o
  before = notes
  forgive("^[0-9]+: ", "the kernel counts interfaces")
  forgive("@[^ :]+", "the kernel counts interfaces")
  forgive(" link-netns(id)? [^ ]+", "newer iproute2 prints where the other end is")
  if (o ~ /^[0-9]+: silk-vtep:/) forgive_tap()
  if (o ~ /^vxlan id/) forgive_details()
  forgive(" promiscuity [0-9]+.*", "iproute2 prints other details here, or none")
  if (mine == its) return
  print "  " red "seed: " s plain
  fault = fault (fault == "" ? "" : "; ") (o == "" ? "nothing where the seed has \"" s "\"" : "\"" o "\"")
  notes = before
}

function forgive_tap() {
  forgive(" qdisc [^ ]+", "a TAP device has queues")
  forgive(" state [^ ]+", "a TAP device tells the kernel that it is connected")
  forgive(" qlen [0-9]+", "a TAP device has queues")
}

function forgive_details() {
  forgive(" proxy", "Weft also answers ARP requests of the host")
  forgive(" ttl auto", "newer iproute2 prints it")
  forgive(" noudpcsum", "newer iproute2 prints it; the seed's wire has no checksum")
  forgive(" noudp6zerocsumtx noudp6zerocsumrx", "newer iproute2 prints it")
  forgive(" addrgenmode .*", "newer iproute2 prints it")
}

# Removes the match from both lines, and notes it if the lines differ in it.
function forgive(pattern, why,    a, b) {
  a = take(mine, pattern)
  b = take(its, pattern)
  sub(pattern, "", mine)
  sub(pattern, "", its)
  if (a != b) notes = notes sprintf("  %-28s seed %-20s %s\n", a == "" ? "-" : a, b == "" ? "-" : b, why)
}

function take(line, pattern) {
  return match(line, pattern) ? squeeze(substr(line, RSTART, RLENGTH)) : ""
}

function squeeze(line) {
  gsub(/[ \t]+/, " ", line)
  sub(/^ /, "", line)
  sub(/ $/, "", line)
  return line
}
