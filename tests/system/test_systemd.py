"""What `cmake --install` puts on a host: systemd accepts the units, and the programs run as they say."""

from __future__ import annotations

import pathlib
import re
import shutil

import pytest
import yaml

from nodes import BIN, HUB, KME, run

UNITS = ("dske-hub@.service", "dske-kme@.service")
ALL_UNITS = (*UNITS, "dske-wireguard@.service")  # the last one begins as root for its helper
HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "MemoryDenyWriteExecute": "yes",
    "LimitMEMLOCK": "infinity",
    "LimitCORE": "0",
    "StateDirectoryMode": "0700",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> pathlib.Path:
    """An installation into a directory of its own."""
    build = BIN.parent
    if not (build / "CMakeCache.txt").exists():
        pytest.skip(f"{build} is no build directory")
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", build, "--prefix", prefix, seconds=60)
    return prefix


def settings(unit: pathlib.Path) -> dict[str, str]:
    lines = [line for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_programs_units_users_directories_and_examples_are_installed(root):
    for path in (
        "bin/dske-hub", "bin/dske-kme", "bin/dske-manager", "bin/dske-wireguard",
        *(f"lib/systemd/system/{unit}" for unit in ALL_UNITS), "share/doc/dske/examples/wireguard.yaml",
        "lib/sysusers.d/dske.conf", "lib/tmpfiles.d/dske.conf", "share/doc/dske/examples/hub.yaml",
        "share/doc/dske/examples/kme.yaml", "share/doc/dske/operations.md",
    ):  # fmt: skip
        assert (root / path).is_file(), path
    run(root / "bin/dske-hub", "--version")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened_and_runs_as_a_user_of_its_own(root, unit):
    found = settings(root / "lib/systemd/system" / unit)
    assert {name: found.get(name) for name in HARDENING} == HARDENING
    user = found["User"]
    assert user == unit.split("@")[0]
    assert re.search(rf"^u {user} ", (root / "lib/sysusers.d/dske.conf").read_text(), re.MULTILINE)
    assert re.search(rf"^d /var/lib/dske/{user[5:]} 0700 {user} {user} ", (root / "lib/tmpfiles.d/dske.conf").read_text(),
                     re.MULTILINE)  # fmt: skip
    assert "@" not in found["ExecStart"]  # nothing is left to be filled in


# In tenths. dske-wireguard's helper sets the keys of devices, as root; the adapter itself gives its rights up.
EXPOSURE = {"dske-wireguard": 45}


@pytest.mark.parametrize("unit", ALL_UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(root, unit, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    text = (root / "lib/systemd/system" / unit).read_text()
    program = unit.split("@")[0]
    # The prefix of an installation is known when it is configured; here it is elsewhere.
    text = re.sub(r"ExecStart=\S+", f"ExecStart={BIN / program}", text)
    instance = tmp_path / unit.replace("@", "@test")
    instance.write_text(text)
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", instance, code=None)
    complaints = [line for line in done.stderr.splitlines() if "dske" in line]
    assert done.returncode == 0 and complaints == [], done.stderr
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE.get(program, 25)}", instance, code=None)
    assert done.returncode == 0, done.stdout[-3000:]


def test_users_and_directories_are_as_systemd_wants_them(root, tmp_path):
    if not shutil.which("systemd-sysusers"):
        pytest.skip("there is no systemd-sysusers")
    done = run("systemd-sysusers", "--dry-run", root / "lib/sysusers.d/dske.conf")
    assert "dske-hub" in done.stdout + done.stderr and "dske-kme" in done.stdout + done.stderr


@pytest.mark.parametrize("program, example", [(HUB, "hub.yaml"), (KME, "kme.yaml")])
def test_an_example_configuration_is_right(root, program, example, tmp_path):
    config = yaml.safe_load((root / "share/doc/dske/examples" / example).read_text())
    config["state_dir"] = str(tmp_path / "state")
    file = tmp_path / example
    file.write_text(yaml.safe_dump(config))
    run(program, "init", "--config", file)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
