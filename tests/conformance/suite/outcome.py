"""How a check ends, other than by returning: it passed if it returns."""

from __future__ import annotations


class Failure(Exception):
    """The KME does not do what the check asks of it."""


class Skip(Exception):
    """The check does not apply, or something that it needs was not given."""


class CannotCheck(Exception):
    """The KME could not be asked, or cannot do it now: this says nothing of its conformance."""


def expect(condition: object, complaint: str) -> None:
    if not condition:
        raise Failure(complaint)
