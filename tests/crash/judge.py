"""Judges a crash run by what it left on disk, and by nothing else: recording.py says what that is.

    python3 tests/crash/judge.py DIRECTORY

Each check collects violations instead of stopping at the first. docs/crash-testing.md says precisely what each means.
"""

from __future__ import annotations

import bisect
import collections
import json
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import dske_wire as wire
import recording
import wire_check
from recording import Wired

Fault = list[str]

BUNDLES_REBUILT = 2000


def is_accepted(status: int, signed: bool) -> bool:
    return signed and status == 200


class WireJudge:
    """One hub's messages."""

    def __init__(self, hub: str, psrd: wire.Psrd, faults: Fault):
        self.hub = hub
        self.psrd = psrd
        self.hub_id = next(iter(psrd.blocks.values())).hub_id
        self.faults = faults
        self.ledger = wire_check.Ledger(psrd)
        self.accepted: dict[tuple, int] = collections.Counter()
        self.epochs: dict[str, list[tuple[float, bytes]]] = collections.defaultdict(list)  # by client: since when
        self.counts: collections.Counter[str] = collections.Counter()

    def fault(self, text: str) -> None:
        self.faults.append(f"hub {self.hub}: {text}")

    def judge(self, messages: list[Wired]) -> None:
        for wired in messages:
            self._learn_epoch(wired)
        for wired in messages:
            self.counts["messages"] += 1 + len(wired.answers)
            self._uses(wired)
            self._accepted_once(wired)
            self._verifies(wired)
        repeated = [identity for identity, count in self.accepted.items() if count > 1]
        for identity in repeated:
            self.fault(f"accepted {self.accepted[identity]} times: {str(identity)[:300]}")
        registrations = wire_check.RegistrationCheck(self.psrd)
        for problem in registrations.problems(messages):
            self.fault(problem)
        self.counts["registrations"] += registrations.accepted
        for zone, count in self.ledger.bytes_used.items():
            self.counts[f"{zone} bytes"] += count

    # No byte for two purposes or messages, and each from its zone. What never reached the hub was on the wire too.
    def _uses(self, wired: Wired) -> None:
        try:
            uses = wire_check.client_uses(wired.request)
            for _, answer in wired.answers:
                uses += wire_check.hub_uses(wired.request, answer)
        except (ValueError, KeyError, wire.WireError) as problem:
            self.fault(f"{wired.request.method} {wired.request.target}: {problem!r}")
            return
        for use in uses:
            try:
                self.ledger.add(use)
            except AssertionError as problem:
                self.fault(str(problem))

    def _accepted_once(self, wired: Wired) -> None:
        request = wired.request
        proof = request.header(wire.SIGNATURE_HEADER) or request.header(wire.POLLING_HEADER)
        for _, answer in wired.answers:
            signed = answer.header(wire.SIGNATURE_HEADER) or answer.header(wire.POLLING_HEADER)
            if signed and not proof:
                self.fault(f"{request.method} {request.target} without a proof was answered {answer.status}")
            if is_accepted(answer.status, bool(signed)):
                self.accepted[request.method, request.target, proof] += 1

    def _learn_epoch(self, wired: Wired) -> None:
        if (wired.request.method, wired.request.path) != ("PUT", "/registration"):
            return
        for when, answer in wired.answers:
            if answer.status == 200:
                epoch = uuid.UUID(json.loads(answer.body)["epoch"]).bytes
                known = self.epochs[json.loads(wired.request.body)["client_name"]]
                if not known or known[-1][1] != epoch:
                    known.append((when, epoch))

    def _epochs_at(self, client: str, time: float) -> list[bytes]:
        """All that the client was ever told by this hub, the likeliest first: the last before that time."""
        known = self.epochs[client]
        before = bisect.bisect_right([since for since, _ in known], time)
        return [epoch for _, epoch in known[:before][::-1] + known[before:]]

    # Both signatures are right, under one epoch of that hub.
    def _verifies(self, wired: Wired) -> None:
        request = wired.request
        header = request.header(wire.SIGNATURE_HEADER)
        for _, answer in wired.answers if header else []:
            answer_header = answer.header(wire.SIGNATURE_HEADER)
            if answer_header is None:
                if answer.status not in (401, 429, 503):
                    self.fault(f"unsigned {answer.status} to {request.method} {request.target}")
                continue
            try:
                signature, answer_signature = wire.Signature.parse(header), wire.Signature.parse(answer_header)
                client = self.psrd.blocks[signature.fragments[0].block].client_name
                key = self.psrd.read(list(signature.fragments))
                answer_key = self.psrd.read(list(answer_signature.fragments))
            except (wire.WireError, KeyError, ValueError) as problem:
                self.fault(f"{request.method} {request.target} was accepted: {problem!r}")
                continue
            registering = request.path == "/registration"
            known = [wire.ZERO_EPOCH] if registering else self._epochs_at(client, wired.began)
            for epoch in known:
                target = (self.hub_id, epoch, request.method, request.target)
                if wire.poly1305(key, wire.request_input(*target, request.body)) == signature.tag:
                    expected = wire.answer_input(*target, answer.status, signature.tag, answer.body)
                    if wire.poly1305(answer_key, expected) != answer_signature.tag:
                        self.fault(f"the answer to {request.method} {request.target} has a wrong tag")
                    self.counts["signatures verified"] += 2
                    break
            else:
                self.fault(f"{request.method} {request.target} was accepted with a wrong tag")


class KeyJudge:
    """What the encryptors got."""

    def __init__(self, faults: Fault):
        self.faults = faults
        self.given: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.fetched: dict[str, dict[str, list[float]]] = collections.defaultdict(dict)
        self.counts: collections.Counter[str] = collections.Counter()

    def judge(self, answers: list[dict], events: list[dict]) -> None:
        starts = collections.defaultdict(list)
        for event in events:
            if event["what"] == "started":
                starts[event["node"]].append(event["time"])
        for answer in answers:
            self.counts[f"{answer['call']} {answer['status']}"] += 1
            if answer["status"] == 200:
                (self._enc if answer["call"] == "enc_keys" else self._dec)(answer, starts)
            elif answer["status"] == 400 and all(key_id in self.given for key_id in answer.get("asked", [])):
                # Its hubs may be down; but then the answer is 503, so that the encryptor asks again.
                self.faults.append(f"keys that a master was given are said to be unknown: {answer.get('asked')}")
        lost = [key_id for key_id in self.given if key_id not in self.fetched]
        for key_id in lost:
            self.faults.append(f"key {key_id} was given to a master and never reached its slave")
        self.counts["keys given to masters"] = len(self.given)
        self.counts["keys fetched by slaves"] = len(self.fetched)

    def _enc(self, answer: dict, _starts: dict) -> None:
        for key_id, key in answer["keys"].items():
            if key_id in self.given:
                self.faults.append(f"key {key_id} was given to a master twice")
            elif key in self.values:
                self.faults.append(f"keys {key_id} and {self.values[key]} are the same")
            self.given[key_id] = key
            self.values[key] = key_id

    def _dec(self, answer: dict, starts: dict) -> None:
        for key_id, key in answer["keys"].items():
            # A key whose answer to the master was lost is nowhere to be compared.
            if self.given.get(key_id, key) != key:
                self.faults.append(f"key {key_id} is another one at its slave than at its master")
            before = self.fetched[key_id].get(answer["sae"])
            if before and not any(before[0] < start < answer["time"] for start in starts[answer["kme"]]):
                self.faults.append(f"key {key_id} was delivered twice to {answer['sae']} in one run of its KME")
            self.fetched[key_id][answer["sae"]] = [answer["time"]]


def judge_rebuilt_keys(posted: dict, given: dict[str, str], faults: Fault) -> int:
    """The keys that encryptors got are those whose shares crossed the hubs. Returns how many were compared."""
    compared = 0
    for bundle, (context, tag, points) in list(posted.items())[:BUNDLES_REBUILT]:
        if len(points) < context.shares_required:
            if any(context.key_id(i) in given for i in range(context.key_count)):
                faults.append(f"bundle {bundle}: given to a master with only {len(points)} shares sent")
            continue
        secret = wire.recover(dict(list(points.items())[: context.shares_required]))
        if wire.tag_of_secret(secret, context) != tag:
            faults.append(f"bundle {bundle}: the secret tag does not fit the shares")
        for key_id, key in wire.keys_of_secret(secret, context).items():
            if given.get(key_id, key.hex()) != key.hex():
                faults.append(f"key {key_id} is another one than its shares give")
            compared += key_id in given
    return compared


def shares_posted(messages: list[Wired], psrd: wire.Psrd, posted: dict, faults: Fault) -> None:
    hub = next(iter(psrd.blocks.values())).hub_id
    for wired in messages:
        if (wired.request.method, wired.request.path) != ("POST", "/key-share"):
            continue
        try:
            context, share, tag = wire_check.share_of(wired.request, psrd)
        except (wire.WireError, KeyError, ValueError) as problem:
            faults.append(f"a share that cannot be read: {problem!r}")
            continue
        known = posted.setdefault(context.bundle_id, (context, tag, {}))
        if known[:2] != (context, tag):
            faults.append(f"bundle {context.bundle_id}: two hubs got different contexts or tags")
        known[2][context.hubs.index(hub) + 1] = share


def judge_levels(events: list[dict], faults: Fault) -> int:
    """What both sides said at the end was left."""
    compared = 0
    for event in events:
        if event["what"] != "levels":
            continue
        compared += 1
        if event["hub_side"] != event["kme_side"]:
            faults.append(
                f"{event['hub']} and {event['kme']} do not agree on what is left of block {event['block']}: "
                f"{event['hub_side']} and {event['kme_side']}"
            )
    if not compared:
        faults.append("no levels were compared")
    return compared


def judge(directory: pathlib.Path) -> tuple[Fault, dict[str, int]]:
    faults: Fault = []
    counts: collections.Counter[str] = collections.Counter()
    posted: dict = {}
    for hub, psrd in recording.read_psrd(directory / "psrd").items():
        messages = sorted(recording.read_wire(directory / f"wire-{hub}.jsonl"), key=lambda wired: wired.began)
        wire_judge = WireJudge(hub, psrd, faults)
        wire_judge.judge(messages)
        counts += wire_judge.counts
        shares_posted(messages, psrd, posted, faults)
        counts["PSRD blocks"] += len(psrd.blocks)
    events = list(recording.lines(directory / "events.jsonl"))
    keys = KeyJudge(faults)
    keys.judge(list(recording.lines(directory / "etsi.jsonl")), events)
    counts += keys.counts
    counts["keys rebuilt from their shares"] += judge_rebuilt_keys(posted, keys.given, faults)
    counts["blocks whose levels were compared"] += judge_levels(events, faults)
    return faults, dict(counts)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    faults, counts = judge(pathlib.Path(sys.argv[1]))
    for name, count in counts.items():
        print(f"{count:12,}  {name}")
    for fault in faults:
        print(f"VIOLATION: {fault}")
    print(f"{len(faults):12,}  violations")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
