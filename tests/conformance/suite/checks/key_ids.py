"""Clauses 5.3 and 6.4: Get key with key IDs."""

from __future__ import annotations

import uuid

from ..answer import Answer
from ..outcome import expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, SHOULD, check

NOT_FOUND = "one or more keys specified are not found on kme"


def same_keys(answer: Answer, keys: dict[str, bytes]) -> None:
    """Compared without telling the values."""
    found = answer.keys
    expect(set(found) == set(keys), "the key IDs are not those that were asked for")
    expect(found == keys, "a key is not the one that the master has")


def not_found(answer: Answer) -> None:
    answer.expect_error(400, message=NOT_FOUND)


@check("5.3-get-key-with-key-ids-by-get", MUST, "One key by GET with key_ID is the key that the master has")
def by_get(pair: Pair) -> None:
    keys = pair.fresh_keys()
    same_keys(pair.slave.dec_key(pair.master.sae, next(iter(keys))), keys)


@check("5.3-get-key-with-key-ids-by-post", MUST, "One key by POST with key_IDs is the key that the master has")
def by_post(pair: Pair) -> None:
    keys = pair.fresh_keys()
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)


@check("5.3-several-keys", MUST, "Several keys by POST, in another order, are the keys that the master has")
def several(pair: Pair) -> None:
    keys = pair.fresh_keys(min(3, pair.limit("max_key_per_request")))
    same_keys(pair.slave.dec_keys(pair.master.sae, list(reversed(keys))), keys)


@check("5.3-delivered-keys-are-removed", MUST, "A key that was delivered with its ID is no longer found (400)")
def removed(pair: Pair) -> None:
    keys = pair.fresh_keys()
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)
    not_found(pair.slave.dec_keys(pair.master.sae, list(keys)))


@check(
    "5.3-unknown-key",
    MUST,
    "A key that does not exist is answered 400 “one or more keys specified are not found on KME”",
)
def unknown(pair: Pair) -> None:
    not_found(pair.slave.dec_key(pair.master.sae, str(uuid.uuid4())))
    not_found(pair.slave.dec_keys(pair.master.sae, [str(uuid.uuid4())]))


@check("5.3-all-or-nothing", MUST, "If one key is not found none is delivered, and the others stay available")
def all_or_nothing(pair: Pair) -> None:
    keys = pair.fresh_keys()
    not_found(pair.slave.dec_keys(pair.master.sae, [*keys, str(uuid.uuid4())]))
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)


@check("5.3-key-of-another-sae-is-401", MUST, "An SAE that was not named in Get key gets 401, and the key stays")
def another_sae(pair: Pair) -> None:
    third = pair.third
    keys = pair.fresh_keys()
    answer = third.dec_keys(pair.master.sae, list(keys))
    if pair.third_is_at_the_slaves_kme:
        answer.expect_status(401)
    elif answer.status != 401:
        not_found(answer)  # a KME elsewhere may not know of the key
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)


@check(
    "5.3-key-of-another-master", MUST, "With an SAE ID in the path that is not the key's master, no key is delivered"
)
def another_master(pair: Pair) -> None:
    third = pair.third
    keys = pair.fresh_keys()
    answer = pair.slave.dec_keys(third.sae, list(keys))
    if answer.status != 401:
        answer.expect_error(400)
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)


@check("6.4-upper-case-key-id", SHOULD, "A key_ID in upper case is the same UUID (RFC 4122, section 3)")
def upper_case(pair: Pair) -> None:
    keys = pair.fresh_keys()
    same_keys(pair.slave.dec_keys(pair.master.sae, [next(iter(keys)).upper()]), keys)


@check("6.4-extension-members", MUST, "key_ID_extension and key_IDs_extension, which are for later use, do no harm")
def extension_members(pair: Pair) -> None:
    keys = pair.fresh_keys()
    entry = {"key_ID": next(iter(keys)), "key_ID_extension": {"vendor_x": 1}}
    body = {"key_IDs": [entry], "key_IDs_extension": {"vendor_y": [None]}}
    same_keys(pair.slave.post(pair.slave.path(pair.master.sae, "dec_keys"), body), keys)


@check(
    "6.4-unknown-members-are-ignored",
    CLIENTS,
    "Other members beside key_ID are ignored: one vendor sends master_SAE_ID",
)
def unknown_members(pair: Pair) -> None:
    keys = pair.fresh_keys()
    body = {"key_IDs": [{"key_ID": next(iter(keys)), "master_SAE_ID": pair.master.sae}]}
    same_keys(pair.slave.post(pair.slave.path(pair.master.sae, "dec_keys"), body), keys)


def refused(pair: Pair, *bodies: object) -> None:
    for body in bodies:
        answer = pair.slave.post(pair.slave.path(pair.master.sae, "dec_keys"), body).expect_error(400)
        expect(
            answer.message.lower() != NOT_FOUND, "the message says that keys are not found, not that the form is wrong"
        )


@check("6.4-no-key-ids", MUST, "A request that names no key is answered 400 with a message")
def no_key_ids(pair: Pair) -> None:
    for answer in (
        pair.slave.get(pair.slave.path(pair.master.sae, "dec_keys")),
        pair.slave.post(pair.slave.path(pair.master.sae, "dec_keys"), {}),
    ):
        answer.expect_error(400)


@check("6.4-key-ids-of-another-type", CLIENTS, "key_IDs of another type is answered 400 with a message that says so")
def of_another_type(pair: Pair) -> None:
    one = str(uuid.uuid4())
    refused(
        pair, {"key_IDs": one}, {"key_IDs": {"key_ID": one}}, {"key_IDs": [one]}, {"key_IDs": [{}]},
        {"key_IDs": [{"key_ID": 1}]}, {"key_IDs": None}, [{"key_ID": one}],
    )  # fmt: skip


@check("6.4-key-id-of-another-form", CLIENTS, "A key_ID that is no UUID is answered 400 with a message")
def of_another_form(pair: Pair) -> None:
    one = str(uuid.uuid4())
    for text in ("x", one.replace("-", ""), one[:-1], one + "0", one[:-1] + "g"):
        pair.slave.dec_key(pair.master.sae, text).expect_error(400)
        pair.slave.dec_keys(pair.master.sae, [text]).expect_error(400)


@check(
    "6.4-two-key-ids-in-get", CLIENTS, "GET is for one key_ID: two are answered 400 with a message, and none is lost"
)
def two_in_get(pair: Pair) -> None:
    keys = pair.fresh_keys(min(2, pair.limit("max_key_per_request")))
    query = "&".join(f"key_ID={key_id}" for key_id in [*keys, *keys][:2])
    pair.slave.get(pair.slave.path(pair.master.sae, "dec_keys") + "?" + query).expect_error(400)
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)


@check("6.4-body-is-not-json", MUST, "A body of Get key with key IDs that is no JSON object is answered 400")
def not_json(pair: Pair) -> None:
    for body in (b"{", b"key_ID=x", b"[]", b'{"key_IDs": "\xff"}'):
        pair.slave.post(pair.slave.path(pair.master.sae, "dec_keys"), body).expect_error(400)
