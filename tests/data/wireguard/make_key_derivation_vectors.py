"""Prints key_derivation.vec: HKDF-SHA-256 (RFC 5869) by Python's hmac and hashlib alone, as docs/wireguard.md tells it.

    python3 make_key_derivation_vectors.py > key_derivation.vec
"""

import hashlib
import hmac
import random

SOURCES = {"dske": 1, "tls": 2, "file": 3, "previous": 4}
SALT = b"DSKE-WireGuard-1"


def mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def hkdf(secret: bytes, info: bytes, size: int) -> bytes:
    key = mac(SALT, secret)
    made = block = b""
    counter = 0
    while len(made) < size:
        counter += 1
        block = mac(key, block + info + bytes([counter]))
        made += block
    return made[:size]


def case(rng: random.Random, secrets: dict[str, bytes]) -> None:
    key_id, generator, recoverer = rng.randbytes(16), rng.randbytes(32), rng.randbytes(32)
    secret = b"".join(bytes([SOURCES[s]]) + len(v).to_bytes(2, "big") + v for s, v in secrets.items())
    derived = hkdf(secret, key_id + generator + recoverer, 96)
    print(f"KeyId = {key_id.hex()}\nGenerator = {generator.hex()}\nRecoverer = {recoverer.hex()}")
    for source, value in secrets.items():
        print(f"Ingredient = {source} {value.hex()}")
    print(f"PresharedKey = {derived[:32].hex()}\nConfirmation = {derived[32:64].hex()}\nChain = {derived[64:].hex()}")
    print(f"GeneratorProof = {mac(derived[32:64], b'generator' + key_id).hex()}")
    print(f"RecovererProof = {mac(derived[32:64], b'recoverer' + key_id).hex()}")
    if "file" in secrets:
        print(f"FileTag = {mac(hkdf(secrets['file'], b'secret file', 32), key_id)[:16].hex()}")
    print(f"Fingerprint = {hashlib.sha256(b'DSKE-WireGuard-1 fingerprint' + derived[:32]).hexdigest()}\n")


def main() -> None:
    rng = random.Random(14)
    print("# Made by make_key_derivation_vectors.py: an implementation of its own, in Python's hmac and hashlib.\n")
    sizes = {"dske": 32, "tls": 32, "file": 44, "previous": 32}
    names = list(sizes)
    for chosen in range(1, 16):
        picked = [name for bit, name in enumerate(names) if chosen >> bit & 1]
        case(rng, {name: rng.randbytes(sizes[name]) for name in picked})
    case(rng, {"dske": rng.randbytes(1), "file": rng.randbytes(4096)})


main()
