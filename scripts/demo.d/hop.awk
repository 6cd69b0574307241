# Compares one hop's packet with the seed's, field by field.
#
#   awk -v carry=FILE [-v routed=1] [-v colour=1] -f hop.awk SEED OURS
#
# Both files are printouts of `tcpdump -v -XX`. SEED has one packet. The script takes the first
# packet of OURS that ends with the seed's payload. It prints our packet, the seed's bytes below
# each row that differs, and why each field may differ. If no rule allows a difference, or if a
# checksum is wrong, it prints the field's name and the exit status is 1.
#
# The rule of a field is one of
#   same       equal to the seed's
#   free       a number that this run's kernels choose; CARRY keeps it, and later hops must show it
#   port       like free, within the range of local ports
#   lower      one lower than the seed's
#   ipsum      the checksum of the IP header, recomputed
#   tcpsum     the TCP checksum, recomputed; or the pseudo header's sum alone, if the seed has that

BEGIN {
  while ((getline line < carry) > 0) {
    split(line, pair, "=")
    carried[pair[1]] = pair[2]
  }
  close(carry)
  red = green = yellow = plain = ""
  if (colour) {
    red = "\033[31m"; green = "\033[32m"; yellow = "\033[33m"; plain = "\033[0m"
  }
}

FNR == 1 && NR > 1 { end_of_packet(); seed_is_read = 1 }

match($0, /^[ \t]+0x[0-9a-f]+:  /) {
  row = substr($0, RLENGTH + 1, 39)
  gsub(/ /, "", row)
  hex = hex row
  rows[row_count++] = $0
  next
}

{
  if (hex != "") end_of_packet()
  text = text $0 "\n"
}

END {
  end_of_packet()
  if (!seed_is_read || seed_length == 0) fail("nothing to compare with")
  else if (our_length == 0) fail("no packet with the message was captured")
  else if (our_length != seed_length) {
    printf "%s", our_text
    for (r = 0; r < our_row_count; r++) print our_rows[r]
    fail("the packet has " our_length " bytes, the seed's " seed_length)
  } else compare()
  exit fault != ""
}

function end_of_packet() {
  if (hex == "") return
  if (!seed_is_read) {
    seed_length = read_bytes(hex, seed)
    dissect()
  } else if (our_length == 0 && substr(hex, length(hex) - length(payload) + 1) == payload) {
    our_length = read_bytes(hex, ours)
    our_text = text
    our_row_count = row_count
    for (r = 0; r < row_count; r++) our_rows[r] = rows[r]
  }
  hex = text = ""
  row_count = 0
}

function read_bytes(s, bytes,    i) {
  for (i = 0; 2 * i < length(s); i++)
    bytes[i] = 16 * digit(substr(s, 2 * i + 1, 1)) + digit(substr(s, 2 * i + 2, 1))
  return i
}

function digit(c) { return index("0123456789abcdef", c) - 1 }

function word(bytes, offset) { return 256 * bytes[offset] + bytes[offset + 1] }

function as_hex(bytes, offset, count,    i, s) {
  for (i = 0; i < count; i++) s = s sprintf("%02x", bytes[offset + i])
  return s
}

# Adds the next field. The fields cover the packet without a gap.
function field(name, count, rule, why) {
  name_of[fields] = layer name
  offset_of[fields] = at
  length_of[fields] = count
  rule_of[fields] = rule
  why_of[fields] = why
  fields++
  at += count
}

function dissect() {
  at = fields = 0
  if (seed[23] == 17) {
    layer = "outer "
    ethernet()
    ip("the sending host's kernel counts it")
    udp()
    vxlan()
  }
  layer = ""
  ethernet()
  ip("the source container's kernel counts it")
  tcp()
  payload = as_hex(seed, at, seed_length - at)
  field("payload", seed_length - at, "same")
}

function ethernet() {
  field("destination MAC", 6, "same")
  field("source MAC", 6, "same")
  field("EtherType", 2, "same")
}

function ip(who,    end) {
  ip_at = at
  end = at + 4 * (seed[at] % 16)
  field("IP version and header length", 1, "same")
  field("IP TOS", 1, "same")
  field("IP total length", 2, "same")
  field("IP identification", 2, "free", who)
  field("IP flags and fragment offset", 2, "same")
  field("IP TTL", 1, routed && layer == "outer " ? "lower" : "same", "this lab's fabric routes; a cloud's does not lower it")
  field("IP protocol", 1, "same")
  field("IP header checksum", 2, "ipsum", "follows from the identification and TTL")
  field("IP source", 4, "same")
  field("IP destination", 4, "same")
  if (end > at) field("IP options", end - at, "same")
}

function udp() {
  field("UDP source port", 2, "port", "hash of the inner flow, in the range of local ports")
  field("UDP destination port", 2, "same")
  field("UDP length", 2, "same")
  field("UDP checksum", 2, "same")
}

function vxlan() {
  layer = "VXLAN "
  field("flags", 2, "same")
  field("group policy id", 2, "same")
  field("network identifier", 3, "same")
  field("reserved byte", 1, "same")
}

function tcp(    end, kind) {
  tcp_at = at
  end = at + 4 * int(seed[at + 12] / 16)
  field("TCP source port", 2, "same")
  field("TCP destination port", 2, "same")
  field("TCP sequence number", 4, "free", "a connection begins at a random number")
  field("TCP acknowledgement number", 4, "free", "a connection begins at a random number")
  field("TCP header length and flags", 2, "same")
  field("TCP window", 2, "free", "the receive buffer of the source container's kernel")
  field("TCP checksum", 2, "tcpsum", "follows from the numbers above")
  field("TCP urgent pointer", 2, "same")
  while (at < end) {
    kind = seed[at]
    if (kind == 8) {
      field("TCP timestamp option", 2, "same")
      field("TCP timestamp", 4, "free", "a clock of the source container's kernel")
      field("TCP echoed timestamp", 4, "free", "a clock of the destination container's kernel")
    } else field("TCP option " kind, kind < 2 ? 1 : seed[at + 1], "same")
  }
}

# Returns the folded ones' complement sum of 16-bit words of count bytes, without the word at
# `hole`.
function sum16(bytes, offset, count, hole, sum,    i) {
  for (i = offset; i < offset + count; i += 2)
    if (i != hole) sum += 256 * bytes[i] + (i + 1 < offset + count ? bytes[i + 1] : 0)
  while (sum > 65535) sum = sum % 65536 + int(sum / 65536)
  return sum
}

function ip_checksum(bytes, offset) {
  return 65535 - sum16(bytes, offset, 4 * (bytes[offset] % 16), offset + 10, 0)
}

function pseudo_header_sum(bytes,    tcp_length) {
  tcp_length = seed_length - tcp_at
  return sum16(bytes, ip_at + 12, 8, -1, bytes[ip_at + 9] + tcp_length)
}

# Whether the seed's packet was captured before its TCP checksum was completed.
function is_partial() { return word(seed, tcp_at + 16) == pseudo_header_sum(seed) }

function tcp_checksum(bytes) {
  if (is_partial()) return pseudo_header_sum(bytes)
  return 65535 - sum16(bytes, tcp_at, seed_length - tcp_at, tcp_at + 16, pseudo_header_sum(bytes))
}

# Returns the fault of our value of a field, or an empty string if the value is right.
function judge(f, mine, its,    at, expected) {
  at = offset_of[f]
  if (rule_of[f] == "same")
    return mine == its ? "" : "is " mine ", the seed has " its
  if (rule_of[f] == "lower")
    return ours[at] == seed[at] - 1 ? "" : "is " ours[at] ", expected " seed[at] - 1
  if (rule_of[f] == "ipsum" || rule_of[f] == "tcpsum") {
    expected = rule_of[f] == "ipsum" ? ip_checksum(ours, at - 10) : tcp_checksum(ours)
    return word(ours, at) == expected ? "" : "is " mine ", but its packet needs " sprintf("%04x", expected)
  }
  if (rule_of[f] == "port" && (word(ours, at) < 32768 || word(ours, at) > 60999))
    return "is " word(ours, at) ", not in the range of local ports"
  if (name_of[f] in carried)
    return mine == carried[name_of[f]] ? "" : "is " mine ", at an earlier hop it was " carried[name_of[f]]
  print name_of[f] "=" mine >> carry
  return ""
}

function compare(    f, i, mine, its, wrong, differs, mark) {
  for (f = 0; f < fields; f++) {
    mine = as_hex(ours, offset_of[f], length_of[f])
    its = as_hex(seed, offset_of[f], length_of[f])
    wrong = judge(f, mine, its)
    differs = mine != its
    if (wrong != "") {
      fault = name_of[f]
      notes = notes sprintf("  %s%-28s %s%s\n", red, name_of[f], wrong, plain)
      faults = faults (faults == "" ? "" : "; ") name_of[f] " " wrong
    } else if (differs)
      notes = notes sprintf("  %-28s %-10s seed %-10s %s\n", name_of[f], mine, its, why_of[f])
    for (i = offset_of[f]; i < offset_of[f] + length_of[f]; i++)
      mark[i] = wrong != "" ? "!!" : ours[i] != seed[i] ? "^^" : "  "
  }
  close(carry)
  printf "%s", our_text
  for (i = 0; 16 * i < seed_length; i++) print_row(i, mark)
  if (notes != "") printf "differs from the seed in\n%s", notes
  if (is_partial()) print "TCP checksum: the sum of the pseudo header alone, as in the seed; the sending VTEP completes it"
  if (fault == "") print green "as specified" plain
  else print red "NOT as specified: " faults plain
}

function print_row(r, mark,    i, differs, its, marks) {
  print our_rows[r]
  for (i = 16 * r; i < 16 * r + 16 && i < seed_length; i++) {
    if (mark[i] != "  ") differs = 1
    its = its sprintf("%02x", seed[i]) (i % 2 ? " " : "")
    marks = marks mark[i] (i % 2 ? " " : "")
  }
  if (!differs) return
  sub(/ +$/, "", its)
  sub(/ +$/, "", marks)
  print "\t  seed:  " its
  print "\t         " (index(marks, "!!") ? red : yellow) marks plain
}

function fail(sentence) {
  fault = sentence
  print red "NOT as specified: " sentence plain
}
