"""Another vendor's KME: ETSI GS QKD 014 from the standard library alone, for all SAEs at once. It answers with everything
that the standard allows beside what it demands, and may be told to give the slave SAE another key than the master."""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import secrets
import ssl
import threading
import urllib.parse
import uuid


class EtsiServer:
    def __init__(self, ca: pathlib.Path, certificate: pathlib.Path, key: pathlib.Path):
        self.keys: dict[tuple[str, str, str], bytes] = {}  # by master SAE, slave SAE and ID: delivered once
        self.wrong = False  # whether the slave gets something else
        self.delivered = 0
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, caller: str, other: str, resource: str, query: dict[str, list[str]]) -> tuple[int, dict]:
        if resource == "status":
            return 200, {
                "source_KME_ID": "vendor-1", "target_KME_ID": "vendor-2", "master_SAE_ID": caller, "slave_SAE_ID": other,
                "key_size": 256, "stored_key_count": 1000, "max_key_count": 1000, "max_key_per_request": 1,
                "max_key_size": 256, "min_key_size": 256, "max_SAE_ID_count": 0,
                "status_extension": {"vendor": {"qber": 0.0123}}, "firmware": "7.1",
            }  # fmt: skip
        with self._lock:
            if resource == "enc_keys":
                if query.get("number", ["1"]) != ["1"] or query.get("size", ["256"]) != ["256"]:
                    return 400, {"message": "one key of 256 bits at a time"}
                key_id, value = str(uuid.uuid4()), secrets.token_bytes(32)
                self.keys[caller, other, key_id] = value
            else:
                key_id = query["key_ID"][0]
                value = self.keys.pop((other, caller, key_id), None)
                if value is None:
                    return 400, {"message": "one or more keys are not found", "details": [{"key_ID": key_id}]}
                self.delivered += 1
                if self.wrong:
                    value = secrets.token_bytes(32)
        entry = {
            "key_ID": key_id, "key_ID_extension": {"made": "2026-01-01T00:00:00Z"},
            "key": base64.b64encode(value).decode(), "key_extension": {"quality": [1, 2.5, None, True]}, "link": "A-B",
        }  # fmt: skip
        return 200, {"keys": [entry], "key_container_extension": {"vendor": "other"}, "version": 3}

    def _handler(server) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805: `self` is the handler's
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                subject = dict(part[0] for part in self.connection.getpeercert()["subject"])
                parts = urllib.parse.urlsplit(self.path)
                *_, other, resource = (urllib.parse.unquote(part) for part in parts.path.split("/"))
                status, value = server.answer(
                    subject["commonName"], other, resource, urllib.parse.parse_qs(parts.query)
                )
                body = json.dumps(value, indent=2).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
