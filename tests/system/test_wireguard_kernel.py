"""dske-wireguard on the kernel's WireGuard: kernel_cases.py, on this kernel if it has it, otherwise on one in an emulated
machine (kernel_vm.py)."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from kernel_vm import run_in_vm
from nodes import BIN, PATIENCE
from privileges import needs_root

pytestmark = needs_root

CASES = pathlib.Path(__file__).with_name("kernel_cases.py")
NAMES = re.findall(r"^def (test_\w+)", CASES.read_text(), re.MULTILINE)
SECONDS = 1800  # at most: time in the emulated machine does not go on while a busy host has no time for it
EMULATED = 2  # times the patience with a processor of silicon


def has_wireguard() -> bool:
    """Whether this kernel makes WireGuard devices."""
    made = subprocess.run(["ip", "link", "add", "dskeprobe0", "type", "wireguard"], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", "dskeprobe0"], capture_output=True, check=False)
    return made.returncode == 0


@pytest.fixture(scope="module")
def report() -> str:
    """What pytest wrote about the cases, all of them run once."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-v", "-rA", "--tb=short", str(CASES)]
    environment = {"DSKE_BIN": str(BIN), "DSKE_TEST_PATIENCE": str(PATIENCE)}
    if has_wireguard():
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False,
                              timeout=SECONDS * PATIENCE)  # fmt: skip
        return done.stdout + done.stderr
    environment["DSKE_TEST_PATIENCE"] = str(PATIENCE * EMULATED)
    return run_in_vm(command, SECONDS * PATIENCE, environment)[1]


@pytest.mark.parametrize("name", NAMES)
def test_kernel(report, name):
    assert re.search(rf"^PASSED \S*::{name}$", report, re.MULTILINE), report
