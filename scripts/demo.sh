#!/bin/sh
# Builds everything, starts the example network (five hubs, five KMEs), fetches a key at both ends over mutual TLS, and
# shows the state of the network.
#
#   scripts/demo.sh              in a temporary directory; the network is stopped at the end
#   scripts/demo.sh DIRECTORY    in that directory; the network goes on running
set -eu

case "${1:-}" in
  -h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

source=$(cd "$(dirname "$0")/.." && pwd)
keep=""
if [ $# -gt 0 ]; then
  mkdir -p "$1"
  directory=$(cd "$1" && pwd)
  keep=yes
else
  directory=$(mktemp -d "${TMPDIR:-/tmp}/dske-demo.XXXXXX")
fi
topology="$directory/topology.yaml"
manager="$source/build/bin/dske-manager"

step() {
  printf '\n$ %s\n' "$*"
  "$@"
}

finish() {
  [ -z "$keep" ] || return 0
  if [ -x "$manager" ] && [ -f "$topology" ]; then "$manager" "$topology" stop >/dev/null || true; fi
  rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$source/scripts/install-deps.sh"
cd "$source"
cmake --preset release >"$directory/cmake.log" || { cat "$directory/cmake.log"; exit 1; }
cmake --build --preset release --target dske-hub dske-kme dske-manager

[ -f "$topology" ] || cp "$source/examples/topology.yaml" "$topology"
step "$manager" "$topology" start
step "$manager" "$topology" status
step "$manager" "$topology" etsi-qkd carol celia get-key-pair

printf '\n'
if [ -n "$keep" ]; then
  echo "The network runs on. Try:"
  echo "  $manager $topology status --watch"
  echo "  $manager $topology etsi-qkd curtis connie get-key-pair --number 3"
  echo "  $manager $topology stop"
else
  echo "Done; the network is stopped. \`scripts/demo.sh DIRECTORY\` leaves one running."
fi
