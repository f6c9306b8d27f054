"""A corrupted hub: a proxy in front of a real one that holds the hub's PSRD, so that it can alter what passes and sign
it again as the hub, or as the client, would have."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable

import dske_wire as wire
from recording_proxy import Answer, Exchange, RecordingProxy, Request, with_header
from wire_check import share_of

Lie = Callable[["LyingHub", Exchange], None]


class LyingHub(RecordingProxy):
    """`lie` is called with every exchange that the hub has answered, and changes it by the methods below. Until it is
    set, the hub is honest."""

    def __init__(self) -> None:
        super().__init__()
        self.lie: Lie | None = None
        self.lies_told = 0
        self.shares: dict[uuid.UUID, tuple[wire.Context, bytes, bytes]] = {}  # by bundle, as the initiators sent them
        self._epoch = wire.ZERO_EPOCH
        self._polling_keys: dict[str, tuple[int, bytes]] = {}  # by client: registration number and key
        self.after.append(self._listen)
        self.after.append(self._tell)

    @property
    def hub_id(self) -> uuid.UUID:
        return next(iter(self.psrd.blocks.values())).hub_id

    def honest(self) -> None:
        self.lie = None
        self.lies_told = 0

    def _listen(self, exchange: Exchange) -> None:
        request, answer = exchange.received, exchange.answer
        if not answer or answer.status != 200:
            return
        if (request.method, request.path) == ("PUT", "/registration"):
            told = json.loads(request.body)
            self._epoch = uuid.UUID(json.loads(answer.body)["epoch"]).bytes
            key = self.psrd.read([wire.Fragment.from_json(part) for part in told["polling_key"]])
            self._polling_keys[told["client_name"]] = (told["registration_number"], key)
        if (request.method, request.path) == ("POST", "/key-share"):
            context, share, tag = share_of(request, self.psrd)
            self.shares[context.bundle_id] = (context, share, tag)

    def _tell(self, exchange: Exchange) -> None:
        lie = self.lie  # a test may end it meanwhile
        if lie and exchange.answer:
            before = exchange.answer
            lie(self, exchange)
            self.lies_told += exchange.answer != before

    def _epoch_of(self, request: Request) -> bytes:
        return wire.ZERO_EPOCH if request.path == "/registration" else self._epoch

    def sign_answer(self, exchange: Exchange, status: int, body: bytes) -> None:
        """Answers with this, correctly signed for the request, with the bytes that the hub had taken for its own
        answer."""
        assert exchange.answer
        request, header = exchange.received, exchange.answer.header(wire.SIGNATURE_HEADER)
        if header is None:
            self._sign_polling(exchange, status, body)
            return
        asked = wire.Signature.parse(request.header(wire.SIGNATURE_HEADER) or "")
        signature = wire.Signature.parse(header)
        message = wire.answer_input(
            self.hub_id, self._epoch_of(request), request.method, request.target, status, asked.tag, body
        )
        signature = dataclasses.replace(
            signature, tag=wire.poly1305(self.psrd.read(list(signature.fragments)), message)
        )
        headers = with_header(exchange.answer.headers, wire.SIGNATURE_HEADER, signature.text())
        exchange.answer = Answer(status, headers, body)

    def _sign_polling(self, exchange: Exchange, status: int, body: bytes) -> None:
        assert exchange.answer
        request = exchange.received
        proof = exchange.answer.header(wire.POLLING_HEADER)
        assert proof, f"{request.method} {request.target} was answered without a signature"
        client, registration, counter, mac = (request.header(wire.POLLING_HEADER) or "").split(";")
        known_registration, key = self._polling_keys[client]
        if known_registration != int(registration):
            return  # the client has registered again meanwhile, and expects no answer to this
        message = wire.polling_answer_input(
            self.hub_id, self._epoch, request.method, request.target, client, int(registration), int(counter), status,
            wire.unb64(mac), body,
        )  # fmt: skip
        text = f"{proof.split(';')[0]};{wire.b64(wire.hmac_sha256(key, message))}"
        exchange.answer = Answer(status, with_header(exchange.answer.headers, wire.POLLING_HEADER, text), body)

    def change(self, exchange: Exchange, **members: object) -> None:
        """Answers with other values for some members of the answer's body."""
        assert exchange.answer
        if is_share_answer(exchange):
            body = wire.key_share_body({**wire.parse_key_share(exchange.answer.body), **members})
        else:
            body = wire.compact({**json.loads(exchange.answer.body), **members})
        self.sign_answer(exchange, exchange.answer.status, body)

    def give_share(self, exchange: Exchange, share: bytes, **members: object) -> None:
        """Answers GET key-share with this share, under the pad that the hub had taken if the size allows."""
        assert exchange.answer
        body = wire.parse_key_share(exchange.answer.body)
        pad = self.psrd.read([wire.Fragment.from_json(part) for part in body["allocation"]])
        self.change(exchange, encrypted_share=wire.xor(share, pad), **members)


def is_share_answer(exchange: Exchange) -> bool:
    return (
        (exchange.received.method, exchange.received.path) == ("GET", "/key-share")
        and exchange.answer is not None
        and exchange.answer.status == 200
    )


# --- lies about a share --------------------------------------------------------------------------------------------------


def on_share(change: Lie) -> Lie:
    """A lie that is told in every answer that carries a share."""

    def lie(hub: LyingHub, exchange: Exchange) -> None:
        if is_share_answer(exchange):
            change(hub, exchange)

    return lie


def _context(exchange: Exchange) -> dict:
    return wire.parse_key_share(exchange.answer.body)["context"]


@on_share
def corrupt_share(hub: LyingHub, exchange: Exchange) -> None:
    share = bytearray(wire.parse_key_share(exchange.answer.body)["encrypted_share"])
    share[-1] ^= 0x01
    hub.change(exchange, encrypted_share=bytes(share))


@on_share
def corrupt_check_bytes(hub: LyingHub, exchange: Exchange) -> None:
    share = bytearray(wire.parse_key_share(exchange.answer.body)["encrypted_share"])
    share[0] ^= 0x80
    hub.change(exchange, encrypted_share=bytes(share))


@on_share
def zero_share(hub: LyingHub, exchange: Exchange) -> None:
    hub.give_share(exchange, bytes(len(wire.parse_key_share(exchange.answer.body)["encrypted_share"])))


@on_share
def short_share(hub: LyingHub, exchange: Exchange) -> None:
    """Consistently shorter: the share, and the allocation."""
    body = wire.parse_key_share(exchange.answer.body)
    last = body["allocation"][-1]
    allocation = body["allocation"][:-1] + [{**last, "size": last["size"] - 1}]
    share = body["encrypted_share"][:-1]
    hub.change(exchange, encrypted_share=share, allocation=allocation)


@on_share
def share_of_another_bundle(hub: LyingHub, exchange: Exchange) -> None:
    own = uuid.UUID(_context(exchange)["bundle_id"])
    others = [share for bundle, (_, share, _) in list(hub.shares.items()) if bundle != own]
    hub.give_share(exchange, others[-1])


@on_share
def answer_for_another_bundle(hub: LyingHub, exchange: Exchange) -> None:
    own = uuid.UUID(_context(exchange)["bundle_id"])
    context, share, tag = [entry for bundle, entry in list(hub.shares.items()) if bundle != own][-1]
    hub.give_share(exchange, share, context=context.to_json(), secret_tag=wire.b64(tag))


@on_share
def another_secret_tag(hub: LyingHub, exchange: Exchange) -> None:
    tag = wire.unb64(wire.parse_key_share(exchange.answer.body)["secret_tag"])
    hub.change(exchange, secret_tag=wire.b64(wire.xor(tag, bytes(15) + b"\x01")))


def share_evaluated_at(x: int, accomplices: list[LyingHub]) -> Lie:
    """Gives the share of another x: of 0, which is the secret itself, or of another hub's place. The accomplices'
    shares are needed to know it."""

    @on_share
    def lie(hub: LyingHub, exchange: Exchange) -> None:
        bundle = uuid.UUID(_context(exchange)["bundle_id"])
        points = {}
        for accomplice in accomplices:
            if bundle not in accomplice.shares:
                continue  # its hub is slow; k others suffice
            context, share, _ = accomplice.shares[bundle]
            points[context.hubs.index(accomplice.hub_id) + 1] = share
        hub.give_share(exchange, wire.evaluate_shares(points, x))

    return lie


def another_context(change: Callable[[dict], dict]) -> Lie:
    """The share as it is, under another context."""

    @on_share
    def lie(hub: LyingHub, exchange: Exchange) -> None:
        context = _context(exchange)
        changed = {**context, **change(context)}
        assert changed != context
        hub.change(exchange, context=changed)

    return lie


CONTEXT_LIES: dict[str, Callable[[dict], dict]] = {
    "k is 0": lambda context: {"shares_required": 0},
    "k is 1": lambda context: {"shares_required": 1},
    "k is one less": lambda context: {"shares_required": context["shares_required"] - 1},
    "k is all": lambda context: {"shares_required": len(context["hubs"])},
    "k is more than there are hubs": lambda context: {"shares_required": len(context["hubs"]) + 1},
    "the hubs in reverse order": lambda context: {"hubs": context["hubs"][::-1]},
    "the hubs turned by one place": lambda context: {"hubs": context["hubs"][1:] + context["hubs"][:1]},
    "one hub less": lambda context: {"hubs": context["hubs"][:-1]},
    "a hub that nobody knows": lambda context: {"hubs": context["hubs"] + [str(uuid.uuid4())]},
    "a hub twice": lambda context: {"hubs": context["hubs"] + context["hubs"][:1]},
    "no hubs": lambda context: {"hubs": []},
    "another number of keys": lambda context: {"key_count": context["key_count"] + 1},
    "keys of half the size": lambda context: {
        "key_count": context["key_count"] * 2,
        "key_size_bytes": context["key_size_bytes"] // 2,
    },
    "no keys": lambda context: {"key_count": 0},
    "another master": lambda context: {"master_sae_id": "mallory"},
    "another initiator": lambda context: {"initiator": "mallory"},
    "another slave": lambda context: {"slaves": [{"sae_id": "mallory", "client_name": "celia"}]},
    "the slave at another client": lambda context: {
        "slaves": [{"sae_id": context["slaves"][0]["sae_id"], "client_name": "mallory"}]
    },
    "a second slave": lambda context: {
        "slaves": context["slaves"] + [{"sae_id": "mallory", "client_name": context["slaves"][0]["client_name"]}]
    },
    "no slaves": lambda context: {"slaves": []},
    "another version": lambda context: {"version": 2},
    "another bundle id": lambda context: {"bundle_id": str(wire.new_bundle_id())},
}


# --- other lies ------------------------------------------------------------------------------------------------------------


def replay_of(old: Answer, signed_again: bool) -> Lie:
    """Every share answer is an old one, as it was or signed for the new request."""

    @on_share
    def lie(hub: LyingHub, exchange: Exchange) -> None:
        if signed_again:
            hub.sign_answer(exchange, old.status, old.body)
        else:
            exchange.answer = old

    return lie


def on(method: str, path: str, change: Lie) -> Lie:
    """A lie that is told in every signed answer to this call."""

    def lie(hub: LyingHub, exchange: Exchange) -> None:
        if exchange.received.method != method or not exchange.received.path.startswith(path):
            return
        assert exchange.answer
        if exchange.answer.header(wire.SIGNATURE_HEADER) or exchange.answer.header(wire.POLLING_HEADER):
            change(hub, exchange)

    return lie


def both(*lies: Lie) -> Lie:
    def lie(hub: LyingHub, exchange: Exchange) -> None:
        for one in lies:
            one(hub, exchange)

    return lie
