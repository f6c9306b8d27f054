#!/bin/sh
# Checks the source without running the product.
#
#   scripts/check.sh lint [--all] [FILE...]
#       clang-tidy with .clang-tidy, and clang's check of the lock annotations, over the product's sources or those
#       named. A source that passed is not looked at again (--all: it is) until it, a header or the checks change.
#       Needs the release build (cmake --preset release && cmake --build --preset release).
#   scripts/check.sh format [--fix]
#       clang-format over every tracked C++ file; --fix rewrites them.
#   scripts/check.sh coverage
#       Builds with the preset "coverage", runs the unit tests, prints which lines they reach and
#       writes build-coverage/coverage.html.
#
# JOBS sets how many run at once (default: the number of processors), BUILD where the release build lies.
set -eu

usage() { sed -n '2,15s/^# \{0,1\}//p' "$0"; }

wrong_usage() {
  echo "check: $1; see scripts/check.sh --help" >&2
  exit 2
}

# Lints one source: check.sh --lint-one STAMPS FILE. The stamp of a source that passed is named after all that the
# result depends on: its text with all that it includes, the checks, and the linter itself.
lint_one() {
  stamps=$1
  source=$2
  command=$(sed -n "s|^ *\"command\": \"\(.*\) -o [^ ]* -c $source\",*\$|\1|p" "$BUILD/compile_commands.json" | head -n 1)
  includes=$(printf '%s\n' "$command" | tr ' ' '\n' | grep -E '^-(I|D|isystem|std)' | sed 's/\\//g' || true)
  # shellcheck disable=SC2086 # one flag each
  key=$(
    { clang++ $includes -E -C -P "$source" 2>/dev/null || date +%N; cat .clang-tidy; clang-tidy --version; } | sha256sum |
      cut -c1-40
  )
  [ ! -e "$stamps/$key" ] || exit 0
  # The compile commands may be another compiler's.
  result=0
  clang-tidy -p "$BUILD" --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wthread-safety "$source" \
    >"$stamps/$key.$$" 2>&1 || result=$?
  if [ $result -ne 0 ]; then
    grep -vE '^[0-9]+ warnings? (generated|treated as errors)|^Suppressed |^Use -header-filter' "$stamps/$key.$$" || true
    echo "$source: clang-tidy ended with $result"
    rm -f "$stamps/$key.$$"
    exit 1
  fi
  mv "$stamps/$key.$$" "$stamps/$key"
}

lint() {
  stamps=$BUILD/lint
  while [ $# -gt 0 ]; do
    case "$1" in
      --all) rm -rf "$stamps" ;;
      -*) wrong_usage "unknown option $1" ;;
      *) break ;;
    esac
    shift
  done
  if [ ! -e "$BUILD/compile_commands.json" ]; then
    echo "check: $BUILD/compile_commands.json is missing: build first (cmake --preset release)" >&2
    exit 1
  fi
  mkdir -p "$stamps"
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@" | sed "s|^\([^/]\)|$PWD/\1|"
  else
    sed -n 's|^ *"file": "\(.*\)",*$|\1|p' "$BUILD/compile_commands.json" | grep -E "^$PWD/" |
      grep -vE "^$PWD/(tests|build)" | sort -u
  fi >"$stamps/sources"
  if xargs -P "$JOBS" -n 1 "$0" --lint-one "$stamps" <"$stamps/sources"; then
    echo "check: $(wc -l <"$stamps/sources") sources are clean"
  else
    echo "check: clang-tidy has complaints" >&2
    exit 1
  fi
}

format() {
  set -- "${1:---check}" "$#"
  mode=--dry-run
  if [ "$1" = --fix ]; then mode=-i; elif [ "$2" -gt 0 ]; then wrong_usage "unknown option $1"; fi
  if git ls-files -z '*.h' '*.cpp' | xargs -0 -P "$JOBS" -n 16 clang-format "$mode" -Werror; then
    echo "check: every C++ file is formatted"
  else
    echo "check: some files are not formatted: scripts/check.sh format --fix" >&2
    exit 1
  fi
}

coverage() {
  [ $# -eq 0 ] || wrong_usage "coverage takes no arguments"
  cmake --preset coverage >/dev/null
  cmake --build --preset coverage --target unit_tests
  find build-coverage -name '*.gcda' -delete
  ctest --test-dir build-coverage -R '^unit' -j "$JOBS" --output-on-failure
  gcovr --root . --object-directory build-coverage --exclude '.*tests/' --exclude-throw-branches -j "$JOBS" \
    --html build-coverage/coverage.html --txt
}

cd "$(dirname "$0")/.."
JOBS=${JOBS:-$(nproc)}
BUILD=${BUILD:-build}
export JOBS BUILD
[ $# -gt 0 ] || wrong_usage "say what to check"
what=$1
shift
case "$what" in
  -h | --help) usage ;;
  lint | format | coverage) "$what" "$@" ;;
  --lint-one) lint_one "$@" ;;
  *) wrong_usage "unknown check $what" ;;
esac
