#!/bin/bash
# Where the cycles of warm key delivery go: runs `scripts/bench.sh keys` with `perf` on the KME that serves it, and prints the share of each
# part, by the symbols in which the samples fell. Needs perf (Debian: linux-perf) and root.
#
#   scripts/profile.sh                    enc_keys and dec_keys, 32 connections
#   scripts/profile.sh --connections 1    other options of dske-bench keys
set -eu

case "${1:-}" in
  -h | --help)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- --connections 32
command -v perf >/dev/null || {
  echo "profile.sh: perf is not installed (linux-perf)" >&2
  exit 1
}

data=$(mktemp -d "${TMPDIR:-/tmp}/dske-profile.XXXXXX")
trap 'rm -rf "$data"' EXIT
perf record -q -F 2000 -a -o "$data/perf.data" -- scripts/bench.sh keys --requests 20000 --rounds 5 "$@"
perf script -i "$data/perf.data" -F comm,pid,ip,sym,dso 2>/dev/null | scripts/profile_parts.py
