"""Clause 6.5: the Error object."""

from __future__ import annotations

import secrets

from ..answer import Answer
from ..outcome import Skip, expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, check


def bad_number(pair: Pair) -> Answer:
    number = pair.limit("max_key_per_request") + 1
    return pair.once("bad number", lambda: pair.master.enc_keys(pair.slave.sae, f"number={number}"))


@check("6.5-error-object-message", MUST, "400 carries an Error object with a message")
def message(pair: Pair) -> None:
    bad_number(pair).expect_error(400)


@check("6.5-error-content-type", MUST, "400 has the Content-Type application/json")
def content_type(pair: Pair) -> None:
    answer = bad_number(pair).expect_status(400)
    expect(answer.media_type == "application/json", f"the Content-Type is “{answer.header('Content-Type')}”")


@check("6.5-error-details", MUST, "details of an Error object, if there are any, are an array of objects")
def details(pair: Pair) -> None:
    told = bad_number(pair).expect_error(400).object.get("details", [])
    expect(isinstance(told, list) and all(isinstance(detail, dict) for detail in told), "details is something else")


@check("6.5-message-names-the-parameter", CLIENTS, "The message of a 400 names the parameter that was wrong")
def names_the_parameter(pair: Pair) -> None:
    expect("number" in bad_number(pair).expect_error(400).message, "the message does not say “number”")


@check("6.5-message-on-401", CLIENTS, "401 carries a JSON object with a message: some clients crash without one")
def on_401(pair: Pair) -> None:
    third = pair.third
    if not pair.third_is_at_the_slaves_kme:
        raise Skip("needs a third SAE at the slave's KME")
    keys = pair.fresh_keys()
    third.dec_keys(pair.master.sae, list(keys)).expect_error(401)


@check("6.5-message-on-404", CLIENTS, "404 carries a JSON object with a message")
def on_404(pair: Pair) -> None:
    pair.master.get("/api/v1/no_such_path_" + secrets.token_hex(4)).expect_error(404)


@check("6.5-message-on-405", CLIENTS, "405 carries a JSON object with a message")
def on_405(pair: Pair) -> None:
    pair.master.request("PUT", pair.master.path(pair.slave.sae, "status")).expect_error(405)
