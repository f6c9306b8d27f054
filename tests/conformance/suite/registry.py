"""The checks, in the order of the standard's clauses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

MUST = "MUST"  # the standard's "shall", or that of an RFC that it prescribes
SHOULD = "SHOULD"  # the standard, or such an RFC, recommends it
CLIENTS = "CLIENTS"  # the standard leaves it open, and clients in the field need it
LEVELS = (MUST, SHOULD, CLIENTS)


@dataclasses.dataclass(frozen=True)
class Check:
    name: str  # CLAUSE-what-is-required
    level: str
    description: str
    run: Callable

    @property
    def clause(self) -> str:
        return self.name.split("-")[0]


_checks: dict[str, Check] = {}


def check(name: str, level: str, description: str) -> Callable:
    """Registers a function of a Pair as a check. It returns if the KMEs pass; see outcome.py for the rest."""
    assert re.fullmatch(r"[456](\.[1-6])?(-[a-z0-9.]+)+", name), name
    assert name not in _checks, f"{name} is registered twice"
    assert level in LEVELS

    def register(function: Callable) -> Callable:
        _checks[name] = Check(name, level, description, function)
        return function

    return register


def all_checks() -> list[Check]:
    from . import checks  # registers them

    assert checks
    return sorted(_checks.values(), key=lambda each: [int(part) for part in each.clause.split(".")])
