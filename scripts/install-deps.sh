#!/bin/sh
# Installs what building and testing needs, from Debian's own packages. Does nothing if all is there.
set -eu

packages="
  build-essential cmake ninja-build ccache pkg-config git
  libpistache-dev rapidjson-dev libssl-dev libsqlite3-dev libspdlog-dev libfmt-dev libcxxopts-dev libyaml-cpp-dev
  libcurl4-openssl-dev libexpected-dev libp11-kit-dev libmnl-dev libbenchmark-dev doctest-dev
  clang libclang-rt-14-dev clang-format clang-tidy llvm gcovr
  python3 python3-pytest python3-yaml openssl curl nodejs softhsm2
  wireguard-go wireguard-tools iproute2 iputils-ping qemu-system-x86 seabios busybox-static kmod procps util-linux faketime
"

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "install-deps: everything is installed"
  exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "install-deps: these packages are missing, and neither root nor sudo is there to install them:$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi

echo "install-deps: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
