"""The part of JSON Schema 2020-12 that the project's OpenAPI files use. A keyword that it does not know is an error, so
that no documented promise goes unchecked."""

from __future__ import annotations

import base64
import re
import uuid

ANNOTATIONS = {"description", "default", "examples", "example", "title", "deprecated"}


class SchemaError(AssertionError):
    pass


def _is_type(value: object, name: str) -> bool:
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[name])


def _is_format(value: object, name: str) -> bool:
    if name == "uuid":
        try:
            return str(uuid.UUID(value)) == value.lower()
        except ValueError:
            return False
    if name == "uri":
        return re.match(r"^[a-z][a-z0-9+.-]*://[^\s]+$", value) is not None
    if name == "int32":
        return -(2**31) <= value < 2**31
    if name == "int64":
        return -(2**63) <= value < 2**63
    raise SchemaError(f"format {name} is not known to the tests")


class Checker:
    def __init__(self, document: dict):
        self.document = document

    def resolve(self, value: dict) -> dict:
        """Follows $ref; members beside it stay."""
        while "$ref" in value:
            target: dict = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = {**target, **{key: one for key, one in value.items() if key != "$ref"}}
        return value

    def check(self, value: object, schema: dict, where: str = "$") -> None:
        """Raises SchemaError. Members of an object that its schema does not name are errors: the files are meant to be
        complete."""
        schema = self.resolve(schema)
        if "allOf" in schema:
            merged: dict = {"properties": {}, "required": []}
            for part in [*schema["allOf"], {key: one for key, one in schema.items() if key != "allOf"}]:
                part = self.resolve(part)
                merged["properties"] |= part.get("properties", {})
                merged["required"] = merged["required"] + part.get("required", [])
                merged |= {key: one for key, one in part.items() if key not in ("properties", "required")}
            schema = merged
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS:
                continue
            method = getattr(self, "_" + keyword.replace("$", ""), None)
            if method is None:
                raise SchemaError(f"{where}: the schema's keyword {keyword!r} is not known to the tests")
            method(value, argument, where, schema)

    def _type(self, value, argument, where, schema):
        names = [argument] if isinstance(argument, str) else argument
        if not any(_is_type(value, name) for name in names):
            raise SchemaError(f"{where} is {value!r}, not of type {argument}")

    def _properties(self, value, argument, where, schema):
        if not isinstance(value, dict):
            return
        for name, one in value.items():
            if name in argument:
                self.check(one, argument[name], f"{where}.{name}")
            elif "additionalProperties" not in schema:
                raise SchemaError(f"{where}.{name} is not documented")

    def _required(self, value, argument, where, schema):
        for name in argument:
            if isinstance(value, dict) and name not in value:
                raise SchemaError(f"{where}.{name} is missing")

    def _additionalProperties(self, value, argument, where, schema):
        if not isinstance(value, dict):
            return
        for name in value.keys() - schema.get("properties", {}).keys():
            if argument is False:
                raise SchemaError(f"{where}.{name} is not allowed")
            if isinstance(argument, dict):
                self.check(value[name], argument, f"{where}.{name}")

    def _items(self, value, argument, where, schema):
        if isinstance(value, list):
            for i, one in enumerate(value):
                self.check(one, argument, f"{where}[{i}]")

    def _limit(self, holds: bool, where: str, what: str) -> None:
        if not holds:
            raise SchemaError(f"{where}: {what}")

    def _minItems(self, value, argument, where, schema):
        self._limit(not isinstance(value, list) or len(value) >= argument, where, "too few items")

    def _maxItems(self, value, argument, where, schema):
        self._limit(not isinstance(value, list) or len(value) <= argument, where, "too many items")

    def _uniqueItems(self, value, argument, where, schema):
        same = isinstance(value, list) and any(value[i] in value[:i] for i in range(len(value)))
        self._limit(not (argument and same), where, "an item twice")

    def _minLength(self, value, argument, where, schema):
        self._limit(not isinstance(value, str) or len(value) >= argument, where, "too short")

    def _maxLength(self, value, argument, where, schema):
        self._limit(not isinstance(value, str) or len(value) <= argument, where, "too long")

    def _pattern(self, value, argument, where, schema):
        self._limit(
            not isinstance(value, str) or bool(re.search(argument, value)), where, f"{value!r} against {argument}"
        )

    def _minimum(self, value, argument, where, schema):
        self._limit(not _is_type(value, "number") or value >= argument, where, f"{value} is below {argument}")

    def _maximum(self, value, argument, where, schema):
        self._limit(not _is_type(value, "number") or value <= argument, where, f"{value} is above {argument}")

    def _multipleOf(self, value, argument, where, schema):
        self._limit(not _is_type(value, "number") or value % argument == 0, where, f"{value} against {argument}")

    def _const(self, value, argument, where, schema):
        self._limit(value == argument, where, f"{value!r} is not {argument!r}")

    def _enum(self, value, argument, where, schema):
        self._limit(value in argument, where, f"{value!r} is none of {argument}")

    def _format(self, value, argument, where, schema):
        self._limit(value is None or _is_format(value, argument), where, f"{value!r} is no {argument}")

    def _contentEncoding(self, value, argument, where, schema):
        if argument != "base64":
            raise SchemaError(f"{where}: contentEncoding {argument} is not known to the tests")
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            raise SchemaError(f"{where} is no base64") from None

    def _oneOf(self, value, argument, where, schema):
        fits = 0
        for one in argument:
            try:
                self.check(value, one, where)
                fits += 1
            except SchemaError:
                pass
        self._limit(fits == 1, where, f"{fits} alternatives fit")

    def _anyOf(self, value, argument, where, schema):
        for one in argument:
            try:
                self.check(value, one, where)
                return
            except SchemaError:
                pass
        raise SchemaError(f"{where}: no alternative fits")
