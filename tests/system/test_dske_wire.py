"""The tests' own cryptography, held against published vectors and against itself, so that a disagreement with the
product points at the right one."""

import itertools
import json
import uuid

import pytest

import dske_wire as wire


def test_poly1305_agrees_with_rfc_8439_section_2_5_2():
    key = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    assert wire.poly1305(key, b"Cryptographic Forum Research Group").hex() == "a8061dc1305136c6c22b8baf0c0127a9"


@pytest.mark.parametrize(
    "key, message, tag",
    [  # RFC 8439, appendix A.3, test vectors 7 to 11: the carries
        ("02" + "00" * 31, "ff" * 16, "03" + "00" * 15),
        ("02" + "00" * 15 + "ff" * 16, "02" + "00" * 15, "03" + "00" * 15),
        ("01" + "00" * 31, "ff" * 16 + "f0" + "ff" * 15 + "11" + "00" * 15, "05" + "00" * 15),
        ("01" + "00" * 31, "ff" * 16 + "fb" + "fe" * 15 + "01" * 16, "00" * 16),
        ("02" + "00" * 31, "fd" + "ff" * 15, "fa" + "ff" * 15),
    ],
)
def test_poly1305_carries_as_in_rfc_8439_appendix_a_3(key, message, tag):
    assert wire.poly1305(bytes.fromhex(key), bytes.fromhex(message)).hex() == tag


def test_gf256_is_the_field_of_aes():
    # FIPS 197, 4.2: {57} x {83} = {c1}, {57} x {13} = {fe}.
    assert wire.gf256_multiply(0x57, 0x83) == 0xC1
    assert wire.gf256_multiply(0x57, 0x13) == 0xFE
    assert all(wire.gf256_multiply(value, wire.gf256_inverse(value)) == 1 for value in range(1, 256))


def test_gf128_is_the_field_of_gcm():
    # The GCM specification, test case 2: GHASH(H, {}, C) = (C * H + len) * H.
    h = bytes.fromhex("66e94bd4ef8a2c3b884cfa59ca342b2e")
    first = wire.gf128_multiply(bytes.fromhex("0388dace60b6a392f328c2b971b2fe78"), h)
    assert first.hex() == "5e2ec746917062882c85b0685353deb7"
    lengths = wire.number(0) + wire.number(128)
    assert wire.gf128_multiply(wire.xor(first, lengths), h).hex() == "f38cbb1ad69223dcc3457ae5b6b0f885"


def test_any_k_shares_recover_the_secret_and_fewer_give_something_else():
    secret = bytes(range(64))
    shares = wire.split(secret, 3, 5)
    for chosen in itertools.combinations(shares, 3):
        assert wire.recover({x: shares[x] for x in chosen}) == secret
    assert wire.recover({x: shares[x] for x in (1, 2)}) != secret


def example_context() -> wire.Context:
    return wire.Context(
        wire.new_bundle_id(),
        "carol",
        2,
        32,
        "carol",
        (wire.Slave("celia", "celia"),),
        2,
        tuple(uuid.uuid4() for _ in range(3)),
    )


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 33])
def test_the_secret_tag_is_the_polynomial_written_out(size):
    a, b = bytes(range(16)), bytes(range(16, 32))
    message = bytes(size)
    blocks = [message[i : i + 16].ljust(16, b"\0") for i in range(0, size, 16)]
    if len(blocks) % 2 == 1:
        blocks.append(bytes(16))
    blocks.append(bytes(8) + (8 * size).to_bytes(8, "big"))

    def power(exponent: int) -> bytes:
        value = b"\x80" + bytes(15)  # one, in GCM's bit order
        for _ in range(exponent):
            value = wire.gf128_multiply(value, a)
        return value

    expected = wire.xor(b, power(len(blocks) + 2))
    for i, block in enumerate(blocks, start=1):
        expected = wire.xor(expected, wire.gf128_multiply(block, power(i)))
    assert len(blocks) % 2 == 1
    assert wire.secret_tag(a, b, message) == expected


def test_the_secret_tag_changes_with_the_context_and_the_keys():
    context = example_context()
    secret = bytes(range(96))
    tag = wire.tag_of_secret(secret, context)
    assert wire.tag_of_secret(secret[:-1] + b"x", context) != tag
    moved = wire.Context.from_json({**context.to_json(), "hubs": [str(hub) for hub in reversed(context.hubs)]})
    assert wire.tag_of_secret(secret, moved) != tag


def test_a_context_survives_json():
    context = example_context()
    assert wire.Context.from_json(json.loads(wire.compact(context.to_json()))) == context


def test_a_key_id_leads_to_its_bundle():
    context = example_context()
    assert wire.bundle_of(context.key_id(1)) == context.bundle_id
    assert context.key_id(0) == str(context.bundle_id)


def test_a_psrd_file_survives_and_damage_is_found():
    block = wire.Block(
        uuid.uuid4(), "hank", "http://127.0.0.1:1", uuid.uuid4(), "carol", uuid.uuid4(), (4, 8, 4, 8), bytes(range(24))
    )
    text = json.dumps(block.to_json())
    assert wire.parse_psrd(text) == block
    assert block.zone("hub_authenticator") == (12, 16)
    with pytest.raises(wire.WireError, match="checksum"):
        wire.parse_psrd(text.replace("hank", "hans"))


def test_a_signature_survives_and_a_wrong_size_is_refused():
    block = uuid.uuid4()
    signature = wire.Signature((wire.Fragment(block, 0, 20), wire.Fragment(block, 64, 12)), bytes(16))
    assert wire.Signature.parse(signature.text()) == signature
    with pytest.raises(wire.WireError):
        wire.Signature.parse(f"{block}:0:31;{wire.b64(bytes(16))}")
