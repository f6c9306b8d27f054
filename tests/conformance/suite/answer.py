"""What a KME answered, and how a request with its answer is shown to people."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re

from .outcome import CannotCheck, Failure, expect

SHOWN_MOST = 2000


@dataclasses.dataclass(frozen=True)
class Request:
    who: str  # "master", "slave" or "third"
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


@dataclasses.dataclass(frozen=True)
class Answer:
    request: Request
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """The values of this header, as one list; empty if there is none."""
        return ", ".join(value for known, value in self.headers if known.lower() == name.lower())

    @property
    def media_type(self) -> str:
        return self.header("Content-Type").split(";")[0].strip().lower()

    @property
    def object(self) -> dict:
        """The body, which must be one JSON object in UTF-8 without repeated names."""
        try:
            text = self.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failure(f"the body is not UTF-8: {error}") from None
        try:
            value = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Failure(f"the body is not JSON (RFC 8259): {error}") from None
        expect(isinstance(value, dict), "the body is not a JSON object")
        return value

    def expect_status(self, *allowed: int) -> Answer:
        wanted = " or ".join(map(str, allowed))
        expect(self.status in allowed, f"the status is {self.status}, not {wanted}")
        return self

    @property
    def message(self) -> str:
        """The message of an Error object (clause 6.5)."""
        value = self.object.get("message")
        expect(isinstance(value, str) and value, "the body has no member message that is a string with something in it")
        return value

    def expect_error(self, *allowed: int, message: str | None = None) -> Answer:
        """One of these statuses with an Error object; `message` is compared without regard to case."""
        self.expect_status(*allowed)
        told = self.message
        if message is not None:
            expect(told.strip().rstrip(".").lower() == message, f"the message is not “{message}”")
        return self

    @property
    def entries(self) -> list[dict]:
        """The members of `keys` of a key container (clause 6.3)."""
        if self.status == 503:
            raise CannotCheck("the KME has no keys to give now (503)")
        self.expect_status(200)
        keys = self.object.get("keys")
        expect(isinstance(keys, list) and keys, "keys is not an array with something in it")
        for entry in keys:
            expect(isinstance(entry, dict), "keys holds something else than objects")
            for name in ("key_ID", "key"):
                expect(isinstance(entry.get(name), str), f"an entry of keys has no {name} that is a string")
        return keys

    @property
    def keys(self) -> dict[str, bytes]:
        """The keys by their IDs, in lower case."""
        found = {}
        for entry in self.entries:
            try:
                found[entry["key_ID"].lower()] = base64.b64decode(entry["key"], validate=True)
            except binascii.Error:
                raise Failure("a key is not base64") from None
        expect(len(found) == len(self.entries), "the same key_ID stands twice in one key container")
        return found

    def expect_keys(self, number: int, size: int) -> dict[str, bytes]:
        keys = self.keys
        expect(len(keys) == number, f"there are {len(keys)} keys, not {number}")
        for key in keys.values():
            expect(len(key) * 8 == size, f"a key has {len(key) * 8} bits, not {size}")
        return keys

    def shown(self) -> list[str]:
        """Request and answer as lines of text, without key values."""
        request = self.request
        lines = [f"> {request.method} {request.url}   (as the {request.who} SAE)"]
        lines += [f"> {name}: {value}" for name, value in request.headers.items()]
        if request.body:
            lines += [f"> {_shortened(request.body.decode(errors='backslashreplace'))}"]
        lines += [f"< {self.status}"]
        lines += [f"< {name}: {value}" for name, value in self.headers]
        if self.body:
            lines += [f"< {_shortened(redacted(self.body.decode(errors='backslashreplace')))}"]
        return lines


def redacted(text: str) -> str:
    """Takes every value of a member named key, and in what is not JSON everything that may be base64, away."""
    try:
        return json.dumps(_redacted_value(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return re.sub(r"(?<![0-9A-Za-z+/-])[0-9A-Za-z+/]{10,}={0,2}", "(redacted)", text)


def _redacted_value(value: object, name: str = "") -> object:
    if isinstance(value, dict):
        return {member: _redacted_value(inner, member) for member, inner in value.items()}
    if isinstance(value, list):
        return [_redacted_value(inner, name) for inner in value]
    if name.lower() == "key":
        return f"({len(value)} characters)" if isinstance(value, str) else "(redacted)"
    return value


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}… ({len(text)} characters)"


def _without_repetition(pairs: list[tuple[str, object]]) -> dict:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
