"""An encryptor's side of ETSI GS QKD 014 over mutual TLS, from the standard library alone."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import pathlib
import ssl
import urllib.parse


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["message"]

    @property
    def keys(self) -> dict[str, bytes]:
        """The key container, once its form has been checked."""
        assert self.status == 200, f"{self.status}: {self.body.decode(errors='replace')}"
        assert self.headers["content-type"].split(";")[0] == "application/json"
        keys = {}
        for entry in self.json["keys"]:
            key_id = entry["key_ID"]
            assert len(key_id) == 36 and key_id == key_id.lower(), key_id
            assert key_id not in keys, f"{key_id} twice in one container"
            keys[key_id] = base64.b64decode(entry["key"], validate=True)
        assert keys, "an empty key container"
        return keys


def tls_context(
    ca: pathlib.Path,
    certificate: pathlib.Path | None = None,
    key: pathlib.Path | None = None,
    version: ssl.TLSVersion | None = None,
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    if certificate:
        context.load_cert_chain(str(certificate), str(key))
    if version:
        context.minimum_version = version
        context.maximum_version = version
    return context


class EtsiClient:
    """Calls one KME as one SAE. Keeps its connection unless told otherwise. Not for several threads at once."""

    def __init__(self, port: int, context: ssl.SSLContext, *, persistent: bool = True, timeout: float = 15.0):
        self.port = port
        self.context = context
        self.persistent = persistent
        self.timeout = timeout
        self._connection: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> EtsiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> http.client.HTTPSConnection:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, context=self.context, timeout=self.timeout
            )
            self._connection.connect()
        return self._connection

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            answer = Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        except BaseException:
            self.close()
            raise
        if not self.persistent or response.will_close:
            self.close()
        return answer

    def get(self, target: str) -> Answer:
        return self.request("GET", target)

    def post(self, target: str, value: object) -> Answer:
        return self.request("POST", target, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def status(self, slave: str) -> Answer:
        return self.get(sae_path(slave, "status"))

    def enc_keys(self, slave: str, number: int | None = None, size: int | None = None) -> Answer:
        parameters = {name: value for name, value in (("number", number), ("size", size)) if value is not None}
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return self.get(sae_path(slave, "enc_keys") + query)

    def enc_keys_post(self, slave: str, **parameters: object) -> Answer:
        return self.post(sae_path(slave, "enc_keys"), parameters)

    def dec_key(self, master: str, key_id: str) -> Answer:
        return self.get(sae_path(master, "dec_keys") + "?key_ID=" + key_id)

    def dec_keys(self, master: str, key_ids: list[str]) -> Answer:
        return self.post(sae_path(master, "dec_keys"), {"key_IDs": [{"key_ID": key_id} for key_id in key_ids]})


def sae_path(sae_id: str, resource: str) -> str:
    return f"/api/v1/keys/{urllib.parse.quote(sae_id, safe='')}/{resource}"
