"""A short run of tests/crash: nodes are killed at every fault point and at random, and the recording shows no violation."""

import os
import subprocess
import sys

import pytest

from nodes import BIN, PATIENCE, REPOSITORY

FAULT_BIN = BIN.parent / "fault" / "bin"
HARNESS = REPOSITORY / "tests" / "crash"

sys.path.append(str(HARNESS))


def run_harness(*arguments: object) -> str:
    assert (FAULT_BIN / "dske-fault-points").exists(), f"build the target crash_programs first: {FAULT_BIN} is not there"
    done = subprocess.run(
        [sys.executable, HARNESS / "run", *map(str, arguments)], capture_output=True, text=True,
        timeout=600 * PATIENCE, check=False, env={**os.environ, "DSKE_BIN": str(FAULT_BIN)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def test_every_fault_point_is_killed_at_and_nothing_is_used_lost_or_given_twice(tmp_path):
    shown = run_harness("--points", "--kills", 70, "--seed", 1, "--pace", 0.1, "--keep", tmp_path / "run")
    assert "           0  violations" in shown
    listed = subprocess.run([FAULT_BIN / "dske-fault-points"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        name = line.split("\t")[0]
        assert name == "set-back.dropped" or f" {name}\n" in shown, f"nobody was killed at {name}"


def test_products_know_no_fault_points():
    for program in ("dske-hub", "dske-kme", "dske-manager"):
        assert b"DSKE_FAULT" not in (BIN / program).read_bytes(), program


@pytest.mark.parametrize("kind", ["hub", "kme"])
def test_every_source_with_points_is_built_for_the_harness(kind):
    listed = (HARNESS / "CMakeLists.txt").read_text()
    for folder in ("base", "dske", "etsi014", "http", "store", "node", "psrdfile", kind):
        for source in (REPOSITORY / folder).glob("*.cpp"):
            if '#include "base/fault_point.h"' in source.read_text():
                assert f"{folder}/{source.name}" in listed, f"{source} has fault points, tests/crash does not build it"
