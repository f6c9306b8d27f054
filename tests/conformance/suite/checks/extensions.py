"""Clause 6.2: extension_mandatory and extension_optional."""

from __future__ import annotations

from ..answer import Answer
from ..outcome import expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, SHOULD, check

UNSUPPORTED = "not all extension_mandatory parameters are supported"
OPTIONAL_REFUSED = "not all extension_optional request options handled"
NAMES = ("conformance_route", "conformance_colour")


def mandatory(pair: Pair) -> Answer:
    def ask() -> Answer:
        value = [{NAMES[0]: "north"}, {NAMES[1]: {"red": [1, None]}}]
        return pair.master.post_enc_keys(pair.slave.sae, {"extension_mandatory": value})

    return pair.once("mandatory", ask)


@check("6.2-extension-mandatory-unsupported", MUST, f"An extension that the KME does not know: 400 “{UNSUPPORTED}”")
def unsupported(pair: Pair) -> None:
    mandatory(pair).expect_error(400, message=UNSUPPORTED)


@check("6.2-extension-mandatory-details", SHOULD, "details of that answer name every such extension")
def details(pair: Pair) -> None:
    told = mandatory(pair).expect_error(400).object.get("details")
    for name in NAMES:
        expect(name in repr(told), f"details do not name {name}")


@check(
    "6.2-extension-mandatory-among-others", MUST, "One unknown mandatory extension is enough, whatever stands beside it"
)
def among_others(pair: Pair) -> None:
    body = {"number": 1, "size": pair.small_size, "extension_optional": [], "extension_mandatory": [{NAMES[0]: 1}]}
    pair.master.post_enc_keys(pair.slave.sae, body).expect_error(400, message=UNSUPPORTED)


@check("6.2-extension-optional-unknown", MUST, f"Unknown optional ones are ignored, or 400 “{OPTIONAL_REFUSED}”")
def optional(pair: Pair) -> None:
    values = [{NAMES[0]: "north"}, {NAMES[1]: {"red": [1, None, True, 0.5]}}]
    body = {"size": pair.small_size, "extension_optional": values}
    answer = pair.master.post_enc_keys(pair.slave.sae, body)
    if answer.status == 400:
        answer.expect_error(400, message=OPTIONAL_REFUSED)
    else:
        answer.expect_keys(1, pair.small_size)


@check(
    "6.2-extension-of-another-type", CLIENTS, "Extensions that are no array of objects are answered 400 with a message"
)
def of_another_type(pair: Pair) -> None:
    for name in ("extension_mandatory", "extension_optional"):
        for value in ({"x": 1}, [1], "x"):
            pair.master.post_enc_keys(pair.slave.sae, {name: value}).expect_error(400)
