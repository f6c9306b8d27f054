#!/bin/sh
# Builds two network namespaces with a real WireGuard tunnel (wireguard-go) between them, starts the example network and
# an adapter at each end, and watches the pre-shared key come and rotate. Needs root, for the namespaces. Ends with exit
# status 0 and a line that says what was seen. Takes about a minute beyond the build.
set -eu

case "${1:-}" in
  -h | --help)
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  echo "demo-wireguard: needs root, for network namespaces" >&2
  exit 1
fi

source=$(cd "$(dirname "$0")/.." && pwd)
directory=$(mktemp -d /tmp/dske-demo-wireguard.XXXXXX)
chmod 711 "$directory"
topology="$directory/topology.yaml"
bin=${DSKE_BIN:-$source/build/bin}
manager="$bin/dske-manager"
adapter="$bin/dske-wireguard"
user=nobody
a="dskea$$"
b="dskeb$$"
processes=""

finish() {
  for process in $processes; do kill "$process" 2>/dev/null || true; done
  for name in "$a" "$b"; do
    ip netns delete "$name" 2>/dev/null || true
    rm -f "/var/run/wireguard/$name.sock"
  done
  if [ -x "$manager" ] && [ -f "$topology" ]; then "$manager" "$topology" stop >/dev/null 2>&1 || true; fi
  rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }

# waits for a command to succeed: seconds, what it is, command
wait_for() {
  seconds=$1
  what=$2
  shift 2
  tries=$((seconds * 5))
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "demo-wireguard: waited $seconds s in vain: $what" >&2
      cat "$directory"/*.log >&2
      exit 1
    fi
    sleep 0.2
  done
}

if [ -z "${DSKE_BIN:-}" ]; then
  "$source/scripts/install-deps.sh"
  cd "$source"
  cmake --preset release >"$directory/cmake.log" || { cat "$directory/cmake.log"; exit 1; }
  cmake --build --preset release --target dske-hub dske-kme dske-manager dske-wireguard
fi

say "the example network: five hubs, five KMEs"
cp "$source/examples/topology.yaml" "$topology"
"$manager" "$topology" start
pki="$directory/run/pki"
port_of() { "$manager" --client "$1" --json "$topology" status | python3 -c 'import json, sys; print(json.load(sys.stdin)["nodes"][0]["url"])'; }

say "two hosts with a plain WireGuard tunnel between them"
key_a=$(wg genkey)
key_b=$(wg genkey)
public_a=$(echo "$key_a" | wg pubkey)
public_b=$(echo "$key_b" | wg pubkey)
for name in "$a" "$b"; do ip netns add "$name"; done
ip link add u0 netns "$a" type veth peer name u0 netns "$b"

# a host: namespace, underlay and tunnel address, private key, peer's public key, underlay and tunnel address
host() {
  ip netns exec "$1" ip address add "$2/24" dev u0
  ip netns exec "$1" ip link set u0 up
  WG_PROCESS_FOREGROUND=1 ip netns exec "$1" wireguard-go -f "$1" >"$directory/$1.log" 2>&1 &
  processes="$processes $!"
  wait_for 10 "wireguard-go makes $1" test -S "/var/run/wireguard/$1.sock"
  printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n[Peer]\nPublicKey = %s\nEndpoint = %s:51820\nAllowedIPs = %s/32\n' \
    "$4" "$5" "$6" "$7" | ip netns exec "$1" wg setconf "$1" /dev/stdin
  ip netns exec "$1" ip address add "$3/24" dev "$1"
  ip netns exec "$1" ip link set "$1" up
}
host "$a" 10.90.0.1 10.91.0.1 "$key_a" "$public_b" 10.90.0.2 10.91.0.2
host "$b" 10.90.0.2 10.91.0.2 "$key_b" "$public_a" 10.90.0.1 10.91.0.1
passes() { ip netns exec "$a" ping -c 1 -W 1 10.91.0.2; }
psk() { ip netns exec "$1" wg show "$1" preshared-keys | cut -f 2; }
wait_for 10 "the plain tunnel carries a packet" passes
echo "a packet goes through; pre-shared key: $(psk "$a")"

say "an adapter at each end: SAE carol at her KME, SAE celia at hers"
# an adapter: namespace, SAE, port, peer's SAE, public key and port
configure() {
  mkdir -m 711 "$directory/$2"
  for file in "sae/$2.crt" "sae/$2.key" ca.crt; do
    install -o "$user" -m 600 "$pki/$file" "$directory/$2/$(basename "$file")"
  done
  cat >"$directory/$2/wireguard.yaml" <<END
state_dir: $directory/$2/state
user: $user
sae_id: $2
tls: {certificate: $2.crt, key: $2.key, ca: ca.crt}
kme: {url: "$(port_of "$2")"}
listen: {address: 127.0.0.1, port: $3}
intervals: {rotate_seconds: 20}
split_trust: {require: all, tls: true, ratchet: true}
interfaces:
  - name: $1
    peers:
      - {public_key: "$5", sae_id: $4, url: "https://127.0.0.1:$6"}
END
}
configure "$a" carol 17443 celia "$public_b" 17444
configure "$b" celia 17444 carol "$public_a" 17443
"$adapter" run --config "$directory/carol/wireguard.yaml" >"$directory/carol.log" 2>&1 &
processes="$processes $!"
wait_for 10 "the gate shuts" sh -c "! ip netns exec $a ping -c 1 -W 1 10.91.0.2"
echo "carol's adapter alone: the gate is shut, nothing goes through"
"$adapter" run --config "$directory/celia/wireguard.yaml" >"$directory/celia.log" 2>&1 &
processes="$processes $!"
wait_for 15 "the first key" passes
status() { "$adapter" status --config "$directory/$1/wireguard.yaml"; }
status carol
status celia

say "rotation every 20 s, for the show: the default is 120 s"
seen=0
last=""
lost=0
rounds=0
while [ "$seen" -lt 3 ]; do
  key_now=$("$adapter" status --json --config "$directory/carol/wireguard.yaml" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["peers"][0]["key_id"])')
  if [ "$key_now" != "$last" ]; then
    seen=$((seen + 1))
    last=$key_now
    echo "key $seen: $key_now"
  fi
  passes >/dev/null || lost=$((lost + 1))
  rounds=$((rounds + 1))
  [ "$rounds" -lt 600 ] || { echo "demo-wireguard: no rotation" >&2; exit 1; }
  sleep 0.2
done
sleep 2
[ "$(psk "$a")" = "$(psk "$b")" ] || { echo "demo-wireguard: the ends hold different keys" >&2; exit 1; }
status carol
[ "$lost" -eq 0 ] || { echo "demo-wireguard: $lost of $rounds pings were lost" >&2; exit 1; }
printf '\nSeen: the gate shut a plain tunnel, %s pre-shared keys from the DSKE network came, and %s of %s pings were lost meanwhile.\n' "$seen" "$lost" "$rounds"
