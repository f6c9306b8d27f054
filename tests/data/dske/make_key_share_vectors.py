#!/usr/bin/env python3
"""Makes key_share.vec: python3 make_key_share_vectors.py > key_share.vec

Independent of the product: docs/protocol.md, section 4.3, as tests/system/dske_wire.py reads it.
"""
import hashlib
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "system"))
import dske_wire as wire  # noqa: E402


def data(label, size):
    return hashlib.shake_256(label.encode()).digest(size)


def identity(label):
    return uuid.UUID(bytes=data(label, 16), version=4)


def message(case, keys, size, hubs, fragments, source="message", lifetime=86400):
    context = wire.Context(
        wire.bundle_of(str(identity(f"{case} bundle"))), "carol", keys, size, "carol", (wire.Slave("celia", "celia"),), 2,
        tuple(identity(f"{case} hub {x}") for x in range(hubs)),
    )  # fmt: skip
    share = data(f"{case} share", context.share_size)
    allocation = [wire.Fragment(identity(f"{case} block {i}"), start, size) for i, (start, size) in enumerate(fragments)]
    value = {"context": context.to_json()}
    value |= {"share_from": "psrd"} if source == "psrd" else {"encrypted_share": share}
    value |= {
        "allocation": [fragment.to_json() for fragment in allocation],
        "secret_tag": wire.b64(data(f"{case} tag", 16)),
        "lifetime_seconds": lifetime,
    }
    return context, allocation, value


def valid(case, *arguments, **options):
    context, allocation, value = message(case, *arguments, **options)
    print(f"# {case}\nBody = {wire.key_share_body(value).hex()}\nContext = {context.encode().hex()}")
    print(f"Source = {'psrd' if 'share_from' in value else 'message'}")
    if "encrypted_share" in value:
        print(f"Share = {value['encrypted_share'].hex()}")
    print(f"Allocation = {','.join(f'{each.block}:{each.start}:{each.size}' for each in allocation)}")
    print(f"Tag = {wire.unb64(value['secret_tag']).hex()}\nLifetime = {value['lifetime_seconds']}\n")


def invalid(case, body):
    print(f"# {case}\nBody = {body.hex()}\n")


print("# Bodies of key shares (docs/protocol.md, section 4.3). Made by make_key_share_vectors.py.\n\n[Valid]")
valid("one key", 1, 32, 3, [(100, 64)])
valid("a share in two fragments", 2, 16, 5, [(0, 60), (281474976710651, 4)], lifetime=1)
valid("PSRD in the place of the share", 1, 32, 3, [(4096, 64)], source="psrd", lifetime=31622400)
valid("bytes of any value", 64, 8, 2, [(512, 544)])

print("[Invalid]")
good = message("one key", 1, 32, 3, [(100, 64)])[2]
body = wire.key_share_body(good)
head = 4 + int.from_bytes(body[:4], "big")
invalid("no body's first bytes", body[:3])
invalid("a head that is cut off", body[: head - 1])
invalid("no share", body[:head])
invalid("a byte of the share is missing", body[:-1])
invalid("a byte too many", body + b"\0")
invalid("the head without its length", body[4:])
invalid("a length of zero", bytes(4) + body[4:])
invalid("a length that takes a byte of the share", (head - 3).to_bytes(4, "big") + body[4:])
invalid("the largest length", b"\xff" * 4 + body[4:])
invalid("a share and PSRD", wire.key_share_body({**good, "share_from": "psrd"}))
invalid("a share in the head", wire.key_share_body({**good, "share": wire.b64(good["encrypted_share"])}))
invalid("an allocation of another size", wire.key_share_body({**good, "allocation": [{**good["allocation"][0], "size": 63}]}))
