#!/bin/sh
# Makes a network for measuring in a temporary directory (five hubs, two KMEs, large PSRD, a filled key store, limits on
# requests and handshakes out of the way), measures, and stops it again, also when something fails.
#
#   scripts/bench.sh                          all benchmarks of key delivery
#   scripts/bench.sh keys --connections 32    one of dske-bench's commands that take TOPOLOGY MASTER_SAE SLAVE_SAE
#
# Builds first what is not there. PROGRAMS=DIRECTORY takes the programs from elsewhere, BASE_PORT=PORT other ports than from 21100 on.
# Needs 4 GB in TMPDIR (/tmp).
set -eu

case "${1:-}" in
  -h | --help)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

source=$(cd "$(dirname "$0")/.." && pwd)
programs=${PROGRAMS:-}
if [ -z "$programs" ]; then
  programs="$source/build/bin"
  cd "$source"
  [ -f build/CMakeCache.txt ] || cmake --preset release >/dev/null
  cmake --build --preset release --target dske-hub dske-kme dske-manager dske-bench >/dev/null
fi

directory=$(mktemp -d "${TMPDIR:-/tmp}/dske-bench.XXXXXX")
topology="$directory/topology.yaml"
kmes=""

manager() {
  "$programs/dske-manager" "$topology" "$@" >>"$directory/manager.log" 2>&1 || {
    cat "$directory/manager.log" >&2
    return 1
  }
}

finish() {
  for pid in $kmes; do kill "$pid" 2>/dev/null || true; done
  for pid in $kmes; do wait "$pid" 2>/dev/null || true; done
  manager stop || true
  rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What is measured on demand must not compete with a store that is being filled.
case " $* " in
  *" --cold "* | " psrd "* | " scale "*) key_store="enabled: false" ;;
  *) key_store="minimum_keys: 80000" ;;
esac

cat >"$topology" <<END
base_port: ${BASE_PORT:-21100}
psrd:
  client_bytes: 67108864
  hub_bytes: 67108864
hubs: [{name: hank}, {name: helen}, {name: hilary}, {name: holly}, {name: hugo}]
clients: [{name: carol}, {name: celia}]
END

# dske-manager writes the KMEs' configuration; what only a measurement wants is added to it, and they are started by hand.
manager start
manager --client carol --client celia stop
for kme in carol celia; do
  cat >>"$directory/run/kme/$kme/kme.yaml" <<END
key_store:
  $key_store
limits:
  requests_per_second_per_sae: 1000000
server:
  handshakes_per_second: 1000000
  handshakes_per_second_per_address: 1000000
END
  "$programs/dske-kme" serve --config "$directory/run/kme/$kme/kme.yaml" >"$directory/$kme.log" 2>&1 &
  kmes="$kmes $!"
done
all_run() {
  for pid in $kmes; do kill -0 "$pid" 2>/dev/null || return 1; done
}
for kme in carol celia; do
  tries=0
  until "$programs/dske-manager" --json "$topology" status 2>/dev/null | tr -d ' \n' |
    grep -q "\"name\":\"$kme\",\"pid\":[0-9]*,\"state\":\"ready\""; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ] || ! all_run; then
      echo "the KME $kme is not ready:" >&2
      for log in carol celia; do tail -n 5 "$directory/$log.log" >&2; done
      exit 1
    fi
    sleep 0.5
  done
done

bench() {
  command=$1
  shift
  printf '\n$ dske-bench %s TOPOLOGY carol celia %s\n' "$command" "$*"
  "$programs/dske-bench" "$command" "$topology" carol celia "$@"
}

if [ $# -gt 0 ]; then
  bench "$@"
  exit
fi
for connections in 1 32 128; do bench keys --connections "$connections"; done
bench keys --connections 32 --number 128 --requests 300
for connections in 1 32; do bench keys --cold --connections "$connections"; done
bench handshake
bench scale
