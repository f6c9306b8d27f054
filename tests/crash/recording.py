"""What a run leaves on disk for its judge, in one directory:

    psrd/*.json     a copy of every PSRD file that a hub made
    wire-HUB.jsonl  every message between the KMEs and that hub, in the order in which the exchanges ended
    etsi.jsonl      every answer that an encryptor got from its KME
    events.jsonl    what was done to the nodes, and what both sides said at the end was left of their PSRD

One JSON object per line; times are seconds of one monotonic clock.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import threading
import time
from collections.abc import Iterator

import dske_wire as wire
from recording_proxy import Answer, Request

KEPT_HEADERS = (wire.SIGNATURE_HEADER, wire.POLLING_HEADER)


@dataclasses.dataclass
class Wired:
    """One request of a client and every answer that the hub gave to it or to its copies."""

    began: float
    request: Request
    reached_hub: bool  # a copy of it was sent on
    answers: list[tuple[float, Answer]]
    passed_on: bool  # the client got the first answer
    replayed: bool = False  # not from a client: an old message, sent again by the attacker


class Journal:
    """Appends lines to a file, from several threads."""

    def __init__(self, path: pathlib.Path):
        self._file = open(path, "w", buffering=1 << 20)  # noqa: SIM115 closed by close()
        self._lock = threading.Lock()

    def write(self, value: dict) -> None:
        text = json.dumps(value, separators=(",", ":")) + "\n"
        with self._lock:
            self._file.write(text)

    def note(self, what: str, **members: object) -> None:
        self.write({"time": round(time.monotonic(), 6), "what": what, **members})

    def close(self) -> None:
        with self._lock:
            self._file.close()


def lines(path: pathlib.Path) -> Iterator[dict]:
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def _kept(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    wanted = {name.lower() for name in KEPT_HEADERS}
    return {name: value for name, value in headers if name.lower() in wanted}


def to_json(wired: Wired) -> dict:
    request = wired.request
    return {
        "began": round(wired.began, 6),
        "method": request.method,
        "target": request.target,
        "headers": _kept(request.headers),
        "body": request.body.decode("latin-1"),
        "reached_hub": wired.reached_hub,
        "passed_on": wired.passed_on,
        "replayed": wired.replayed,
        "answers": [
            [round(when, 6), answer.status, _kept(answer.headers), answer.body.decode("latin-1")]
            for when, answer in wired.answers
        ],
    }


def from_json(value: dict) -> Wired:
    request = Request(
        value["method"], value["target"], tuple(value["headers"].items()), value["body"].encode("latin-1")
    )
    answers = [
        (when, Answer(status, tuple(headers.items()), body.encode("latin-1")))
        for when, status, headers, body in value["answers"]
    ]
    return Wired(
        value["began"], request, value["reached_hub"], answers, value["passed_on"], value["replayed"]
    )


def read_wire(path: pathlib.Path) -> Iterator[Wired]:
    return map(from_json, lines(path))


def read_psrd(directory: pathlib.Path) -> dict[str, wire.Psrd]:
    """The kept PSRD files, by hub."""
    psrd: dict[str, wire.Psrd] = {}
    for file in sorted(directory.glob("*.json")):
        block = wire.parse_psrd(file.read_bytes())
        psrd.setdefault(block.hub_name, wire.Psrd()).add(block)
    return psrd
