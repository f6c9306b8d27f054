"""The DSKE protocol, version 1, written from docs/protocol.md alone: what a party needs to read, check and make its
messages. It shares no code with the product, so that a mistake in one of them shows as a disagreement.

Nothing here is constant time or wipes secrets: it is for tests.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import hmac
import json
import secrets
import uuid

SIGNATURE_HEADER = "DSKE-Signature"
POLLING_HEADER = "DSKE-Polling"
MAC_KEY_SIZE = 32
CHECK_SIZE = 32  # u = (a, b), which precedes the keys in Y
ZERO_EPOCH = bytes(16)


class WireError(Exception):
    """A message or file that is not as docs/protocol.md says."""


# --- encoding ---------------------------------------------------------------------------------------------------


def number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def items(*parts: bytes) -> bytes:
    return b"".join(number(len(part)) + part for part in parts)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def xor(left: bytes, right: bytes) -> bytes:
    if len(left) != len(right):
        raise WireError(f"cannot combine {len(left)} bytes with {len(right)}")
    return bytes(a ^ b for a, b in zip(left, right))


# --- Poly1305 (RFC 8439, 2.5) -----------------------------------------------------------------------------------


def poly1305(key: bytes, message: bytes) -> bytes:
    if len(key) != MAC_KEY_SIZE:
        raise WireError(f"a one-time key has {MAC_KEY_SIZE} bytes, not {len(key)}")
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(key[16:], "little")
    prime = (1 << 130) - 5
    accumulator = 0
    for start in range(0, len(message), 16):
        block = message[start : start + 16] + b"\x01"
        accumulator = (accumulator + int.from_bytes(block, "little")) * r % prime
    return ((accumulator + s) % (1 << 128)).to_bytes(16, "little")


# --- GF(2^8) and secret sharing -------------------------------------------------------------------------------------


def gf256_multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


@functools.cache
def gf256_inverse(a: int) -> int:
    if a == 0:
        raise WireError("zero has no inverse")
    result = 1
    for _ in range(254):
        result = gf256_multiply(result, a)
    return result


@functools.cache
def _times_table(factor: int) -> bytes:
    return bytes(gf256_multiply(factor, value) for value in range(256))


def evaluate_shares(points: dict[int, bytes], at: int) -> bytes:
    """The value at x = `at` of the polynomials through the shares `points` (x -> share). At 0 that is the secret."""
    if not points:
        raise WireError("no shares")
    sizes = {len(share) for share in points.values()}
    if len(sizes) != 1:
        raise WireError("shares of different sizes")
    result = 0
    for x, share in points.items():
        weight = 1
        for other in points:
            if other != x:
                weight = gf256_multiply(weight, gf256_multiply(at ^ other, gf256_inverse(x ^ other)))
        result ^= int.from_bytes(share.translate(_times_table(weight)), "big")
    return result.to_bytes(sizes.pop(), "big")


def recover(points: dict[int, bytes]) -> bytes:
    return evaluate_shares(points, 0)


def split(secret: bytes, required: int, total: int) -> dict[int, bytes]:
    """Shares at x = 1..total, any `required` of which give `secret`: random shares at the first required - 1 points."""
    points = {x: secrets.token_bytes(len(secret)) for x in range(1, required)}
    known = dict(points)
    known[0] = secret
    for x in range(required, total + 1):
        points[x] = evaluate_shares(known, x)
    return points


def complete(points: dict[int, bytes], total: int) -> tuple[bytes, dict[int, bytes]]:
    """The secret and all shares that the shares `points`, as many as are required, determine (section 3.4)."""
    return recover(points), {x: points.get(x) or evaluate_shares(points, x) for x in range(1, total + 1)}


# --- the secret tag over GF(2^128) ------------------------------------------------------------------------------------


def gf128_multiply(x: bytes, y: bytes) -> bytes:
    """The product in GCM's field and bit order (NIST SP 800-38D, 6.3)."""
    a = int.from_bytes(x, "big")
    v = int.from_bytes(y, "big")
    z = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            z ^= v
        v = (v >> 1) ^ (0xE1 << 120) if v & 1 else v >> 1
    return z.to_bytes(16, "big")


def secret_tag(a: bytes, b: bytes, message: bytes) -> bytes:
    """o = b + a^(d+2) + sum of m_i a^i, where M is padded so that d is odd and ends in its length in bits."""
    padded = message + bytes(-len(message) % 16)
    if (len(padded) // 16 + 1) % 2 == 0:
        padded += bytes(16)
    padded += number(0) + number(8 * len(message))
    blocks = [padded[start : start + 16] for start in range(0, len(padded), 16)]
    total, power = b, a
    for block in blocks:
        total = xor(total, gf128_multiply(block, power))
        power = gf128_multiply(power, a)
    # The loop leaves a^(d+1).
    return xor(total, gf128_multiply(power, a))


# --- what a bundle is ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Slave:
    sae_id: str
    client_name: str


@dataclasses.dataclass(frozen=True)
class Context:
    bundle_id: uuid.UUID
    initiator: str
    key_count: int
    key_size_bytes: int
    master_sae_id: str
    slaves: tuple[Slave, ...]
    shares_required: int
    hubs: tuple[uuid.UUID, ...]

    @staticmethod
    def from_json(value: dict) -> Context:
        return Context(
            uuid.UUID(value["bundle_id"]),
            value["initiator"],
            value["key_count"],
            value["key_size_bytes"],
            value["master_sae_id"],
            tuple(Slave(slave["sae_id"], slave["client_name"]) for slave in value["slaves"]),
            value["shares_required"],
            tuple(uuid.UUID(hub) for hub in value["hubs"]),
        )

    def to_json(self) -> dict:
        return {
            "version": 1,
            "bundle_id": str(self.bundle_id),
            "initiator": self.initiator,
            "key_count": self.key_count,
            "key_size_bytes": self.key_size_bytes,
            "master_sae_id": self.master_sae_id,
            "slaves": [{"sae_id": slave.sae_id, "client_name": slave.client_name} for slave in self.slaves],
            "shares_required": self.shares_required,
            "hubs": [str(hub) for hub in self.hubs],
        }

    def encode(self) -> bytes:
        parts = [
            b"DSKE-1",
            self.bundle_id.bytes,
            self.initiator.encode(),
            number(self.key_count),
            number(self.key_size_bytes),
            self.master_sae_id.encode(),
            number(len(self.slaves)),
        ]
        for slave in self.slaves:
            parts += [slave.sae_id.encode(), slave.client_name.encode()]
        parts += [number(self.shares_required), number(len(self.hubs))]
        parts += [hub.bytes for hub in self.hubs]
        return items(*parts)

    def key_id(self, index: int) -> str:
        return str(uuid.UUID(bytes=self.bundle_id.bytes[:14] + index.to_bytes(2, "big")))

    @property
    def share_size(self) -> int:
        return CHECK_SIZE + self.key_count * self.key_size_bytes


def new_bundle_id() -> uuid.UUID:
    return uuid.UUID(bytes=uuid.uuid4().bytes[:14] + bytes(2))


def bundle_of(key_id: str) -> uuid.UUID:
    return uuid.UUID(bytes=uuid.UUID(key_id).bytes[:14] + bytes(2))


def tag_of_secret(secret: bytes, context: Context) -> bytes:
    """The secret tag that belongs to Y = u || S under this context."""
    return secret_tag(secret[:16], secret[16:32], context.encode() + secret[CHECK_SIZE:])


def keys_of_secret(secret: bytes, context: Context) -> dict[str, bytes]:
    size = context.key_size_bytes
    keys = secret[CHECK_SIZE:]
    return {context.key_id(i): keys[i * size : (i + 1) * size] for i in range(context.key_count)}


# --- PSRD -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Fragment:
    block: uuid.UUID
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    @staticmethod
    def from_json(value: dict) -> Fragment:
        return Fragment(uuid.UUID(value["block_uuid"]), value["start"], value["size"])

    def to_json(self) -> dict:
        return {"block_uuid": str(self.block), "start": self.start, "size": self.size}

    def header_text(self) -> str:
        return f"{self.block}:{self.start}:{self.size}"


ZONES = ("client_authenticator", "client_pad", "hub_authenticator", "hub_pad")


@dataclasses.dataclass(frozen=True)
class Block:
    """One PSRD file."""

    hub_id: uuid.UUID
    hub_name: str
    endpoint: str
    client_id: uuid.UUID
    client_name: str
    block: uuid.UUID
    zone_sizes: tuple[int, int, int, int]
    data: bytes  # both halves

    def zone(self, name: str) -> tuple[int, int]:
        """Start and end of a zone."""
        index = ZONES.index(name)
        start = sum(self.zone_sizes[:index])
        return start, start + self.zone_sizes[index]

    def read(self, fragment: Fragment) -> bytes:
        if fragment.block != self.block or fragment.size <= 0 or fragment.start < 0 or fragment.end > len(self.data):
            raise WireError(f"{fragment} is not in block {self.block}")
        return self.data[fragment.start : fragment.end]

    def to_json(self) -> dict:
        half = self.zone_sizes[0] + self.zone_sizes[1]
        return {
            "format": "dske-psrd-1",
            "hub": {"id": str(self.hub_id), "name": self.hub_name, "endpoint": self.endpoint},
            "client": {"id": str(self.client_id), "name": self.client_name},
            "block_uuid": str(self.block),
            "zones": dict(zip(ZONES, self.zone_sizes)),
            "client_half": b64(self.data[:half]),
            "hub_half": b64(self.data[half:]),
            "checksum": self.checksum(),
        }

    def checksum(self) -> str:
        half = self.zone_sizes[0] + self.zone_sizes[1]
        return hashlib.sha256(
            items(
                b"dske-psrd-1",
                self.hub_id.bytes,
                self.hub_name.encode(),
                self.endpoint.encode(),
                self.client_id.bytes,
                self.client_name.encode(),
                self.block.bytes,
                *(number(size) for size in self.zone_sizes),
                self.data[:half],
                self.data[half:],
            )
        ).hexdigest()


BINARY_PSRD = b"dske-psrd-bin-1\n"


def parse_psrd(text: bytes | str) -> Block:
    """A PSRD file of either form."""
    if isinstance(text, bytes) and text.startswith(BINARY_PSRD):
        return parse_binary_psrd(text[len(BINARY_PSRD) :])
    value = json.loads(text)
    block = psrd_block(value, unb64(value["client_half"]) + unb64(value["hub_half"]))
    if len(unb64(value["client_half"])) != block.zone_sizes[0] + block.zone_sizes[1]:
        raise WireError("the client's zones do not fit its half")
    if value["checksum"] != block.checksum():
        raise WireError("the checksum is wrong")
    return block


def parse_binary_psrd(rest: bytes) -> Block:
    size = int.from_bytes(rest[:4], "big")
    block = psrd_block(json.loads(rest[4 : 4 + size]), rest[4 + size : -32])
    if rest[-32:].hex() != block.checksum():
        raise WireError("the checksum is wrong")
    return block


def psrd_block(value: dict, data: bytes) -> Block:
    if value["format"] != "dske-psrd-1":
        raise WireError(f"format {value['format']}")
    block = Block(
        uuid.UUID(value["hub"]["id"]),
        value["hub"]["name"],
        value["hub"]["endpoint"],
        uuid.UUID(value["client"]["id"]),
        value["client"]["name"],
        uuid.UUID(value["block_uuid"]),
        tuple(value["zones"][zone] for zone in ZONES),
        data,
    )
    if len(block.data) != sum(block.zone_sizes):
        raise WireError("the zones do not fit the halves")
    return block


class Psrd:
    """The blocks that somebody holds, by UUID."""

    def __init__(self, blocks: list[Block] = ()):
        self.blocks: dict[uuid.UUID, Block] = {block.block: block for block in blocks}

    def add(self, block: Block) -> None:
        self.blocks[block.block] = block

    def read(self, fragments: list[Fragment]) -> bytes:
        parts = []
        for fragment in fragments:
            if fragment.block not in self.blocks:
                raise WireError(f"block {fragment.block} is unknown")
            parts.append(self.blocks[fragment.block].read(fragment))
        return b"".join(parts)

    def zone_of(self, fragment: Fragment) -> str | None:
        """The one zone that the fragment lies in."""
        block = self.blocks[fragment.block]
        for name in ZONES:
            start, end = block.zone(name)
            if start <= fragment.start and fragment.end <= end:
                return name
        return None


# --- signatures -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Signature:
    fragments: tuple[Fragment, ...]
    tag: bytes

    @staticmethod
    def parse(text: str) -> Signature:
        where, semicolon, tag = text.partition(";")
        if not semicolon:
            raise WireError(f"signature without a semicolon: {text}")
        fragments = []
        for part in where.split(","):
            block, start, size = part.split(":")
            fragments.append(Fragment(uuid.UUID(block), int(start), int(size)))
        tag_bytes = unb64(tag)
        if sum(fragment.size for fragment in fragments) != MAC_KEY_SIZE or len(tag_bytes) != 16:
            raise WireError(f"signature of wrong sizes: {text}")
        return Signature(tuple(fragments), tag_bytes)

    def text(self) -> str:
        return ",".join(fragment.header_text() for fragment in self.fragments) + ";" + b64(self.tag)


def request_input(hub: uuid.UUID, epoch: bytes, method: str, target: str, body: bytes) -> bytes:
    return items(b"DSKE-1", hub.bytes, epoch, b"request", method.encode(), target.encode(), body)


def answer_input(
    hub: uuid.UUID, epoch: bytes, method: str, target: str, status: int, request_tag: bytes, body: bytes
) -> bytes:
    return items(
        b"DSKE-1",
        hub.bytes,
        epoch,
        b"answer",
        method.encode(),
        target.encode(),
        str(status).encode(),
        request_tag,
        body,
    )


def polling_request_input(
    hub: uuid.UUID, epoch: bytes, method: str, target: str, client: str, registration: int, counter: int, body: bytes
) -> bytes:
    return items(
        b"DSKE-1-polling",
        hub.bytes,
        epoch,
        b"request",
        method.encode(),
        target.encode(),
        client.encode(),
        number(registration),
        number(counter),
        body,
    )


def polling_answer_input(
    hub: uuid.UUID,
    epoch: bytes,
    method: str,
    target: str,
    client: str,
    registration: int,
    counter: int,
    status: int,
    request_mac: bytes,
    body: bytes,
) -> bytes:
    return items(
        b"DSKE-1-polling",
        hub.bytes,
        epoch,
        b"answer",
        method.encode(),
        target.encode(),
        client.encode(),
        number(registration),
        number(counter),
        str(status).encode(),
        request_mac,
        body,
    )


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def key_share_body(value: object) -> bytes:
    """The body of POST key-share and of the answer to GET key-share (docs/protocol.md, section 4.3): `value` is the head
    and, as `encrypted_share`, the share; what no body can be is left to the caller."""
    value = dict(value)
    share = value.pop("encrypted_share", b"")
    head = compact(value)
    return len(head).to_bytes(4, "big") + head + share


def key_share_head(body: bytes) -> dict:
    length = int.from_bytes(body[:4], "big")
    if len(body) < 4 + length:
        raise WireError("a key share that is cut off")
    return json.loads(body[4 : 4 + length])


def parse_key_share(body: bytes) -> dict:
    """The head, with the share as `encrypted_share` unless none follows."""
    head = key_share_head(body)
    share = body[4 + int.from_bytes(body[:4], "big") :]
    return {**head, "encrypted_share": share} if share else head


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
