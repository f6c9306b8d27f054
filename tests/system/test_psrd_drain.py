"""Attempts to drain PSRD: whatever strangers send to a hub, answer in its place, or ask of a KME, the levels at both ends move by
what docs/protocol.md says and no more.

DSKE_DRAIN_MESSAGES says how many messages each flood has (20,000)."""

import itertools
import json
import os
import random
import secrets
import socket
import time
import uuid

import pytest

import dske_wire as wire
from lying_hub import LyingHub, on
from nodes import PATIENCE, eventually
from recording_proxy import Answer, Request

HUBS = ["hank", "helen", "hilary"]
MESSAGES = int(os.environ.get("DSKE_DRAIN_MESSAGES", "20000"))
PREFIX = "/hub/hank/dske/api/v1"
# A hub looks at so many bad messages of one address at once.
FAILURES_OF_ONE_ADDRESS = 2000
# docs/protocol.md, section 2: what a registration costs a client, a message its sender.
REGISTRATION, MESSAGE = 64, 32
# Look-ups of what does not exist that an SAE may cause at once, and per second (docs/protocol.md, section 4.5).
LOOK_UPS, LOOK_UPS_PER_SECOND = 256, 1

_sources = itertools.count()


@pytest.fixture(scope="module")
def network(make_module_network):
    proxies = {hub: LyingHub() for hub in HUBS}
    network = make_module_network(hubs=HUBS, shares_required=2, proxies=proxies).start()
    network.all_registered()
    return network


@pytest.fixture(autouse=True)
def honest_again(network):
    yield
    for proxy in network.proxies.values():
        proxy.honest()
        proxy.before.clear()


def levels(network) -> dict:
    """What is left, by hub, KME, side that says so, and zone."""
    found = {}
    for hub in network.hubs:
        for kme in network.kmes:
            for side, psrd in (("hub", network.hubs[hub].psrd(kme)), ("kme", network.kmes[kme].psrd(hub))):
                found |= {(hub, kme, side, zone): psrd[zone]["left_bytes"] for zone in wire.ZONES}
    return found


def nothing_is_under_way(network) -> bool:
    """Between KMEs and hubs, but for polls."""
    return all(
        exchange.ended or exchange.received.path == "/key-shares/pending"
        for proxy in network.proxies.values()
        for exchange in proxy.recorded()
    )


def quiet_levels(network) -> dict:
    """When confirmations and the like have ended."""
    before = None
    while True:
        eventually(lambda: nothing_is_under_way(network), "all answers have come", 30)
        now = levels(network)
        if now == before:
            return now
        before = now
        time.sleep(0.5)  # confirmations are gathered for a moment


def spent(before: dict, after: dict) -> dict:
    return {key: before[key] - after[key] for key in before if before[key] != after[key]}


# --- strangers at a hub ------------------------------------------------------------------------------------------------------


def flood(port: int, requests, batch: int = 100) -> dict[int, int]:
    """Sends `requests` (bytes) in pipelined batches from ever new addresses, and counts the statuses. No answer may be signed."""
    statuses: dict[int, int] = {}
    requests = iter(requests)
    while True:
        portion = list(itertools.islice(requests, FAILURES_OF_ONE_ADDRESS - 200))
        if not portion:
            return statuses
        number = next(_sources)
        source = (f"127.4.{number // 250}.{number % 250 + 1}", 0)
        with socket.create_connection(("127.0.0.1", port), timeout=30 * PATIENCE, source_address=source) as connection:
            answers = connection.makefile("rb")
            for start in range(0, len(portion), batch):
                now = portion[start : start + batch]
                connection.sendall(b"".join(now))
                for _ in now:
                    status = read_unsigned(answers)
                    statuses[status] = statuses.get(status, 0) + 1


def read_unsigned(answers) -> int:
    line = answers.readline()
    assert line.startswith(b"HTTP/1.1 "), f"the hub closed the connection: {line}"
    size = 0
    while (header := answers.readline()) != b"\r\n":
        name, _, value = header.decode().partition(":")
        assert name.lower() not in ("dske-signature", "dske-polling"), "a stranger got a signed answer"
        if name.lower() == "content-length":
            size = int(value)
    answers.read(size)
    return int(line.split()[1])


def raw(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {PREFIX}{path} HTTP/1.1", "Host: hub", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def replay(request: Request, body: bytes | None = None) -> bytes:
    kept = {name: value for name, value in request.headers if name.lower().startswith(("dske-", "content-type"))}
    lines = [f"{request.method} {request.target} HTTP/1.1", "Host: hub"]
    body = request.body if body is None else body
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in kept.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def block_of(network, kme: str) -> wire.Block:
    return next(block for block in network.psrd["hank"].blocks.values() if block.client_name == kme)


def forged_signatures(network):
    """Right in all but the tag: bytes not used yet, of the right zone."""
    block = block_of(network, "carol")
    start, end = block.zone("client_authenticator")
    while True:
        where = random.randrange(start, end - 32)
        header = f"{block.block}:{where}:32;{wire.b64(secrets.token_bytes(16))}"
        yield raw(*random.choice([("GET", "/sae/celia"), ("GET", f"/key-share?initiator=celia&key_id={uuid.uuid4()}"), ("POST", "/key-share", b"{}")]), DSKE_Signature=header)  # fmt: skip


def accepted(network) -> list[Request]:
    """Not the polls that are still on their way: the hub takes what it has not had."""
    return [exchange.received for exchange in network.proxies["hank"].recorded() if exchange.hub_answers]


def replayed(network):
    """What the KMEs sent and the hub accepted, byte for byte."""
    requests = accepted(network)
    while True:
        yield replay(random.choice(requests))


def altered(network):
    """The same with another body, query or tag."""
    requests = accepted(network)
    while True:
        request = random.choice(requests)
        if request.body:
            place = random.randrange(len(request.body))
            yield replay(request, request.body[:place] + b"0" + request.body[place + 1 :] + b" ")
        else:
            yield replay(Request(request.method, request.target + "1", request.headers, b""))


def garbage(_network):
    while True:
        header = secrets.token_urlsafe(random.randrange(1, 200))
        yield raw(
            *random.choice([("GET", "/sae/x"), ("PUT", "/registration", secrets.token_bytes(random.randrange(300))), ("POST", "/key-share", b"["), ("GET", "/key-shares/pending")]),
            **random.choice([{"DSKE_Signature": header}, {"DSKE_Polling": header}, {}, {"DSKE_Signature": "", "DSKE_Polling": header}]),
        )  # fmt: skip


def strangers_registrations(network):
    """Registrations that would give all of a client's PSRD up if they were believed: unsigned, signed by a guess, in its name or others'."""
    block = block_of(network, "carol")
    end = {zone: block.zone(zone)[1] for zone in wire.ZONES}
    numbers = itertools.count(1 << 40)
    while True:
        body = wire.compact(
            {
                "protocol_version": 1,
                "client_name": random.choice(["carol", "celia", "mallory"]),
                "registration_number": next(numbers),
                "sae_ids": ["carol"],
                "polling_key": [{"block_uuid": str(block.block), "start": end["client_authenticator"] - 32, "size": 32}],
                "blocks": [
                    {"block_uuid": str(block.block), "client_authenticator": end["client_authenticator"],
                     "client_pad": end["client_pad"], "hub_authenticator_seen": end["hub_authenticator"],
                     "hub_pad_seen": end["hub_pad"]}
                ],
            }
        )  # fmt: skip
        guess = f"{random.choice([block.block, uuid.uuid4()])}:{end['client_authenticator'] - 64}:32;{wire.b64(secrets.token_bytes(16))}"
        yield raw("PUT", "/registration", body, **random.choice([{}, {"DSKE_Signature": guess}]))


def forged_polls(_network):
    while True:
        yield raw("GET", "/key-shares/pending", DSKE_Polling=f"carol;{random.randrange(5)};{random.randrange(1 << 40)};{wire.b64(secrets.token_bytes(32))}")  # fmt: skip


@pytest.mark.parametrize(
    "attack", [forged_signatures, replayed, altered, garbage, strangers_registrations, forged_polls]
)
def test_floods_move_no_level(network, attack):
    network.exchange("carol", "celia", 2)
    network.exchange("celia", "carol", 2)
    network.all_confirmed()
    before = quiet_levels(network)
    statuses = flood(network.hubs["hank"].port, itertools.islice(attack(network), MESSAGES))
    assert sum(statuses.values()) == MESSAGES
    assert statuses[401] > MESSAGES / 2 and set(statuses) <= {400, 401, 404, 405, 429}, statuses
    assert spent(before, quiet_levels(network)) == {}
    network.exchange("carol", "celia", 2)


# --- a corrupted hub -------------------------------------------------------------------------------------------------------------


def test_invented_pending_bundles_cost_nothing(network):
    invented = [{"initiator": name, "bundle_id": str(wire.new_bundle_id())} for name in ("carol", "x") for _ in range(400)]
    network.all_registered()
    network.exchange("carol", "celia")
    network.all_confirmed()
    before = quiet_levels(network)
    liar = network.proxies["helen"]
    liar.lie = on("GET", "/key-shares/pending", lambda hub, exchange: hub.change(exchange, bundles=invented, more=True))
    eventually(lambda: liar.lies_told >= 2, "both KMEs have polled", 30)
    assert spent(before, quiet_levels(network)) == {}


# --- replays ---------------------------------------------------------------------------------------------------------------------


def test_replays_after_a_restart_move_nothing_but_the_hubs_answers_to_registrations(network):
    """Only a registration is not bound to the hub's epoch. It is refused by its number, with a signature at most once each."""
    network.exchange("carol", "celia", 3)
    hank = network.hubs["hank"]
    hank.kill()
    proxy = network.proxies["hank"]
    proxy.go_down()
    eventually(lambda: all(exchange.ended for exchange in proxy.recorded()), "nothing is under way to the hub")
    # What the hub has seen: a registration that it has not is none to repeat.
    old = accepted(network)
    hank.serve()
    hank.wait_ready()
    before = {kme: hank.psrd(kme) for kme in network.kmes}
    registrations = sum((request.method, request.path) == ("PUT", "/registration") for request in old)
    with socket.create_connection(("127.0.0.1", hank.port), timeout=30) as connection:
        answers = connection.makefile("rb")
        for request in old * 3:
            connection.sendall(replay(request))
            line, size = answers.readline(), 0
            while (header := answers.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    size = int(header.split(b":")[1])
            answers.read(size)
            assert int(line.split()[1]) in (401, 409), f"{request.method} {request.target}: {line}"
    for kme in network.kmes:
        after = hank.psrd(kme)
        for zone in ("client_pad", "hub_pad"):
            assert after[zone] == before[kme][zone]
        for zone in ("client_authenticator", "hub_authenticator"):
            assert before[kme][zone]["left_bytes"] - after[zone]["left_bytes"] <= registrations * 2 * MESSAGE
    proxy.come_up()
    network.all_registered()


# --- strangers between a KME and its hubs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 200, 503])
def test_unsigned_answers_in_a_hubs_place_cost_a_client_a_few_registrations(network, status):
    """A client registers again for an unsigned 401, after 1, 2, 4 ... seconds, and for nothing else."""
    network.all_registered()
    before = quiet_levels(network)

    def forge(exchange):
        exchange.copies = 0
        exchange.answer = Answer(status, (("Content-Type", "application/json"),), b'{"message": "forged"}')

    network.proxies["hank"].before.append(forge)
    asked, began = 0, time.monotonic()
    with network.sae("carol") as carol:
        while time.monotonic() - began < 6:
            answer = carol.enc_keys("celia")
            assert answer.status == 200, "the other two hubs are there"
            asked += 1
            time.sleep(0.1)
    network.proxies["hank"].before.clear()
    lost = before["hank", "carol", "kme", "client_authenticator"] - levels(network)["hank", "carol", "kme", "client_authenticator"]
    registrations = sum(
        exchange.time > began for exchange in network.proxies["hank"].recorded("PUT", "/registration")
        if json.loads(exchange.received.body)["client_name"] == "carol"
    )  # fmt: skip
    messages = sum(
        exchange.time > began for exchange in network.proxies["hank"].recorded()
        if b"carol" in exchange.received.body or exchange.received.method == "POST"
    )  # fmt: skip
    assert registrations <= 6
    assert lost <= registrations * REGISTRATION + messages * MESSAGE + asked * 2 * MESSAGE
    network.all_registered()
    network.exchange("carol", "celia")


# --- an SAE --------------------------------------------------------------------------------------------------------------------


def test_look_ups_of_invented_keys_cost_no_more_than_the_saes_budget(network):
    network.exchange("carol", "celia")
    before = quiet_levels(network)
    count, statuses, began = 3000, {}, time.monotonic()
    with network.sae("celia") as celia:
        for _ in range(count // 10):
            ids = [str(uuid.UUID(bytes=wire.new_bundle_id().bytes)) for _ in range(10)]
            answer = celia.dec_keys("carol", ids)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
    assert set(statuses) == {400, 503}, statuses
    after = quiet_levels(network)
    most = LOOK_UPS + LOOK_UPS_PER_SECOND * (time.monotonic() - began)
    for (hub, kme, side, zone), bytes_spent in spent(before, after).items():
        assert kme == "celia" and zone.endswith("authenticator"), (hub, kme, side, zone)
        # Of bundles of the tests before some confirmations may be repeated meanwhile.
        confirmations = network.proxies[hub].recorded("POST", "/key-share/confirmation")
        assert bytes_spent <= (most + sum(one.time > began for one in confirmations)) * MESSAGE
    # Nor does it help to ask again.
    with network.sae("celia") as celia:
        for _ in range(100):
            celia.dec_keys("carol", [str(wire.new_bundle_id()) for _ in range(10)])
    assert all(bytes_spent <= 60 * MESSAGE for bytes_spent in spent(after, quiet_levels(network)).values())
    with network.sae("carol") as carol:
        assert carol.enc_keys("celia").status == 200
