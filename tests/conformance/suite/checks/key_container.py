"""Clause 6.3: the key container."""

from __future__ import annotations

import base64
import re

from ..outcome import expect
from ..pair import Pair
from ..registry import CLIENTS, MUST, check

UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")


@check("6.3-keys-is-an-array", MUST, "keys is an array of objects with key_ID and key, both strings")
def keys_is_an_array(pair: Pair) -> None:
    expect(pair.key.entries, "keys is empty")


@check("6.3-key-id-is-a-uuid", MUST, "A key_ID is a UUID of 36 characters")
def key_id_is_a_uuid(pair: Pair) -> None:
    for entry in pair.key.entries:
        expect(UUID.fullmatch(entry["key_ID"]), f"“{entry['key_ID']}” is none")


@check("6.3-key-id-is-lower-case", CLIENTS, "A key_ID is in lower case: some clients compare text")
def key_id_is_lower_case(pair: Pair) -> None:
    for entry in pair.key.entries:
        expect(entry["key_ID"] == entry["key_ID"].lower(), f"“{entry['key_ID']}” is not")


@check("6.3-key-is-base64", MUST, "A key is in standard base64 with padding (RFC 4648, section 4)")
def key_is_base64(pair: Pair) -> None:
    for entry in pair.key.entries:
        text = entry["key"]
        fits = re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text)
        expect(text and fits, "a key is not in that form")
        expect(base64.b64encode(base64.b64decode(text)).decode() == text, "the last bits of a key's base64 are not 0")


@check("6.3-extensions-are-objects", MUST, "Extension members of the key container, if there are any, are objects")
def extensions_are_objects(pair: Pair) -> None:
    container = pair.key.object
    for entry in pair.key.entries:
        for name in ("key_ID_extension", "key_extension"):
            expect(isinstance(entry.get(name, {}), dict), f"{name} is no object")
    expect(isinstance(container.get("key_container_extension", {}), dict), "key_container_extension is no object")
