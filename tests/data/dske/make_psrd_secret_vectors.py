#!/usr/bin/env python3
"""Makes psrd_secret.vec: python3 make_psrd_secret_vectors.py > psrd_secret.vec

Independent of the product: the protocol as tests/system/dske_wire.py reads it from docs/protocol.md. The PSRD is SHAKE-256
of a label, so that the vectors are the same each time.
"""
import hashlib
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "system"))
import dske_wire as wire  # noqa: E402


def psrd(label, size):
    return hashlib.shake_256(label.encode()).digest(size)


def vector(case, required, total, places, keys, size):
    """`places`: which hubs' shares are PSRD, by x; as many as `required`."""
    context = wire.Context(
        wire.bundle_of(str(uuid.UUID(bytes=psrd(f"{case} bundle", 16), version=4))),
        "carol", keys, size, "carol", (wire.Slave("celia", "celia"),), required,
        tuple(uuid.UUID(bytes=psrd(f"{case} hub {x}", 16), version=4) for x in range(1, total + 1)),
    )  # fmt: skip
    points = {x: psrd(f"{case} share {x}", context.share_size) for x in places}
    secret = wire.recover(points)
    print(f"Required = {required}\nContext = {context.encode().hex()}")
    for x, share in points.items():
        print(f"Point = {x} {share.hex()}")
    print(f"Secret = {secret.hex()}")
    for x in range(1, total + 1):
        print(f"Share = {x} {wire.evaluate_shares(points, x).hex()}")
    print(f"Tag = {wire.tag_of_secret(secret, context).hex()}\n")


print("# Secrets whose first shares are PSRD (docs/protocol.md, section 3.4). Made by make_psrd_secret_vectors.py.\n")
vector("two of two", 2, 2, (1, 2), 1, 32)
vector("two of three", 2, 3, (1, 2), 1, 32)
vector("three of five", 3, 5, (1, 2, 3), 2, 16)
vector("a hub without PSRD left out", 3, 5, (1, 3, 4), 1, 32)
vector("the last ones", 3, 5, (3, 4, 5), 3, 8)
vector("one byte keys", 4, 7, (1, 2, 4, 7), 5, 1)
vector("longer than a slice", 2, 3, (1, 2), 1, 4096)
vector("many hubs", 9, 16, tuple(range(1, 10)), 1, 32)
