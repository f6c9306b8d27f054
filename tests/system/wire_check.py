"""What must hold of any recorded traffic, judged from the recording and the PSRD files alone."""

from __future__ import annotations

import collections
import dataclasses
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


def _allocation_uses(message: Request | Answer, member: str, zone: str) -> list[Use]:
    allocation = json.loads(message.body).get(member, [])
    header = message.header(wire.SIGNATURE_HEADER)
    return [Use(wire.Fragment.from_json(part), zone, member, _identity(message, header)) for part in allocation]


def client_uses(request: Request) -> list[Use]:
    """What a client spends on a request."""
    uses = _signature_uses(request, "client")
    if (request.method, request.path) == ("PUT", "/registration"):
        uses += _allocation_uses(request, "polling_key", "client_authenticator")
    if (request.method, request.path) == ("POST", "/key-share"):
        uses += _allocation_uses(request, "allocation", "client_pad")
    return uses


def hub_uses(request: Request, answer: Answer) -> list[Use]:
    """What a hub spends on an answer."""
    uses = _signature_uses(answer, "hub")
    if (request.method, request.path, answer.status) == ("GET", "/key-share", 200):
        uses += _allocation_uses(answer, "allocation", "hub_pad")
    return uses


def check_uses(uses: list[Use], psrd: wire.Psrd) -> int:
    """No byte for two purposes or two messages, and every byte from the zone it belongs to. Returns the bytes used."""
    claims: dict[uuid.UUID, dict[int, Use]] = collections.defaultdict(dict)
    for use in uses:
        assert use.fragment.block in psrd.blocks, f"unknown block {use.fragment.block}"
        assert use.fragment.size > 0, use
        assert psrd.zone_of(use.fragment) == use.zone, f"{use.purpose} at {use.fragment} is not in {use.zone}"
        block = claims[use.fragment.block]
        for position in range(use.fragment.start, use.fragment.end):
            other = block.setdefault(position, use)
            assert (other.purpose, other.message) == (
                use.purpose,
                use.message,
            ), f"byte {position} of block {use.fragment.block} is used twice:\n{other}\n{use}"
    return sum(len(block) for block in claims.values())


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
    body = json.loads(message.body)
    pad = psrd.read([wire.Fragment.from_json(part) for part in body["allocation"]])
    return (
        wire.Context.from_json(body["context"]),
        wire.xor(wire.unb64(body["encrypted_share"]), pad),
        wire.unb64(body["secret_tag"]),
    )


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
