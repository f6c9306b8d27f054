"""What must hold of any recorded traffic, judged from the recording and the PSRD files alone."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import hashlib
import json
import uuid

import dske_wire as wire
from recording_proxy import Answer, Exchange, RecordingProxy, Request


@dataclasses.dataclass(frozen=True)
class Use:
    """PSRD bytes that a message claims."""

    fragment: wire.Fragment
    zone: str  # where these bytes must lie
    purpose: str
    message: tuple  # the same bytes may be claimed again only by the same message


def _identity(message: Request | Answer, signature: str | None) -> tuple:
    if isinstance(message, Request):
        return ("request", message.method, message.target, signature, message.body)
    return ("answer", message.status, signature, message.body)


def _signature_uses(message: Request | Answer, side: str) -> list[Use]:
    header = message.header(wire.SIGNATURE_HEADER)
    if header is None:
        return []
    return [
        Use(fragment, f"{side}_authenticator", "signature", _identity(message, header))
        for fragment in wire.Signature.parse(header).fragments
    ]


def _allocation_uses(message: Request | Answer, body: dict, member: str, zone: str) -> list[Use]:
    allocation = body.get(member, [])
    header = message.header(wire.SIGNATURE_HEADER)
    return [Use(wire.Fragment.from_json(part), zone, member, _identity(message, header)) for part in allocation]


def client_uses(request: Request) -> list[Use]:
    """What a client spends on a request."""
    uses = _signature_uses(request, "client")
    if (request.method, request.path) == ("PUT", "/registration"):
        uses += _allocation_uses(request, json.loads(request.body), "polling_key", "client_authenticator")
    if (request.method, request.path) == ("POST", "/key-share"):
        uses += _allocation_uses(request, wire.parse_key_share(request.body), "allocation", "client_pad")
    return uses


def hub_uses(request: Request, answer: Answer) -> list[Use]:
    """What a hub spends on an answer."""
    uses = _signature_uses(answer, "hub")
    if (request.method, request.path, answer.status) == ("GET", "/key-share", 200):
        uses += _allocation_uses(answer, wire.parse_key_share(answer.body), "allocation", "hub_pad")
    return uses


class Ledger:
    """Who used which bytes. What is used twice is an identical repetition of one message (method, target, signature and
    body, or status, signature and body), or it is found out: the same tag under the same key and the same ciphertext
    under the same pad tell nobody anything new, but any other second message does."""

    def __init__(self, psrd: wire.Psrd):
        self._psrd = psrd
        self._starts: dict[uuid.UUID, list[int]] = collections.defaultdict(list)  # of the ranges, sorted
        self._ranges: dict[tuple[uuid.UUID, int], tuple[int, bytes, str]] = {}  # end, what used it, for whom to read
        self.bytes_used: dict[str, int] = collections.Counter()  # by zone

    def add(self, use: Use) -> None:
        block, start, end = use.fragment.block, use.fragment.start, use.fragment.end
        assert block in self._psrd.blocks, f"unknown block {block}"
        assert use.fragment.size > 0, use
        assert self._psrd.zone_of(use.fragment) == use.zone, f"{use.purpose} at {use.fragment} is not in {use.zone}"
        identity = hashlib.sha256(repr((use.purpose, use.message)).encode()).digest()
        shown = f"{use.purpose} of {str(use.message)[:300]}"
        known = self._ranges.get((block, start))
        if known and known[:2] == (end, identity):
            return  # the same message again
        starts = self._starts[block]
        place = bisect.bisect_left(starts, end)  # the first range that begins behind this one
        if place > 0:
            other_end, _, other = self._ranges[block, starts[place - 1]]
            assert other_end <= start, (
                f"byte {max(start, starts[place - 1])} of block {block} is used twice, for\n{other}\nand\n{shown}"
            )
        starts.insert(place, start)
        self._ranges[block, start] = (end, identity, shown)
        self.bytes_used[use.zone] += end - start


def check_uses(uses: list[Use], psrd: wire.Psrd) -> int:
    """No byte for two purposes or two messages, and every byte from the zone it belongs to. Returns the bytes used."""
    ledger = Ledger(psrd)
    for use in uses:
        ledger.add(use)
    return sum(ledger.bytes_used.values())


def uses_of(exchanges: list[Exchange]) -> list[Use]:
    uses = []
    for exchange in exchanges:
        uses += client_uses(exchange.received)
        for answer in exchange.hub_answers:
            uses += hub_uses(exchange.sent, answer)
    return uses


def check_accepted_once(exchanges: list[Exchange]) -> None:
    """No two identical signed or polling requests were both answered with something else than 401."""
    accepted: dict[tuple, int] = collections.Counter()
    for exchange in exchanges:
        request = exchange.sent
        proof = request.header(wire.SIGNATURE_HEADER) or request.header(wire.POLLING_HEADER)
        for answer in exchange.hub_answers:
            if answer.status not in (401, 429):
                assert proof, f"{request.method} {request.target} was answered {answer.status} without a proof"
                accepted[_identity(request, proof)] += 1
    repeated = [identity for identity, count in accepted.items() if count > 1]
    assert not repeated, f"accepted twice: {repeated}"


def check_signatures(exchanges: list[Exchange], psrd: wire.Psrd) -> int:
    """Every answer that a hub gave to a signed request verifies, and so does the request that it answered. Returns how
    many pairs were checked."""
    checked = 0
    hub = next(iter(psrd.blocks.values())).hub_id
    epochs: dict[str, bytes] = {}
    for exchange in exchanges:
        request = exchange.sent
        header = request.header(wire.SIGNATURE_HEADER)
        if header is None:
            continue
        signature = wire.Signature.parse(header)
        client = psrd.blocks[signature.fragments[0].block].client_name
        for answer in exchange.hub_answers:
            answer_header = answer.header(wire.SIGNATURE_HEADER)
            if answer_header is None:
                assert answer.status in (401, 429), f"unsigned {answer.status} to a signed request"
                continue
            registering = request.path == "/registration"
            # Other threads may have registered in between: only the epochs of this exchange or earlier count.
            known = [wire.ZERO_EPOCH] if registering else [epochs[client]]
            tag = wire.poly1305(
                psrd.read(list(signature.fragments)),
                wire.request_input(hub, known[0], request.method, request.target, request.body),
            )
            assert tag == signature.tag, f"{request.method} {request.target} was accepted with a wrong tag"
            answer_signature = wire.Signature.parse(answer_header)
            assert answer_signature.tag == wire.poly1305(
                psrd.read(list(answer_signature.fragments)),
                wire.answer_input(
                    hub, known[0], request.method, request.target, answer.status, signature.tag, answer.body
                ),
            ), f"the answer to {request.method} {request.target} has a wrong tag"
            if registering and answer.status == 200:
                epochs[client] = uuid.UUID(json.loads(answer.body)["epoch"]).bytes
            checked += 1
    return checked


def check_proxy(proxy: RecordingProxy) -> int:
    """Everything above, for one hub's traffic. Returns the PSRD bytes that it used."""
    exchanges = proxy.recorded()
    check_accepted_once(exchanges)
    return check_uses(uses_of(exchanges), proxy.psrd)


def share_of(message: Request | Answer, psrd: wire.Psrd) -> tuple[wire.Context, bytes, bytes]:
    """The context, clear share and secret tag of a POST request or GET answer."""
    body = wire.parse_key_share(message.body)
    pad = psrd.read([wire.Fragment.from_json(part) for part in body["allocation"]])
    share = pad if is_psrd_share(message) else wire.xor(body["encrypted_share"], pad)
    return wire.Context.from_json(body["context"]), share, wire.unb64(body["secret_tag"])


def is_psrd_share(message: Request | Answer) -> bool:
    """Whether a POST request carries no share, since PSRD is the share. No answer may be like that."""
    body = wire.parse_key_share(message.body)
    if "share_from" not in body:
        return False
    assert isinstance(message, Request) and body["share_from"] == "psrd" and "encrypted_share" not in body
    return True


def keys_on_the_wire(proxies: list[RecordingProxy]) -> dict[str, bytes]:
    """The keys of every bundle whose initiator's shares the recordings hold at least k of: what an attacker who holds
    the hubs' PSRD would learn, and so what the product must have delivered."""
    bundles: dict[uuid.UUID, tuple[wire.Context, bytes, dict[int, bytes]]] = {}
    for proxy in proxies:
        hub = next(iter(proxy.psrd.blocks.values())).hub_id
        for exchange in proxy.recorded("POST", "/key-share"):
            if exchange.received.path != "/key-share":
                continue
            context, share, tag = share_of(exchange.received, proxy.psrd)
            known = bundles.setdefault(context.bundle_id, (context, tag, {}))
            assert known[:2] == (context, tag), "two hubs got different contexts or tags for one bundle"
            assert len(share) == context.share_size
            known[2][context.hubs.index(hub) + 1] = share
    keys: dict[str, bytes] = {}
    for context, tag, points in bundles.values():
        if len(points) < context.shares_required:
            continue
        secret = wire.recover(dict(list(points.items())[: context.shares_required]))
        assert wire.tag_of_secret(secret, context) == tag, "the secret tag does not fit the shares"
        for x, share in points.items():
            assert wire.evaluate_shares(dict(list(points.items())[: context.shares_required]), x) == share
        keys.update(wire.keys_of_secret(secret, context))
    return keys


class RegistrationCheck:
    """After each registration both ends agree on what is left of each block that both hold:

    * what the client says it may still use of its own half, the hub does not accept below;
    * neither side says that the other has used what it never sent;
    * neither side stays below what the other has seen of it, nor ever goes back behind what it said before;
    * no message is accepted whose bytes lie below what its sender had given up in an accepted registration.
    """

    def __init__(self, psrd: wire.Psrd):
        self._psrd = psrd
        self.accepted = 0

    def problems(self, messages: list) -> list[str]:
        """`messages` have `began`, `request` and `answers` (time, answer), sorted by `began`."""
        sent = self._ends_on_the_wire(messages)
        stood: dict[tuple[uuid.UUID, str], int] = {}
        given_up: dict[tuple[uuid.UUID, str], list[tuple[float, int]]] = collections.defaultdict(list)
        found: list[str] = []
        for wired, when, told, answered in self._registrations(messages):
            self.accepted += 1
            answers = {uuid.UUID(block["block_uuid"]): block for block in answered["blocks"]}
            for block in told["blocks"]:
                name = uuid.UUID(block["block_uuid"])
                if name not in self._psrd.blocks:
                    found.append(f"block {name} is registered, and no PSRD file of it was seen")
                elif name not in answers:
                    if block["block_uuid"] not in answered["unknown_blocks"]:
                        found.append(f"block {name} was registered and not answered")
                else:
                    found += self._compare(name, block, answers[name], sent, wired.began, when, stood)
                    for zone in ("client_authenticator", "client_pad"):
                        given_up[name, zone].append((when, block[zone]))
        return found + self._used_what_was_given_up(messages, given_up)

    def _registrations(self, messages: list):
        for wired in messages:
            if (wired.request.method, wired.request.path) != ("PUT", "/registration"):
                continue
            for when, answer in wired.answers:
                if answer.status == 200 and answer.header(wire.SIGNATURE_HEADER):
                    yield wired, when, json.loads(wired.request.body), json.loads(answer.body)

    def _ends_on_the_wire(self, messages: list) -> dict[tuple[uuid.UUID, str], list[tuple[float, int]]]:
        """By block and zone: at what times the wire showed it used how far, at least."""
        ends = collections.defaultdict(list)
        for wired in messages:
            for use in client_uses(wired.request):
                ends[use.fragment.block, use.zone].append((wired.began, use.fragment.end))
            for when, answer in wired.answers:
                for use in hub_uses(wired.request, answer):
                    ends[use.fragment.block, use.zone].append((when, use.fragment.end))
        for shown in ends.values():
            shown.sort()
            for i in range(1, len(shown)):
                shown[i] = (shown[i][0], max(shown[i][1], shown[i - 1][1]))
        return ends

    def _compare(self, name, told: dict, answered: dict, sent, began: float, when: float, stood) -> list[str]:
        found = []
        block = self._psrd.blocks[name]

        def highest(zone: str, until: float) -> int:
            shown = sent.get((name, zone), [])
            before = bisect.bisect_right(shown, (until, 1 << 62))
            return shown[before - 1][1] if before else block.zone(zone)[0]

        for kind in ("authenticator", "pad"):
            client, hub = f"client_{kind}", f"hub_{kind}"
            # A restarted client goes on behind its lease, and tells that: what lies between was never sent.
            if answered[f"{client}_seen"] < told[client]:
                found.append(f"block {name}: the hub still accepts {client} below {told[client]}")
            if answered[f"{client}_seen"] > max(told[client], highest(client, when)):
                found.append(f"block {name}: the hub says that it has seen {client} which was never sent")
            if answered[hub] < told[f"{hub}_seen"]:
                found.append(f"block {name}: the hub stands below what its client has seen of {hub}")
            known_hub = max(highest(hub, when), stood.get((name, hub), 0))
            if told[f"{hub}_seen"] > known_hub:
                found.append(f"block {name}: the client says that it has seen {hub} which was never sent")
            for zone, position in ((client, told[client]), (hub, answered[hub])):
                if position < stood.get((name, zone), 0):
                    found.append(f"block {name}: {zone} went back from {stood[name, zone]} to {position}")
                stood[name, zone] = max(position, stood.get((name, zone), 0))
        return found

    @staticmethod
    def _used_what_was_given_up(messages: list, given_up) -> list[str]:
        found = []
        for wired in messages:
            if not any(answer.status == 200 and answer.header(wire.SIGNATURE_HEADER) for _, answer in wired.answers):
                continue
            for use in client_uses(wired.request):
                for when, position in given_up.get((use.fragment.block, use.zone), []):
                    if when < wired.began and use.fragment.start < position:
                        found.append(
                            f"{wired.request.method} {wired.request.target} was accepted with {use.fragment}, "
                            f"although its client had given up what lies below {position}"
                        )
        return found
