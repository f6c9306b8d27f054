"""Clause 6.2: additional_slave_SAE_IDs, by which more than one slave gets the same keys."""

from __future__ import annotations

import secrets

from ..outcome import Skip, expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, check
from .key_ids import NOT_FOUND, same_keys

NAME = "additional_slave_SAE_IDs"


def shared_key(pair: Pair) -> dict[str, bytes]:
    """One key for the slave and the third SAE."""
    third = pair.third
    if pair.limit("max_SAE_ID_count") == 0:
        raise Skip("max_SAE_ID_count is 0: this KME has no multicast")
    answer = pair.master.post_enc_keys(pair.slave.sae, {"size": pair.small_size, NAME: [third.sae]})
    return answer.expect_keys(1, pair.small_size)


@check("6.2-multicast-same-keys", MUST, "Every SAE that is named in Get key gets the same key")
def same_for_all(pair: Pair) -> None:
    keys = shared_key(pair)
    same_keys(pair.slave.dec_keys(pair.master.sae, list(keys)), keys)
    same_keys(pair.third.dec_keys(pair.master.sae, list(keys)), keys)


@check("6.2-multicast-each-once", CLIENTS, "Each SAE that is named gets the key once, whoever else had it before")
def each_once(pair: Pair) -> None:
    keys = shared_key(pair)
    for caller in (pair.third, pair.slave):
        same_keys(caller.dec_keys(pair.master.sae, list(keys)), keys)
    for caller in (pair.third, pair.slave):
        caller.dec_keys(pair.master.sae, list(keys)).expect_error(400, message=NOT_FOUND)


@check(
    "6.2-multicast-over-the-limit", MUST, "More additional SAEs than max_SAE_ID_count are answered 400 with a message"
)
def over_the_limit(pair: Pair) -> None:
    most = pair.limit("max_SAE_ID_count")
    if most > 10000:
        raise Skip(f"max_SAE_ID_count is {most}: too many to try")
    saes = [f"nobody-{secrets.token_hex(4)}" for _ in range(most + 1)]
    pair.master.post_enc_keys(pair.slave.sae, {NAME: saes}).expect_error(400)


@check("6.2-multicast-unknown-sae", CLIENTS, "An additional SAE that nobody knows is answered 400 with a message")
def unknown_sae(pair: Pair) -> None:
    pair.master.post_enc_keys(pair.slave.sae, {NAME: ["nobody-" + secrets.token_hex(4)]}).expect_error(400)


@check("6.2-multicast-of-another-type", MUST, f"{NAME} that is no array of strings is answered 400")
def of_another_type(pair: Pair) -> None:
    for value in ("x", {"x": 1}, [1], [["x"]], True):
        pair.master.post_enc_keys(pair.slave.sae, {NAME: value}).expect_error(400)


@check("6.2-multicast-not-in-the-query", CLIENTS, f"{NAME} in the query of a GET is not taken for a request without it")
def not_in_the_query(pair: Pair) -> None:
    answer = pair.master.enc_keys(pair.slave.sae, f"{NAME}=nobody-{secrets.token_hex(4)}")
    expect(answer.status != 200, "a key was delivered, but not for the additional SAE")
    answer.expect_error(400)
