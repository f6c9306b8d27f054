"""The command line and the configuration file."""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import pathlib
import urllib.parse

from .registry import LEVELS

ROLES = ("master", "slave", "third")
PARTS = {
    "kme": "the URL of its KME",
    "sae": "its SAE ID",
    "cert": "its certificate, PEM",
    "key": "its private key, PEM",
}
NAMES = ["ca", *(f"{role}_{part}" for role in ROLES for part in PARTS), "foreign_cert", "foreign_key"]


@dataclasses.dataclass
class Options:
    ca: str
    master_kme: str
    master_sae: str
    master_cert: str
    master_key: str
    slave_kme: str
    slave_sae: str
    slave_cert: str
    slave_key: str
    third_kme: str = ""
    third_sae: str = ""
    third_cert: str = ""
    third_key: str = ""
    foreign_cert: str = ""
    foreign_key: str = ""


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="run",
        description="Checks KMEs against ETSI GS QKD 014 V1.1.1, as their SAEs see them.",
        epilog="Exit status: 0 every check passed or was skipped, 1 some failed, 2 wrong usage, 3 none failed but some "
        "could not be carried out. docs/conformance.md says more.",
    )
    result.add_argument("--config", metavar="FILE", help="JSON file with any of the options below, without the dashes")
    result.add_argument("--ca", metavar="FILE", help="the CA of the KMEs' certificates, PEM")
    for role in ROLES:
        group = result.add_argument_group(f"the {role} SAE" + (" (some checks need one)" if role == "third" else ""))
        for part, text in PARTS.items():
            group.add_argument(f"--{role}-{part}", metavar=part.upper(), help=text)
    group = result.add_argument_group("a certificate in the master SAE's name of a CA that its KME does not trust")
    group.add_argument("--foreign-cert", metavar="FILE", help="default: made with the openssl command")
    group.add_argument("--foreign-key", metavar="FILE")
    result.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="only checks with such names (*, ?)"
    )
    result.add_argument(
        "--level", choices=LEVELS, default=LEVELS[-1], help="no checks beyond this level (default: all)"
    )
    result.add_argument("--list", action="store_true", help="print the checks with level and description, run none")
    result.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return result


def read(arguments: argparse.Namespace, complain) -> Options:
    """Calls `complain` with what is wrong, which does not return."""
    values: dict[str, str] = {}
    if arguments.config:
        values |= _from_file(pathlib.Path(arguments.config), complain)
    values |= {name: value for name in NAMES if (value := getattr(arguments, name)) is not None}
    third = [name for name in NAMES if name.startswith("third_")]
    needed = [name for name in NAMES if not name.startswith(("third_", "foreign_"))]
    if any(name in values for name in third):
        needed += third
    if ("foreign_cert" in values) != ("foreign_key" in values):
        needed += ["foreign_cert", "foreign_key"]
    missing = [_option(name) for name in needed if not values.get(name)]
    if missing:
        complain(f"missing: {', '.join(missing)}")
    for name, value in values.items():
        if name.endswith("_kme"):
            _check_url(_option(name), value, complain)
        elif not name.endswith("_sae") and not pathlib.Path(value).is_file():
            complain(f"{_option(name)}: there is no file {value}")
    saes = [values[f"{role}_sae"] for role in ROLES if f"{role}_sae" in values]
    if len(set(saes)) != len(saes):
        complain("the SAE IDs must differ")
    return Options(**values)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check_url(option: str, url: str, complain) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good:
        complain(f"{option}: {url} is not https://HOST[:PORT][/PATH]")


def _from_file(file: pathlib.Path, complain) -> dict[str, str]:
    """Names of files in it are relative to its own folder."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        complain(f"{file}: {error}")
    if not isinstance(value, dict) or not all(isinstance(member, str) for member in value.values()):
        complain(f"{file}: not a JSON object with strings")
    values = {name.replace("-", "_"): member for name, member in value.items()}
    unknown = sorted(set(values) - set(NAMES))
    if unknown:
        complain(f"{file}: unknown: {', '.join(unknown)}")
    return {
        name: str(file.parent / member) if name == "ca" or name.endswith(("_cert", "_key")) else member
        for name, member in values.items()
    }


def chosen(arguments: argparse.Namespace, checks: list, complain) -> list:
    levels = LEVELS[: LEVELS.index(arguments.level) + 1]
    found = [
        check
        for check in checks
        if check.level in levels
        and (not arguments.only or any(fnmatch.fnmatchcase(check.name, pattern) for pattern in arguments.only))
    ]
    if not found:
        complain("no check is of that name and level; --list shows them")
    return found
