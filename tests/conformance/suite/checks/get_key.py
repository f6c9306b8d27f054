"""Clauses 5.2 and 6.2: Get key."""

from __future__ import annotations

import secrets

from ..outcome import Skip, expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, SHOULD, check

SIZE_MESSAGE = "size shall be a multiple of 8"


@check("5.2-get-key-by-get", MUST, "Get key by GET without parameters is answered 200 with a key container")
def by_get(pair: Pair) -> None:
    expect(pair.key.keys, "there is no key")


@check("5.2-get-key-default-number", MUST, "Get key without number delivers exactly one key")
def default_number(pair: Pair) -> None:
    expect(len(pair.key.keys) == 1, f"there are {len(pair.key.keys)} keys")


@check("5.2-get-key-default-size", MUST, "Get key without size delivers keys of key_size bits")
def default_size(pair: Pair) -> None:
    size = pair.limit("key_size")
    for key in pair.key.keys.values():
        expect(len(key) * 8 == size, f"a key has {len(key) * 8} bits, key_size is {size}")


@check("5.2-get-key-query-parameters", MUST, "number and size as query parameters of a GET are honoured")
def query_parameters(pair: Pair) -> None:
    number = min(2, pair.limit("max_key_per_request"))
    size = pair.small_size
    pair.master.enc_keys(pair.slave.sae, f"number={number}&size={size}").expect_keys(number, size)


@check("5.2-get-key-by-post", MUST, "Get key by POST with number and size is honoured")
def by_post(pair: Pair) -> None:
    number = min(2, pair.limit("max_key_per_request"))
    size = pair.small_size
    pair.master.post_enc_keys(pair.slave.sae, {"number": number, "size": size}).expect_keys(number, size)


@check("5.2-get-key-empty-object", MUST, "Get key by POST of {} delivers one key of key_size bits")
def empty_object(pair: Pair) -> None:
    pair.master.post_enc_keys(pair.slave.sae, {}).expect_keys(1, pair.limit("key_size"))


@check("5.2-get-key-without-body", CLIENTS, "Get key by POST without a body is an empty request")
def without_body(pair: Pair) -> None:
    path = pair.master.path(pair.slave.sae, "enc_keys")
    pair.master.request("POST", path).expect_keys(1, pair.limit("key_size"))


@check("5.2-keys-are-new", MUST, "Two Get key requests deliver different IDs and different keys")
def new_keys(pair: Pair) -> None:
    first, second = pair.key.keys, pair.fresh_keys()
    expect(not set(first) & set(second), "the same key_ID was delivered twice")
    short = [key[:8] for keys in (first, second) for key in keys.values()]
    expect(len(set(short)) == len(short), "the same key was delivered twice")


@check("5.2-unknown-slave", CLIENTS, "Get key for an SAE that nobody knows is answered 400 with a message")
def unknown_slave(pair: Pair) -> None:
    pair.master.enc_keys("nobody-" + secrets.token_hex(4)).expect_error(400)


@check("5.2-get-key-of-32-bits", CLIENTS, "number=1&size=32 delivers a key of 32 bits: strongSwan plug-ins ask for it")
def of_32_bits(pair: Pair) -> None:
    pair.master.enc_keys(pair.slave.sae, "number=1&size=32").expect_keys(1, 32)


@check("5.2-get-key-of-256-bits", CLIENTS, "number=1&size=256 delivers a key of 32 bytes: most clients ask for it")
def of_256_bits(pair: Pair) -> None:
    pair.master.enc_keys(pair.slave.sae, "number=1&size=256").expect_keys(1, 256)


@check("6.2-size-min", MUST, "A key of min_key_size bits is delivered")
def size_min(pair: Pair) -> None:
    of_size(pair, pair.limit("min_key_size"))


@check("6.2-size-max", MUST, "A key of max_key_size bits is delivered")
def size_max(pair: Pair) -> None:
    of_size(pair, pair.limit("max_key_size"))


def of_size(pair: Pair, size: int) -> None:
    pair.master.enc_keys(pair.slave.sae, f"size={size}").expect_keys(1, size)


@check("6.2-size-between", MUST, "A size between the limits, not key_size, not a power of two, is delivered")
def size_between(pair: Pair) -> None:
    least, most = pair.limit("min_key_size"), pair.limit("max_key_size")
    sizes = [size for size in (24, 40, 88, 136, least + 8, least + 24) if least < size < most and size % 8 == 0]
    if not sizes:
        raise Skip(f"there is no such size between {least} and {most}")
    of_size(pair, sizes[0])


@check("6.2-size-not-a-multiple-of-8", MUST, f"Such a size is delivered, or answered 400 “{SIZE_MESSAGE}”")
def size_of_broken_bytes(pair: Pair) -> None:
    least, most = pair.limit("min_key_size"), pair.limit("max_key_size")
    size = least + 1 if (least + 1) % 8 else least + 2
    if size > most:
        raise Skip(f"there is no such size between {least} and {most}")
    answer = pair.master.enc_keys(pair.slave.sae, f"size={size}")
    if answer.status != 200:
        answer.expect_error(400, message=SIZE_MESSAGE)
        return
    for key in answer.keys.values():
        expect(len(key) == (size + 7) // 8, f"a key of {size} bits has {len(key)} bytes")


@check("6.2-size-below-min", MUST, "A size below min_key_size is answered 400 with a message")
def size_below(pair: Pair) -> None:
    pair.master.enc_keys(pair.slave.sae, f"size={pair.limit('min_key_size') - 8}").expect_error(400)


@check("6.2-size-above-max", MUST, "A size above max_key_size is answered 400 with a message, by GET and by POST")
def size_above(pair: Pair) -> None:
    size = pair.limit("max_key_size") + 8
    pair.master.enc_keys(pair.slave.sae, f"size={size}").expect_error(400)
    pair.master.post_enc_keys(pair.slave.sae, {"size": size}).expect_error(400)


@check("6.2-size-of-another-type", CLIENTS, "A size that is no positive integer is answered 400 with a message")
def size_of_another_type(pair: Pair) -> None:
    wrong_integers(pair, "size")


@check("6.2-number-max", MUST, "max_key_per_request keys are delivered at once, each another")
def number_max(pair: Pair) -> None:
    number, size = pair.limit("max_key_per_request"), pair.small_size
    keys = pair.master.enc_keys(pair.slave.sae, f"number={number}&size={size}").expect_keys(number, size)
    expect(len(set(keys.values())) == number, "two of the keys are the same")


@check("6.2-number-above-max", MUST, "A number above max_key_per_request is answered 400 with a message")
def number_above(pair: Pair) -> None:
    number = pair.limit("max_key_per_request") + 1
    pair.master.enc_keys(pair.slave.sae, f"number={number}").expect_error(400)
    pair.master.post_enc_keys(pair.slave.sae, {"number": number}).expect_error(400)


@check("6.2-number-of-another-type", CLIENTS, "A number that is no positive integer is answered 400 with a message")
def number_of_another_type(pair: Pair) -> None:
    wrong_integers(pair, "number")


def wrong_integers(pair: Pair, name: str) -> None:
    for text in ("0", "-8", "eight", "8x", "9" * 30, ""):
        pair.master.enc_keys(pair.slave.sae, f"{name}={text}").expect_error(400)
    for text in ("0", "-8", '"8"', "8.5", "true", "null", "[8]", "9" * 30):
        pair.master.post_enc_keys(pair.slave.sae, b'{"%s": %s}' % (name.encode(), text.encode())).expect_error(400)


@check("6.2-parameter-given-twice", CLIENTS, "A parameter that stands twice in the query or the body is answered 400")
def given_twice(pair: Pair) -> None:
    pair.master.enc_keys(pair.slave.sae, "number=1&number=1").expect_error(400)
    pair.master.post_enc_keys(pair.slave.sae, b'{"number": 1, "number": 1}').expect_error(400)


@check(
    "6.2-unknown-names-are-ignored", CLIENTS, "Names that the standard does not have are ignored: vendors add their own"
)
def unknown_names(pair: Pair) -> None:
    answer = pair.master.enc_keys(pair.slave.sae, f"size={pair.small_size}&vendor_colour=red")
    answer.expect_keys(1, pair.small_size)
    answer = pair.master.post_enc_keys(pair.slave.sae, {"size": pair.small_size, "vendor_colour": {"red": [1, None]}})
    answer.expect_keys(1, pair.small_size)


@check("6.2-body-is-not-json", MUST, "A body that is no JSON is answered 400 with a message")
def not_json(pair: Pair) -> None:
    for body in (b"{", b"number=1", b"<number>1</number>"):
        pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400)


@check(
    "6.2-json-is-read-strictly",
    CLIENTS,
    "What RFC 8259 does not allow is answered 400, though its parsers may be lenient",
)
def strictly(pair: Pair) -> None:
    for body in (b"{} {}", b"{'number': 1}", b'{"number": 01}', b'{"x": "\x01"}', b'{"x": NaN}', b'{"number": 1,}'):
        pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400)


@check("6.2-body-is-not-an-object", MUST, "A body that is JSON, but no object, is answered 400 with a message")
def not_an_object(pair: Pair) -> None:
    for body in (b"[]", b"null", b'"number"', b"1"):
        pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400)


@check("6.2-body-is-not-utf-8", SHOULD, "A body that is no UTF-8 is answered 400 with a message")
def not_utf_8(pair: Pair) -> None:
    for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80"):
        pair.master.post_enc_keys(pair.slave.sae, b'{"vendor_x": "' + text + b'"}').expect_error(400)


@check("6.2-body-is-deeply-nested", CLIENTS, "A body of 100,000 nested arrays is answered 400, and harms nobody")
def deeply_nested(pair: Pair) -> None:
    body = b'{"vendor_x": ' + b"[" * 100000 + b"]" * 100000 + b"}"
    pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400, 413)
    pair.master.status(pair.slave.sae).expect_status(200)
