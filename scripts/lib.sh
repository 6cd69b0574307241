# Shared by the scripts here; sourced, not run.

# What one lab leaves on the host besides its namespaces: their names, pids, and the files of the demo.
lab_state=/run/weft-lab

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

need_root() {
  [[ $(id -u) == 0 ]] || die "needs root (network namespaces, packages): run sudo $0"
}

# The feature version of a JDK, from its release file: 17 of JAVA_VERSION="17.0.15", 8 of "1.8.0_402".
jdk_version() {
  sed -n 's/^JAVA_VERSION="\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' "$1/release" 2>/dev/null
}

# Prints the home of a JDK: of exactly version $1, or without $1 the first of JAVA_HOME, the javac on the
# path and the ones below /usr/lib/jvm that is 17 or newer.
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

# What sudo made root build in a user's clone is given back to the user.
give_back() {
  [[ -z ${SUDO_UID:-} ]] || chown -R --reference="$1/pom.xml" "$1"/target "$1"/*/target 2>/dev/null || true
}

# When a process started, in ticks since boot: tells a pid from a later one of the same number. Empty if there is
# none, or only a zombie.
start_time() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  # The name, in parentheses, may hold blanks; the start time is the 20th field after it.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [[ $1 == Z ]] || echo "${20}"
}
