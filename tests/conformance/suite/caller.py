"""One SAE that calls one KME over mutual TLS."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Callable

from .answer import Answer, Request
from .outcome import CannotCheck, Failure

PATIENCE_SECONDS = 30.0
BUSY_RETRIES = 10


class Caller:
    """Keeps its connection. Every answer is also given to `record`."""

    def __init__(self, who: str, url: str, sae: str, ca: str, cert: str, key: str, record: Callable[[Answer], None]):
        parts = urllib.parse.urlsplit(url)
        self.who = who
        self.sae = sae
        self.host = parts.hostname or ""
        self.port = parts.port or 443
        self.base = parts.path.rstrip("/")
        self.authority = parts.netloc
        self.ca, self.cert, self.key = ca, cert, key
        self._record = record
        self._connection: http.client.HTTPSConnection | None = None

    def context(self, *, certificate: bool = True) -> ssl.SSLContext:
        """The server's certificate is verified, its host name is not: there is a check of its own for that."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.ca)
        if certificate:
            context.load_cert_chain(self.cert, self.key)
        return context

    def connect(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        """A connection of its own, with its handshake done. What goes wrong here is no failure of the check."""
        connection = http.client.HTTPSConnection(
            self.host, self.port, context=context or self.context(), timeout=PATIENCE_SECONDS
        )
        try:
            connection.connect()
        except OSError as error:
            raise CannotCheck(f"cannot connect to {self.host}:{self.port} as the {self.who} SAE: {error}") from None
        return connection

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def path(self, sae: str, resource: str) -> str:
        return f"/api/v1/keys/{urllib.parse.quote(sae, safe='')}/{resource}"

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Asks again while the KME says that it is asked too often (429)."""
        for _ in range(BUSY_RETRIES):
            answer = self._request_once(method, path, body, headers or {})
            if answer.status != 429:
                return answer
            seconds = answer.header("Retry-After")
            time.sleep(min(int(seconds), 10) if seconds.isdigit() else 1)
        raise CannotCheck("the KME goes on answering 429")

    def _request_once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        again = self._connection is not None
        connection = self._connection = self._connection or self.connect()
        try:
            return self.exchange(connection, method, path, body, headers)
        except http.client.RemoteDisconnected as error:
            self.close()
            # A kept connection may end between two requests.
            if again:
                return self._request_once(method, path, body, headers)
            raise Failure(f"no answer to {method} {path}: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Failure(f"no answer to {method} {path}: {error!r}") from None

    def exchange(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on this connection, with the errors of http.client."""
        sent = Request(self.who, method, f"https://{self.authority}{self.base}{path}", headers or {}, body)
        began = time.monotonic()
        connection.request(method, self.base + path, body=body, headers=headers or {})
        response = connection.getresponse()
        answer = Answer(sent, response.status, tuple(response.getheaders()), response.read(), time.monotonic() - began)
        if response.will_close and connection is self._connection:
            self.close()
        self._record(answer)
        return answer

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, value: object) -> Answer:
        """`value` is sent as JSON, or as it is if it is bytes."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.request("POST", path, body, {"Content-Type": "application/json"})

    # The three methods of the standard.

    def status(self, slave: str) -> Answer:
        return self.get(self.path(slave, "status"))

    def enc_keys(self, slave: str, query: str = "") -> Answer:
        return self.get(self.path(slave, "enc_keys") + ("?" + query if query else ""))

    def post_enc_keys(self, slave: str, value: object) -> Answer:
        return self.post(self.path(slave, "enc_keys"), value)

    def dec_key(self, master: str, key_id: str) -> Answer:
        return self.get(self.path(master, "dec_keys") + "?key_ID=" + urllib.parse.quote(key_id, safe=""))

    def dec_keys(self, master: str, key_ids: list[str]) -> Answer:
        return self.post(self.path(master, "dec_keys"), {"key_IDs": [{"key_ID": key_id} for key_id in key_ids]})
