"""A KME for tests of the suite: right, but for the faults that are switched on.

A fault is named after the check that must find it. Two of these KMEs with one `Pool` make a network.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import socket
import ssl
import threading
import time
import urllib.parse
import uuid
import warnings

NOT_FOUND = "one or more keys specified are not found on KME"
LEAST, DEFAULT, MOST = 8, 256, 4096  # bits
NUMBER_MOST, SAES_MOST = 16, 4
PARAMETERS = ("number", "size", "additional_slave_SAE_IDs", "extension_mandatory", "extension_optional")
BODY_MOST = 1 << 20


class Pool:
    """The keys of a network, which SAE is where, and the faults of its KMEs."""

    def __init__(self, homes: dict[str, str]):
        self.homes = homes  # SAE ID: KME ID
        self.faults: set[str] = set()
        self.busy = 0  # how many requests to answer 429
        self.keys: dict[str, dict] = {}
        self.lock = threading.Lock()


class Refusal(Exception):
    def __init__(self, status: int, message: str, details: object = None, **headers: str):
        self.status, self.message, self.details, self.headers = status, message, details, headers


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Kme

    def bad(self, fault: str) -> bool:
        return fault in self.server.pool.faults

    def log_message(self, *_: object) -> None:
        pass

    def setup(self) -> None:
        self.request.settimeout(30)
        first = self.request.recv(1, socket.MSG_PEEK)
        self.plain = first != b"\x16" and self.bad("4-plain-http-is-refused")
        if not self.plain:
            self.request = self.server.context().wrap_socket(self.request, server_side=True)
        super().setup()

    def caller(self) -> str:
        subject = None if self.plain else self.request.getpeercert()
        if not subject:
            return "carol"  # only with a fault: a certificate is required
        return next(value for part in subject["subject"] for name, value in part if name == "commonName")

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        close = self.close_connection or self.bad("4-connection-is-kept")
        if self.bad("4-connection-close-is-honoured"):
            close = False
        if "gzip" in self.headers.get("Accept-Encoding", "") and self.bad("4-gzip-offer-does-no-harm"):
            headers["Content-Encoding"] = "gzip"
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = close

    def body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self.chunks()
        size = int(self.headers.get("Content-Length", "0"))
        if size > BODY_MOST and not self.bad("4-large-body-is-refused"):
            self.close_connection = True
            raise Refusal(413, "the body is too large")
        body = self.rfile.read(size)
        if size > BODY_MOST:
            raise Refusal(500, "too large")
        return body

    def chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return b"" if self.bad("4-chunked-body-is-read") else body

    def serve(self) -> None:
        try:
            value, status = self.handle_request(), 200
            if self.bad("5.2-get-key-by-get") and self.command == "GET" and "enc_keys" in self.path:
                status = 201
            kind = "text/plain" if self.bad("4-answers-are-json") else "application/json"
            self.answer(status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": kind})
        except Refusal as refusal:
            self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        kind = "text/html" if self.bad("6.5-error-content-type") else "application/json"
        value = {"message": "bad request" if self.bad("6.5-message-names-the-parameter") else refusal.message}
        if refusal.details is not None:
            value["details"] = refusal.details
        if self.bad("6.5-error-details"):
            value["details"] = {"parameter": "number"}
        if self.bad("6.5-error-object-message"):
            value = {"error": refusal.message}
        body = json.dumps(value).encode()
        if self.bad(f"6.5-message-on-{refusal.status}"):
            body = b""
        self.answer(refusal.status, body, {"Content-Type": kind, **refusal.headers})

    do_GET = do_POST = do_PUT = do_DELETE = serve

    def handle_request(self) -> dict:
        body = self.body()
        if self.server.pool.busy:
            self.server.pool.busy -= 1
            raise Refusal(429, "too many requests", Retry_After="1")
        if "Host" not in self.headers and not self.bad("4-missing-host-is-400"):
            raise Refusal(400, "Host is missing")
        kind = self.headers.get("Content-Type", "")
        path, _, query = self.path.partition("?")
        found = re.fullmatch(r"/api/v1/keys/([^/]+)/(status|enc_keys|dec_keys)", path)
        if not found:
            raise Refusal(400 if self.bad("5-unknown-path-is-404") else 404, "there is no such path")
        segment, resource = found.groups()
        self.allow(resource)
        if self.command == "GET" and kind and self.bad("4-content-type-on-get"):
            raise Refusal(400, "a GET has no Content-Type")
        if body and not self.is_json(kind):
            raise Refusal(415, "the body is not application/json")
        caller, other = self.caller(), self.sae(segment)
        if self.server.pool.homes.get(caller) != self.server.name:
            raise Refusal(401, "no SAE of this KME")
        if body.startswith(b"<") and self.bad("4-other-content-type-is-refused"):
            body = b""
        return getattr(self, resource)(caller, other, urllib.parse.parse_qs(query, keep_blank_values=True), body)

    def is_json(self, kind: str) -> bool:
        if self.bad("4-charset-in-content-type"):
            return kind == "application/json"
        return kind.split(";")[0] == "application/json" or self.bad("4-other-content-type-is-refused")

    def allow(self, resource: str) -> None:
        allowed = {"GET"} if resource == "status" else {"GET", "POST"}
        fault = f"5-{resource.replace('_', '-')}-has-get-{'' if resource == 'status' else 'and-post-'}only"
        if self.command in allowed or (resource == "status" and self.bad(fault)):
            return
        if resource == "enc_keys" and self.bad(fault):
            raise Refusal(501, "no")
        raise Refusal(405, "not that method", **({} if self.bad(fault) else {"Allow": ", ".join(sorted(allowed))}))

    def sae(self, segment: str) -> str:
        if self.bad("4-sae-ids-are-percent-decoded"):
            return segment
        try:
            if re.search(r"%(?![0-9A-Fa-f]{2})", segment):
                raise ValueError
            return urllib.parse.unquote(segment, errors="strict")
        except ValueError:
            raise Refusal(404 if self.bad("5.1-sae-id-of-broken-encoding") else 400, "no SAE ID") from None

    def known(self, sae: str, fault: str) -> None:
        if sae not in self.server.pool.homes and not self.bad(fault):
            raise Refusal(400, f"the SAE {sae} is not known")

    # --- the three methods ----------------------------------------------------------------------------------------

    def status(self, caller: str, other: str, _query: dict, _body: bytes) -> dict:
        self.known(other, "5.1-unknown-sae")
        if self.bad("5.1-get-status"):
            raise Refusal(500, "no")
        if self.bad("5.1-get-status-of-the-slave") and caller == "serena":
            raise Refusal(400, "you are no master")
        if self.bad("5.1-status-is-quick"):
            time.sleep(3.2)
        value: dict = {
            "source_KME_ID": self.server.name,
            "target_KME_ID": self.server.pool.homes.get(other, ""),
            "master_SAE_ID": caller,
            "slave_SAE_ID": other,
            "key_size": DEFAULT,
            "stored_key_count": 10,
            "max_key_count": 100,
            "max_key_per_request": NUMBER_MOST,
            "max_key_size": MOST,
            "min_key_size": LEAST,
            "max_SAE_ID_count": SAES_MOST,
        }
        if self.bad("6.1-status-fields"):
            del value["stored_key_count"]
        if self.bad("6.1-status-types"):
            value["stored_key_count"] = "10"
        if self.bad("6.1-status-names-the-saes"):
            value["master_SAE_ID"], value["slave_SAE_ID"] = other, caller
        if self.bad("6.1-status-names-the-kmes"):
            value["target_KME_ID"] = self.server.name
        if self.bad("6.1-status-extension"):
            value["status_extension"] = []
        if self.bad("6.1-status-limits-agree"):
            value["stored_key_count"] = 101
        if self.bad("6.1-status-numbers-are-32-bit"):
            value["max_key_count"] = 1 << 31
        return value

    def enc_keys(self, caller: str, other: str, query: dict, body: bytes) -> dict:
        self.known(other, "5.2-unknown-slave")
        request = self.object(body, "6.2-body-is-not-json") if body else None
        if self.command == "POST" and body == b"{}" and self.bad("5.2-get-key-empty-object"):
            raise Refusal(400, "an empty object")
        if self.command == "POST" and request is None and self.bad("5.2-get-key-without-body"):
            raise Refusal(400, "no body")
        parameters = self.merged(query, request or {})
        number = self.integer(parameters, "number", 1, 1, NUMBER_MOST)
        size = self.size(parameters)
        slaves = {other, *self.additional(parameters)}
        self.extensions(parameters)
        if self.bad("5.2-get-key-default-number") and "number" not in parameters:
            number = 2
        if self.bad("5.2-get-key-default-size") and "size" not in parameters:
            size += 8
        if self.bad("6.2-number-max") and number == NUMBER_MOST:
            number -= 1
        entries = []
        with self.server.pool.lock:
            for _ in range(number):
                value = b"\x07" * 512 if self.bad("5.2-keys-are-new") else os.urandom(512)
                key_id = str(uuid.uuid4())
                key = {"value": value[: (size + 7) // 8], "master": caller, "waiting": slaves}
                self.server.pool.keys[key_id] = {**key, "waiting": set(slaves)}
                entries.append(self.entry(key_id, key["value"]))
        return {"keys": entries[0] if self.bad("6.3-keys-is-an-array") else entries}

    def entry(self, key_id: str, value: bytes) -> dict:
        text = base64.b64encode(value).decode()
        if self.bad("6.3-key-is-base64"):
            text = text.replace("+", "-").replace("/", "_").rstrip("=")
        if self.bad("6.3-key-id-is-a-uuid"):
            key_id = key_id.replace("-", "")
        if self.bad("6.3-key-id-is-lower-case"):
            key_id = key_id.upper()
        extension = {"key_extension": "x"} if self.bad("6.3-extensions-are-objects") else {}
        return {"key_ID": key_id, "key": text, **extension}

    def dec_keys(self, caller: str, other: str, query: dict, body: bytes) -> dict:
        ids = self.requested(query, body)
        if self.bad("5.3-several-keys"):
            ids = ids[:1]
        with self.server.pool.lock:
            keys = self.server.pool.keys
            entries = []
            if self.bad("5.3-all-or-nothing"):
                for key_id in ids:
                    keys.get(key_id, {"waiting": set()})["waiting"].discard(caller)
            for key_id in ids:
                self.entitled(keys.get(key_id), caller, other)
            for key_id in ids:
                key = keys[key_id]
                if not self.bad("5.3-delivered-keys-are-removed"):
                    key["waiting"].discard(caller)
                if self.bad("6.2-multicast-each-once"):
                    key["waiting"].clear()
                entries.append(self.entry(key_id, self.value_for(caller, key["value"])))
        return {"keys": entries}

    def value_for(self, caller: str, value: bytes) -> bytes:
        wrong = self.bad("5.3-get-key-with-key-ids-by-post") and self.command == "POST"
        wrong |= self.bad("6.2-multicast-same-keys") and caller == "sam"
        return bytes(byte ^ 1 for byte in value) if wrong else value

    def entitled(self, key: dict | None, caller: str, other: str) -> None:
        if key is None or not key["waiting"]:
            raise Refusal(404 if self.bad("5.3-unknown-key") else 400, NOT_FOUND)
        if key["master"] != other and not self.bad("5.3-key-of-another-master"):
            raise Refusal(401, "not that master")
        if caller not in key["waiting"] and not self.bad("5.3-key-of-another-sae-is-401"):
            if len(key["waiting"]) > 1 or "serena" in key["waiting"]:
                raise Refusal(401 if caller != "serena" else 400, "not for you" if caller != "serena" else NOT_FOUND)
            raise Refusal(400, NOT_FOUND)

    # --- what is asked for ----------------------------------------------------------------------------------------

    def object(self, body: bytes, fault: str) -> dict:
        replace = "replace" if self.bad("6.2-body-is-not-utf-8") else "strict"
        if b"\\u" in body and self.bad("4-json-escapes-are-read"):
            body = body.replace(b"\\u", b"_")

        def pairs(members: list) -> dict:
            if len(dict(members)) != len(members) and not self.bad("6.2-parameter-given-twice"):
                raise ValueError("a name stands twice")
            return dict(members)

        def no_constant(text: str) -> None:
            raise ValueError(f"{text} is no JSON")

        try:
            value = json.loads(body.decode(errors=replace), object_pairs_hook=pairs, parse_constant=no_constant)
        except RecursionError:
            raise Refusal(500 if self.bad("6.2-body-is-deeply-nested") else 400, "too deep") from None
        except ValueError as error:
            if self.bad(fault) or self.bad("6.2-json-is-read-strictly"):
                return {}
            raise Refusal(500 if self.bad("6.4-body-is-not-json") else 400, f"the body is no JSON: {error}") from None
        if not isinstance(value, dict):
            if self.bad("6.2-body-is-not-an-object"):
                return {}
            raise Refusal(400, "the body is no object")
        return value

    def merged(self, query: dict[str, list[str]], body: dict) -> dict:
        """Parameters of the query as texts, those of the body as they are."""
        if "additional_slave_SAE_IDs" in query and not self.bad("6.2-multicast-not-in-the-query"):
            raise Refusal(400, "additional_slave_SAE_IDs only in a body")
        if self.bad("6.2-unknown-names-are-ignored") and (set(query) | set(body)) - set(PARAMETERS):
            raise Refusal(400, "an unknown parameter")
        known = {name: values for name, values in query.items() if name in ("number", "size")}
        if any(len(values) > 1 for values in known.values()) and not self.bad("6.2-parameter-given-twice"):
            raise Refusal(400, "a parameter is given twice")
        if self.bad("5.2-get-key-query-parameters"):
            known = {}
        if self.bad("5.2-get-key-by-post") and self.command == "POST":
            body = {name: value for name, value in body.items() if name not in ("number", "size")}
        texts = {name: values[-1] for name, values in known.items()}
        return {name: int(text) if re.fullmatch(r"-?[0-9]+", text) else text for name, text in texts.items()} | body

    def integer(self, parameters: dict, name: str, default: int, least: int, most: int) -> int:
        value = parameters.get(name, default)
        if self.bad(f"6.2-{name}-of-another-type") and (type(value) is not int or value <= 0):
            return default
        above = self.bad(f"6.2-{name}-above-{'max'}") and type(value) is int and value > most
        if above:
            return most
        if type(value) is not int or not least <= value <= most:
            raise Refusal(400, f"{name} must be an integer from {least} to {most}")
        return value

    def size(self, parameters: dict) -> int:
        if self.bad("6.2-size-below-min") and parameters.get("size") == LEAST - 8:
            return LEAST
        size = self.integer(parameters, "size", DEFAULT, LEAST, MOST)
        refused = {
            "6.2-size-min": size == LEAST,
            "6.2-size-max": size == MOST,
            "6.2-size-between": size & (size - 1) != 0,
            "5.2-get-key-of-32-bits": size == 32,
            "5.2-get-key-of-256-bits": "size" in parameters and size == 256,
        }
        if any(self.bad(fault) and hit for fault, hit in refused.items()):
            raise Refusal(400, "size is not to our taste")
        if size % 8 and not self.bad("6.2-size-not-a-multiple-of-8"):
            raise Refusal(400, "size shall be a multiple of 8")
        if size % 8:
            raise Refusal(400, "bytes only")
        return size

    def additional(self, parameters: dict) -> list[str]:
        saes = parameters.get("additional_slave_SAE_IDs", [])
        if not isinstance(saes, list) or not all(isinstance(sae, str) for sae in saes):
            if self.bad("6.2-multicast-of-another-type"):
                return []
            raise Refusal(400, "additional_slave_SAE_IDs is no array of strings")
        if len(saes) > SAES_MOST:
            if self.bad("6.2-multicast-over-the-limit"):
                return []
            raise Refusal(400, f"at most {SAES_MOST} additional SAEs")
        for sae in saes:
            self.known(sae, "6.2-multicast-unknown-sae")
        return saes

    def extensions(self, parameters: dict) -> None:
        for name in ("extension_mandatory", "extension_optional"):
            value = parameters.get(name, [])
            if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                if self.bad("6.2-extension-of-another-type"):
                    return
                raise Refusal(400, f"{name} is no array of objects")
        asked = [name for each in parameters.get("extension_mandatory", []) for name in each]
        if asked and self.bad("6.2-extension-mandatory-unsupported"):
            return
        if asked and "number" in parameters and self.bad("6.2-extension-mandatory-among-others"):
            return
        if asked:
            details = [{"extension_mandatory_unsupported": name} for name in asked]
            if self.bad("6.2-extension-mandatory-details"):
                details = details[:1]
            raise Refusal(400, "not all extension_mandatory parameters are supported", details)
        if parameters.get("extension_optional") and self.bad("6.2-extension-optional-unknown"):
            raise Refusal(400, "no extensions, please")

    def requested(self, query: dict, body: bytes) -> list[str]:
        if self.command == "GET":
            ids: list = query.get("key_ID", [])
            if self.bad("5.3-get-key-with-key-ids-by-get"):
                raise Refusal(400, "POST, please")
            if len(ids) > 1 and not self.bad("6.4-two-key-ids-in-get"):
                raise Refusal(400, "one key_ID in a GET")
            ids = ids[:1]
        else:
            ids = self.ids_of(self.object(body, "") if body else {})
        if not ids and not self.bad("6.4-no-key-ids"):
            raise Refusal(400, "no key is named")
        for key_id in ids:
            if not isinstance(key_id, str) or not re.fullmatch(
                r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", key_id
            ):
                raise Refusal(404 if self.bad("6.4-key-id-of-another-form") else 400, "key_ID is no UUID")
        return ids if self.bad("6.4-upper-case-key-id") else [key_id.lower() for key_id in ids]

    def ids_of(self, request: dict) -> list:
        entries = request.get("key_IDs", [])
        wrong = 500 if self.bad("6.4-key-ids-of-another-type") else 400
        if "key_IDs_extension" in request and self.bad("6.4-extension-members"):
            raise Refusal(400, "extensions are not supported")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "key_ID" in entry for entry in entries):
            raise Refusal(wrong, "key_IDs is no array of objects with a key_ID")
        if self.bad("6.4-unknown-members-are-ignored") and any("master_SAE_ID" in entry for entry in entries):
            raise Refusal(400, "an unknown member")
        return [entry["key_ID"] for entry in entries]


class Kme(http.server.ThreadingHTTPServer):
    """Serves on a free port of loopback. `certificates` are named "right", "nameless" (without the KME ID), "hostless"."""

    daemon_threads = True

    def __init__(self, name: str, pool: Pool, ca: str, foreign_ca: str, certificates: dict[str, tuple[str, str]]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.pool, self.ca, self.foreign_ca, self.certificates = name, pool, ca, foreign_ca, certificates
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that is refused is nothing to tell."""

    def context(self) -> ssl.SSLContext:
        faults = self.pool.faults
        which = "nameless" if "4-kme-id-in-certificate" in faults else "right"
        which = "hostless" if "4-certificate-names-the-host" in faults else which
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificates[which])
        context.load_verify_locations(self.ca)
        if "4-foreign-certificate-is-refused" in faults:
            context.load_verify_locations(self.foreign_ca)
        optional = "4-missing-certificate-is-refused" in faults
        context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
        if "4-http-2-offer-does-no-harm" in faults:
            context.set_alpn_protocols(["h2"])
        versions = {
            "4-tls-1.2-or-higher": (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1),
            "4-tls-1.1-is-refused": (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3),
            "4-tls-1.0-is-refused": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3),
            "4-tls-1.2-is-accepted": (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
            "4-tls-1.3-is-accepted": (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
        }
        for fault, (least, most) in versions.items():
            if fault in faults:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    context.minimum_version, context.maximum_version = least, most
        return context
