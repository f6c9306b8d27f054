"""A DSKE client made by hand: it speaks to a hub with the PSRD of a test client, rightly by default, and wrongly where
a test overrides what it signs, spends or sends."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import json
import secrets
import socket
import urllib.parse
import uuid

import dske_wire as wire


@dataclasses.dataclass(frozen=True)
class HubAnswer:
    status: int
    body: bytes
    signed: bool  # by the hub, for this very request; checked

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def key_share(self) -> dict:
        return wire.parse_key_share(self.body)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A signed request, ready to be sent any number of times."""

    method: str
    target: str
    header: str | None  # of DSKE-Signature
    body: bytes
    epoch: bytes


_addresses = itertools.count(1)


class DskeClient:
    """Calls from a loopback address of its own, since hubs count failures by address."""

    def __init__(self, port: int, block: wire.Block):
        self.port = port
        self.block = block
        self.psrd = wire.Psrd([block])
        self.name = block.client_name
        self.prefix = f"/hub/{block.hub_name}/dske/api/v1"
        self.epoch = wire.ZERO_EPOCH
        self.registration_number = 0
        self.polling_key = b""
        self.polling_counter = 0
        self.next = {zone: block.zone(zone)[0] for zone in wire.ZONES}
        self.spent_by_hub: list[tuple[str, wire.Fragment]] = []
        last = next(_addresses)
        source = f"127.1.{last // 250}.{last % 250 + 1}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))

    def close(self) -> None:
        self._connection.close()

    # --- spending ---

    def take(self, zone: str, size: int) -> list[wire.Fragment]:
        start = self.next[zone]
        assert start + size <= self.block.zone(zone)[1], f"the test has spent its {zone}"
        self.next[zone] += size
        return [wire.Fragment(self.block.block, start, size)]

    def authenticator(self) -> list[wire.Fragment]:
        return self.take("client_authenticator", wire.MAC_KEY_SIZE)

    # --- messages ---

    def prepare(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        fragments: list[wire.Fragment] | None = None,
        key: bytes | None = None,
        epoch: bytes | None = None,
        hub: uuid.UUID | None = None,
    ) -> Prepared:
        """Signs a request, with fresh authenticator bytes unless `fragments` says which. `key` replaces the bytes that
        they name, `epoch` and `hub` what goes into the tag."""
        target = self.prefix + path
        fragments = self.authenticator() if fragments is None else fragments
        if epoch is None:
            epoch = wire.ZERO_EPOCH if path == "/registration" else self.epoch
        message = wire.request_input(hub or self.block.hub_id, epoch, method, target, body)
        tag = wire.poly1305(key if key is not None else self.psrd.read(fragments), message)
        return Prepared(method, target, wire.Signature(tuple(fragments), tag).text(), body, epoch)

    def send(self, request: Prepared) -> HubAnswer:
        headers = {wire.SIGNATURE_HEADER: request.header} if request.header is not None else {}
        status, answer_headers, body = self.exchange(request.method, request.target, headers, request.body)
        header = answer_headers.get(wire.SIGNATURE_HEADER.lower())
        if header is None:
            return HubAnswer(status, body, False)
        signature = wire.Signature.parse(header)
        for fragment in signature.fragments:
            assert self.psrd.zone_of(fragment) == "hub_authenticator", fragment
            self.spent_by_hub.append(("signature", fragment))
        expected = wire.poly1305(
            self.psrd.read(list(signature.fragments)),
            wire.answer_input(
                self.block.hub_id, request.epoch, request.method, request.target, status,
                wire.Signature.parse(request.header).tag, body,
            ),
        )  # fmt: skip
        assert signature.tag == expected, "the hub's answer does not verify"
        return HubAnswer(status, body, True)

    def exchange(self, method: str, target: str, headers: dict, body: bytes) -> tuple[int, dict[str, str], bytes]:
        try:
            self._connection.request(method, target, body=body or None, headers=headers)
            response = self._connection.getresponse()
            result = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        except BaseException:
            self._connection.close()
            raise
        if response.will_close:
            self._connection.close()
        return result

    def flood(self, method: str = "GET", path: str = "/sae/x", most: int = 40000, batch: int = 100) -> tuple[set[int], int]:
        """Sends guesses at signatures until the hub refuses to look at them, and a few more. Returns the statuses and
        how many it sent. In pipelined batches, so that a slow machine sends more than the hub forgives per second."""
        start, end = self.block.zone("client_authenticator")
        statuses: dict[int, int] = {}
        sent = 0
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            answers = connection.makefile("rb")
            while sent < most and statuses.get(429, 0) < 20:
                requests = []
                for i in range(sent, sent + batch):
                    where = start + 32 * (i % ((end - start) // 32))
                    guess = f"{self.block.block}:{where}:32;{wire.b64(secrets.token_bytes(16))}"
                    requests.append(
                        f"{method} {self.prefix}{path} HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\n"
                        f"{wire.SIGNATURE_HEADER}: {guess}\r\n\r\n"
                    )
                connection.sendall("".join(requests).encode())
                sent += batch
                for _ in range(batch):
                    status = int(answers.readline().split()[1])
                    headers = http.client.parse_headers(answers)
                    answers.read(int(headers["Content-Length"]))
                    assert wire.SIGNATURE_HEADER not in headers
                    statuses[status] = statuses.get(status, 0) + 1
        return set(statuses), sent

    def call(self, method: str, path: str, value: object = None, **overrides) -> HubAnswer:
        body = b"" if value is None else value if isinstance(value, bytes) else wire.compact(value)
        return self.send(self.prepare(method, path, body, **overrides))

    # --- the protocol's calls ---

    def registration(self, **members: object) -> dict:
        zones = {zone: self.block.zone(zone)[0] for zone in wire.ZONES}
        lowest = self.next["client_authenticator"]
        polling = self.take("client_authenticator", wire.MAC_KEY_SIZE)
        self.registration_number += 1
        return {
            "protocol_version": 1,
            "client_name": self.name,
            "registration_number": self.registration_number,
            "sae_ids": [self.name],
            "polling_key": [fragment.to_json() for fragment in polling],
            "blocks": [
                {
                    "block_uuid": str(self.block.block),
                    "client_authenticator": lowest,
                    "client_pad": self.next["client_pad"],
                    "hub_authenticator_seen": zones["hub_authenticator"],
                    "hub_pad_seen": zones["hub_pad"],
                }
            ],
            **members,
        }

    def register(self, **members: object) -> HubAnswer:
        value = self.registration(**members)
        answer = self.call("PUT", "/registration", value)
        if answer.status == 200 and answer.signed:
            self.epoch = uuid.UUID(answer.json["epoch"]).bytes
            self.polling_key = self.psrd.read([wire.Fragment.from_json(part) for part in value["polling_key"]])
            self.polling_counter = 0
        return answer

    def sae(self, sae_id: str) -> HubAnswer:
        return self.call("GET", "/sae/" + urllib.parse.quote(sae_id, safe=""))

    def share_request(
        self,
        context: wire.Context,
        share: bytes,
        tag: bytes,
        *,
        allocation: list[wire.Fragment] | None = None,
        lifetime_seconds: int = 3600,
    ) -> dict:
        allocation = self.take("client_pad", len(share)) if allocation is None else allocation
        pad = b"".join(self.block.data[fragment.start : fragment.end] for fragment in allocation)
        return {
            "context": context.to_json(),
            "encrypted_share": wire.xor(share, pad.ljust(len(share), b"\0")[: len(share)]),
            "allocation": [fragment.to_json() for fragment in allocation],
            "secret_tag": wire.b64(tag),
            "lifetime_seconds": lifetime_seconds,
        }

    def psrd_share_request(self, context: wire.Context, allocation: list[wire.Fragment], tag: bytes) -> dict:
        """Tells the hub that the allocation's bytes are its share."""
        return {
            "context": context.to_json(),
            "share_from": "psrd",
            "allocation": [fragment.to_json() for fragment in allocation],
            "secret_tag": wire.b64(tag),
            "lifetime_seconds": 3600,
        }

    def send_share(self, value: dict) -> HubAnswer:
        return self.call("POST", "/key-share", wire.key_share_body(value))

    def post_share(self, context: wire.Context, share: bytes, tag: bytes, **options) -> HubAnswer:
        return self.send_share(self.share_request(context, share, tag, **options))

    def post_psrd_share(self, context: wire.Context, allocation: list[wire.Fragment], tag: bytes) -> HubAnswer:
        return self.send_share(self.psrd_share_request(context, allocation, tag))

    def get_share(self, initiator: str, bundle: uuid.UUID) -> HubAnswer:
        """A share; `share_in` decrypts it."""
        answer = self.call("GET", f"/key-share?initiator={urllib.parse.quote(initiator, safe='')}&key_id={bundle}")
        if answer.status == 200:
            for part in answer.key_share["allocation"]:
                fragment = wire.Fragment.from_json(part)
                assert self.psrd.zone_of(fragment) == "hub_pad", fragment
                self.spent_by_hub.append(("pad", fragment))
        return answer

    def share_in(self, answer: HubAnswer) -> tuple[wire.Context, bytes, bytes]:
        body = answer.key_share
        pad = self.psrd.read([wire.Fragment.from_json(part) for part in body["allocation"]])
        share = wire.xor(body["encrypted_share"], pad)
        return wire.Context.from_json(body["context"]), share, wire.unb64(body["secret_tag"])

    def confirm(self, initiator: str, *bundles: uuid.UUID) -> HubAnswer:
        listed = [{"initiator": initiator, "bundle_id": str(bundle)} for bundle in bundles]
        return self.call("POST", "/key-share/confirmation", {"bundles": listed})

    def withdraw(self, bundle: uuid.UUID) -> HubAnswer:
        return self.call("DELETE", f"/key-share?key_id={bundle}")

    def pending(self, query: str = "", *, counter: int | None = None, key: bytes | None = None) -> HubAnswer:
        """The pending list, authenticated by the polling key. `query` with its question mark."""
        if counter is None:
            self.polling_counter += 1
            counter = self.polling_counter
        key = self.polling_key if key is None else key
        target = self.prefix + "/key-shares/pending" + query
        common = (self.block.hub_id, self.epoch)
        who = (self.name, self.registration_number, counter)
        mac = wire.hmac_sha256(key, wire.polling_request_input(*common, "GET", target, *who, b""))
        header = f"{self.name};{self.registration_number};{counter};{wire.b64(mac)}"
        status, headers, body = self.exchange("GET", target, {wire.POLLING_HEADER: header}, b"")
        proof = headers.get(wire.POLLING_HEADER.lower())
        if proof is None:
            return HubAnswer(status, body, False)
        told, answer_mac = proof.split(";")
        assert int(told) == counter
        expected = wire.hmac_sha256(key, wire.polling_answer_input(*common, "GET", target, *who, status, mac, body))
        assert wire.unb64(answer_mac) == expected, "the hub's polling answer does not verify"
        return HubAnswer(status, body, True)
