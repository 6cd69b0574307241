# Shared by the scripts here; sourced, not run.

# Files of a lab on the host: the names of its namespaces, its pids, and the demo's files.
lab_state=/run/weft-lab

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

need_root() {
  [[ $(id -u) == 0 ]] || die "needs root (network namespaces, packages): run sudo $0"
}

# Prints the feature version of a JDK, from its release file: 17 for JAVA_VERSION="17.0.15", 8 for
# "1.8.0_402".
jdk_version() {
  sed -n 's/^JAVA_VERSION="\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' "$1/release" 2>/dev/null
}

# Prints the home of a JDK of exactly version $1. Without $1 it takes the first JDK 17 or newer from
# JAVA_HOME, the javac in PATH, and /usr/lib/jvm.
find_jdk() {
  local want=${1:-} home version javac
  javac=$(readlink -f "$(command -v javac)" 2>/dev/null) || javac=
  for home in "${JAVA_HOME:-}" "${javac%/bin/javac}" /usr/lib/jvm/*; do
    [[ -n $home && -x $home/bin/javac ]] || continue
    version=$(jdk_version "$home")
    [[ -n $version ]] || continue
    if [[ $version == "$want" || (-z $want && $version -ge 17) ]]; then
      echo "$home"
      return
    fi
  done
  return 1
}

# Gives files that root built under sudo back to the owner of the clone.
give_back() {
  [[ -z ${SUDO_UID:-} ]] || chown -R --reference="$1/pom.xml" "$1"/target "$1"/*/target 2>/dev/null || true
}

# Prints when a process started, in ticks since boot. So a later process with the same pid differs.
# Prints nothing if there is no such process, or only a zombie.
start_time() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  # The name, in parentheses, may hold blanks; the start time is the 20th field after it.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [[ $1 == Z ]] || echo "${20}"
}

# A pid is ours while its process has the start time that was noted with it.
is_ours() { # pid starttime
  [[ -n $2 && $(start_time "$1") == "$2" ]]
}

# Ends the processes that a file lists and waits until they are gone. Each line of the file has a
# pid and its start time.
end_processes() { # file
  local pid started tries
  while read -r pid started _; do
    ! is_ours "$pid" "$started" || kill -TERM "$pid" 2>/dev/null || true
  done <"$1"
  while read -r pid started _; do
    for ((tries = 0; tries < 100; tries++)); do
      is_ours "$pid" "$started" || continue 2
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done <"$1"
}

# Hosts of a silk overlay: the underlay address of each. For the first two also the /24 that they
# lease (its first address is the VTEP's), and the address of the app container on it. The third
# takes the subnet that it is given.
underlay=(10.0.16.16 10.0.32.14 10.0.48.18)
lease=(10.255.99.0 10.255.132.0)
container=(10.255.99.3 10.255.132.2)
overlay_mtu=1410

# MAC addresses on the overlay are a prefix and the four bytes of an address, as silk derives them.
overlay_mac() { # prefix address
  local IFS=.
  # shellcheck disable=SC2086  # split on the dots
  printf '%s:%02x:%02x:%02x:%02x' "$1" $2
}

# Sets a sysctl of a namespace, without needing procps.
sysctl_in() { # namespace name value
  ip netns exec "$1" sh -c "echo $3 > /proc/sys/net/$2"
}

# Joins an app container to its host with a veth pair as the silk CNI plugin does, where Weft does
# not.
lay_container() { # host-namespace container-namespace veth-in-the-host address
  local host=$1 ns=$2 veth=$3 address=$4 inside outside
  inside=$(overlay_mac ee:ee "$address")
  outside=$(overlay_mac aa:aa "$address")
  ip link add "$veth" netns "$host" txqueuelen 0 type veth peer name eth0 netns "$ns" txqueuelen 0

  ip -n "$host" link set "$veth" address "$outside" mtu $overlay_mtu arp off up
  ip -n "$host" address add 169.254.0.1 peer "$address/32" dev "$veth" scope link
  ip -n "$host" neigh replace "$address" lladdr "$inside" dev "$veth" nud permanent
  sysctl_in "$host" "ipv4/conf/$veth/rp_filter" 1

  ip -n "$ns" link set eth0 address "$inside" mtu $overlay_mtu arp off up
  ip -n "$ns" address add "$address" peer 169.254.0.1/32 dev eth0 scope link
  ip -n "$ns" neigh replace 169.254.0.1 lladdr "$outside" dev eth0 nud permanent
  ip -n "$ns" route add default via 169.254.0.1 dev eth0 src "$address"
}
