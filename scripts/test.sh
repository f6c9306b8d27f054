#!/bin/bash
# Installs what is needed, builds, and runs every test. Stops at the first stage that fails; ends with a summary.
#
#   scripts/test.sh              all stages
#   scripts/test.sh STAGE...     only these: deps build unit format system asan fuzz tsan
#                              (lint is a stage too, but takes minutes: scripts/check.sh lint)
#
# Each stage's output is kept in build/test-logs/STAGE.log.
set -u

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0"
  exit 0
fi
cd "$(dirname "$0")/.." || exit 1

readonly default_stages="deps build unit format system asan fuzz tsan"
readonly all_stages="$default_stages lint"
readonly fuzz_seconds=3
readonly logs="$PWD/build/test-logs"
export CMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-ccache}"
export CCACHE_SLOPPINESS=pch_defines,time_macros  # as it asks for where headers are precompiled

stage_deps() { scripts/install-deps.sh; }

# What users get, and of the unit tests those that depend on how the compiler optimises, the mathematics, and those of what
# measures.
stage_build() {
  cmake --preset release && cmake --build --preset release --target programs crash_programs check_kernel_device tunnel_programs test_dske test_bench
}

stage_unit() { ctest --test-dir build --output-on-failure --no-tests=error -R '^unit\.(dske|bench)' -j "$(nproc)"; }

# build_with PRESET TARGET...; the unit tests of a folder are test_FOLDER.
build_with() { cmake --preset "$1" && cmake --build --preset "$1" --target "${@:2}"; }
# shellcheck disable=SC2046 # one target each
unit_tests_with() { build_with "$1" $(printf 'test_%s ' "${@:2}"); }
run_unit_tests() {
  local folders=${*:2}
  ctest --test-dir "$1" --output-on-failure --no-tests=error -R "^unit\.(${folders// /|})\$" -j "$(nproc)"
}

# The product's unit tests under ASan and UBSan, compiled by clang, which also checks the lock annotations.
readonly asan_folders="base dske psrdfile etsi014 http store openapi node hub kme wireguard manager"
# shellcheck disable=SC2086 # one folder each
stage_asan() {
  unit_tests_with asan $asan_folders && UBSAN_OPTIONS=print_stacktrace=1 run_unit_tests build-asan $asan_folders
}

# Those with threads under TSan.
readonly tsan_folders="base http store node hub kme wireguard"
# shellcheck disable=SC2086 # one folder each
stage_tsan() { unit_tests_with tsan $tsan_folders && run_unit_tests build-tsan $tsan_folders; }

# Each fuzzer runs its corpus, then for a short time from there; what it finds stays in build-asan/findings.
stage_fuzz() {
  build_with asan fuzzers || return 1
  mkdir -p build-asan/findings
  printf '%s\n' build-asan/bin/fuzz_* | xargs -P "$(nproc)" -n 1 scripts/test.sh --fuzzer
}

one_fuzzer() {
  local name corpus result
  name=$(basename "$1")
  corpus="tests/fuzz/corpus/${name#fuzz_}"
  mkdir -p "build-asan/corpus/$name"
  [ -d "$corpus" ] || corpus=""
  # shellcheck disable=SC2086 # an empty corpus is no argument
  "$1" -max_total_time=$fuzz_seconds -timeout=10 -print_final_stats=1 \
    -artifact_prefix=build-asan/findings/ "build-asan/corpus/$name" $corpus >"build-asan/findings/$name.log" 2>&1
  result=$?
  [ $result -eq 0 ] || cat "build-asan/findings/$name.log"
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-asan/findings/$name.log") runs, exit status $result"
  return $result
}

stage_lint() { scripts/check.sh lint; }
stage_format() { scripts/check.sh format; }

# What the sanitizers' stages have to compile, as far as it gets, by what the processors have left to do: at idle
# priority, which gives way at once.
# shellcheck disable=SC2086 # one folder each
compile_ahead() {
  case "$stages" in *asan*) unit_tests_with asan $asan_folders ;; esac
  case "$stages" in *fuzz*) build_with asan fuzzers ;; esac
  case "$stages" in *tsan*) unit_tests_with tsan $tsan_folders ;; esac
}

# Most of them wait most of the time: three files run beside each other, first those that wait for natural times, then
# the largest.
stage_system() {
  local result ahead
  mkdir -p "$logs/system"
  rm -f "$logs"/system/*
  setsid chrt --idle 0 "$PWD/scripts/test.sh" --compile-ahead "$stages" >"$logs/ahead.log" 2>&1 &
  ahead=$!
  # shellcheck disable=SC2012 # the names are plain
  { ls tests/system/test_wireguard*.py && ls -S tests/system/test_*.py; } | awk '!seen[$0]++' |
    LOGS=$logs/system xargs -P 3 -n 1 --process-slot-var=DSKE_TEST_SLOT scripts/test.sh --system-file
  result=$?
  kill -TERM -- "-$ahead" 2>/dev/null # what has been compiled stays
  wait "$ahead" 2>/dev/null
  while pgrep -g "$ahead" >/dev/null; do sleep 0.1; done
  tail -qn 1 "$logs"/system/*.log | grep -oE '[0-9]+ (passed|failed|errors?|skipped)' |
    awk '{ sum[$2] += $1 } END { printf "system tests:"; for (what in sum) printf " %d %s", sum[what], what; print "" }'
  return $result
}

# One file of them: its own log, one line of it here, or all of it if something failed.
system_file() {
  local log result
  log="$LOGS/$(basename "$1" .py).log"
  python3 -m pytest "$1" >"$log" 2>&1
  result=$?
  [ $result -eq 0 ] || cat "$log"
  echo "$1: $(tail -n 1 "$log" | tr -d =)"
  return $result
}
case "${1:-}" in
  --system-file) system_file "$2"; exit ;;
  --fuzzer) one_fuzzer "$2"; exit ;;
  --compile-ahead) stages=$2; compile_ahead; exit ;;
esac

stages=${*:-$default_stages}
for stage in $stages; do
  case " $all_stages " in
    *" $stage "*) ;;
    *)
      echo "test.sh: there is no stage $stage ($all_stages)" >&2
      exit 2
      ;;
  esac
done

mkdir -p "$logs"
summary=""
failed=0
for stage in $stages; do
  if [ $failed -ne 0 ]; then
    summary+=$(printf '  %-7s not run' "$stage")$'\n'
    continue
  fi
  echo "=== $stage"
  began=$SECONDS
  "stage_$stage" >"$logs/$stage.log" 2>&1
  result=$?
  taken=$((SECONDS - began))
  if [ $result -eq 0 ]; then
    tail -n 4 "$logs/$stage.log"
    summary+=$(printf '  %-7s passed  %4d s' "$stage" $taken)$'\n'
  else
    tail -n 100 "$logs/$stage.log"
    summary+=$(printf '  %-7s FAILED  %4d s  (%s)' "$stage" $taken "$logs/$stage.log")$'\n'
    failed=1
  fi
done
printf '\n=== summary (%d s)\n%s' $SECONDS "$summary"
exit $failed
