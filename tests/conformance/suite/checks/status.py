"""Clauses 5.1 and 6.1: Get status."""

from __future__ import annotations

import secrets

from ..outcome import expect
from ..pair import STATUS_NUMBERS, Pair
from ..registry import CLIENTS, MUST, check

STATUS_STRINGS = ("source_KME_ID", "target_KME_ID", "master_SAE_ID", "slave_SAE_ID")
INT32_MOST = 2**31 - 1
QUICK_SECONDS = 3.0


def status_of(pair: Pair) -> dict:
    return pair.status.expect_status(200).object


@check("5.1-get-status", MUST, "Get status by GET is answered 200 with a Status object")
def get_status(pair: Pair) -> None:
    expect(status_of(pair), "the object is empty")


@check("5.1-get-status-of-the-slave", CLIENTS, "The slave may ask its own KME for the status of the pair")
def get_status_of_the_slave(pair: Pair) -> None:
    pair.slave.status(pair.master.sae).expect_status(200)


@check("5.1-unknown-sae", CLIENTS, "Get status for an SAE that nobody knows is answered 400 with a message")
def unknown_sae(pair: Pair) -> None:
    pair.master.status("nobody-" + secrets.token_hex(4)).expect_error(400)


@check("5.1-sae-id-of-broken-encoding", CLIENTS, "An SAE ID in broken percent-encoding or UTF-8 is answered 400")
def broken_sae_id(pair: Pair) -> None:
    for segment in ("%zz", "%ff"):
        pair.master.get(f"/api/v1/keys/{segment}/status").expect_error(400)


@check("5.1-status-is-quick", CLIENTS, "Get status answers within three seconds: clients test the connection with it")
def quick(pair: Pair) -> None:
    seconds = pair.status.expect_status(200).seconds
    for _ in range(2):  # the machine may have been busy
        if seconds >= QUICK_SECONDS:
            seconds = pair.master.status(pair.slave.sae).expect_status(200).seconds
    expect(seconds < QUICK_SECONDS, f"it took {seconds:.1f} seconds")


@check("6.1-status-fields", MUST, "The Status object has the eleven members of the standard")
def fields(pair: Pair) -> None:
    missing = [name for name in (*STATUS_STRINGS, *STATUS_NUMBERS) if name not in status_of(pair)]
    expect(not missing, f"missing: {', '.join(missing)}")


@check("6.1-status-types", MUST, "IDs in the Status object are strings, numbers integers, not negative")
def types(pair: Pair) -> None:
    status = status_of(pair)
    for name in STATUS_STRINGS:
        expect(isinstance(status.get(name), str) and status[name], f"{name} is not a string with something in it")
    for name in STATUS_NUMBERS:
        expect(type(status.get(name)) is int and status[name] >= 0, f"{name} is not an integer of at least 0")


@check("6.1-status-names-the-saes", MUST, "master_SAE_ID is the caller, slave_SAE_ID the SAE of the path")
def names_the_saes(pair: Pair) -> None:
    status = status_of(pair)
    for name, sae in (("master_SAE_ID", pair.master.sae), ("slave_SAE_ID", pair.slave.sae)):
        expect(status.get(name) == sae, f"{name} is not “{sae}”")


@check("6.1-status-names-the-kmes", MUST, "source_KME_ID answers, target_KME_ID is what the slave's KME calls itself")
def names_the_kmes(pair: Pair) -> None:
    here = status_of(pair)
    there = pair.slave.status(pair.master.sae).expect_status(200).object
    expect(here.get("target_KME_ID") == there.get("source_KME_ID"), "target_KME_ID is not the slave's source_KME_ID")
    expect(here.get("source_KME_ID") == there.get("target_KME_ID"), "source_KME_ID is not the slave's target_KME_ID")


@check("6.1-status-extension", MUST, "status_extension, if there is one, is an object")
def extension(pair: Pair) -> None:
    expect(isinstance(status_of(pair).get("status_extension", {}), dict), "status_extension is no object")


@check(
    "6.1-status-limits-agree", CLIENTS, "min_key_size <= key_size <= max_key_size, stored <= max_key_count, and so on"
)
def limits_agree(pair: Pair) -> None:
    status = {name: pair.limit(name) for name in STATUS_NUMBERS}
    least, size, most = status["min_key_size"], status["key_size"], status["max_key_size"]
    expect(0 < least <= size <= most, f"not 0 < {least} (min) <= {size} (key_size) <= {most} (max)")
    expect(status["stored_key_count"] <= status["max_key_count"], "stored_key_count is above max_key_count")
    expect(status["max_key_per_request"] > 0, "max_key_per_request is 0")


@check("6.1-status-numbers-are-32-bit", CLIENTS, "Every number of the Status object fits a signed integer of 32 bits")
def int32(pair: Pair) -> None:
    for name in STATUS_NUMBERS:
        expect(pair.limit(name) <= INT32_MOST, f"{name} is {pair.limit(name)}")
