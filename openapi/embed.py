#!/usr/bin/env python3
"""Writes documents.cpp: the OpenAPI files of this folder as JSON, and docs.html, as C++ constants.

usage: embed.py FOLDER OUTPUT

Fails, naming file and place, on a YAML error, a name given twice, a name without a value (a comma in a plain text
between braces makes one), a $ref that leads nowhere, and an operationId that is missing or used twice.
"""
import base64
import hashlib
import json
import pathlib
import re
import sys

import yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


class StrictLoader(yaml.SafeLoader):
    """A loader that refuses repeated names and names without a value, and takes nothing but strings as names."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"quote the name {key!r}", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", key_node.start_mark)
            if value_node.tag == "tag:yaml.org,2002:null":
                raise yaml.constructor.ConstructorError(None, None, f"{key} has no value", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def references(value):
    """Every $ref in the document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def resolve(document, reference):
    if not reference.startswith("#/"):
        raise KeyError(reference)
    target = document
    for part in reference[2:].split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target


def description_json(path):
    """The OpenAPI file as compact JSON."""
    with path.open(encoding="utf-8") as stream:
        document = yaml.load(stream, StrictLoader)
    for reference in references(document):
        try:
            resolve(document, reference)
        except (KeyError, TypeError):
            sys.exit(f"{path}: {reference} leads nowhere")
    operation_ids = set()
    for url, item in document["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            operation_id = operation.get("operationId")
            if not operation_id or operation_id in operation_ids:
                sys.exit(f"{path}: {method} {url}: the operationId is missing or used twice")
            operation_ids.add(operation_id)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def content_security_policy(page):
    """Allows the page's inline style and script by their hashes, and nothing else but requests to its own node."""

    def source(element):
        contents = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        if len(contents) != 1:
            sys.exit(f"docs.html: expected one {element} element, found {len(contents)}")
        return "'sha256-" + base64.b64encode(hashlib.sha256(contents[0].encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {source('style')}; script-src {source('script')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def function(name, text):
    """A C++ function that returns the text; as numbers, since compilers limit the length of string literals."""
    numbers = ",".join(str(byte) for byte in text.encode())
    lines = re.sub(r"(.{1,110},)", r"\1\n", numbers)
    return (
        f"std::string_view {name}() {{\n"
        f"  static constexpr unsigned char kText[] = {{\n{lines}}};\n"
        f"  return {{reinterpret_cast<const char*>(kText), sizeof kText}};\n"
        f"}}\n"
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    page = (folder / "docs.html").read_text(encoding="utf-8")
    try:
        functions = [
            function("etsi014_json", description_json(folder / "etsi014.yaml")),
            function("hub_json", description_json(folder / "hub.yaml")),
            function("kme_management_json", description_json(folder / "kme-management.yaml")),
        ]
    except yaml.YAMLError as error:
        sys.exit(str(error))
    functions += [
        function("docs_page_html", page),
        function("docs_page_content_security_policy", content_security_policy(page)),
    ]
    pathlib.Path(sys.argv[2]).write_text(
        "// Written by openapi/embed.py.\n"
        '#include "openapi/documents.h"\n\n'
        "namespace dske::openapi {\n\n" + "\n".join(functions) + "\n}  // namespace dske::openapi\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
