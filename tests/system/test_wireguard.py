"""dske-wireguard on real tunnels: wireguard-go between network namespaces."""

import http.client
import json
import os
import ssl
import subprocess
import time

import pytest
import yaml

from json_schema import Checker
from nodes import REPOSITORY, eventually, run
from tunnel_losses import OneWay, Verdict, judge
from tunnels import ADAPTER, Tunnels, check_privileges

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

SAES = {"carol": ["alice"], "celia": ["bob"]}


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(clients=SAES).start()
    network.all_registered()
    return network


@pytest.fixture
def make_tunnels(network, pki):
    made: list[Tunnels] = []

    def make(count: int = 1, on=network, **options) -> Tunnels:
        made.append(Tunnels(on, pki, count, **options))
        return made[-1]

    yield make
    for tunnels in made:
        for adapter in tunnels.adapters:
            print(f"--- {adapter.name}\n{adapter.log_text()[-3000:]}")
        tunnels.close()


def same_key(tunnel) -> bool:
    return tunnel.a.psk() == tunnel.b.psk() != "(none)"


def another_key(tunnels, old: list[str], seconds: float) -> None:
    """On every tunnel."""
    eventually(
        lambda: all(same_key(tunnel) and tunnel.a.psk() != key for tunnel, key in zip(tunnels.tunnels, old, strict=True)),
        "another key",
        seconds,
    )


def keys(tunnels) -> list[str]:
    return [tunnel.a.psk() for tunnel in tunnels.tunnels]


def nothing_lost(verdict: Verdict) -> None:
    if verdict.stalled_seconds > verdict.seconds / 2:
        pytest.skip(f"the machine stood still for most of the time: {verdict}")
    assert verdict.lost == 0, verdict


def test_losses_are_noticed():
    """Those while the machine stood still are not the tunnel's; what the tunnel loses or delays excuses nothing."""
    times = [number / 100 for number in range(2000)]
    whole = OneWay(times, [at + 0.001 for at in times])
    gap = OneWay(times, [None if 5 <= at < 5.03 else at + 0.001 for at in times])
    late = OneWay(times, [at + 0.001 if not 4 <= at < 6 else None if 5 <= at < 5.03 else 6.0 for at in times])
    assert judge([whole], [whole]).lost == 0
    assert judge([gap, whole], [whole]).lost == 3
    assert judge([late], [whole]).lost == 3
    excused = judge([gap], [late])
    assert (excused.lost, excused.lost_in_stalls) == (0, 3) and excused.stalled_seconds < 5
    paused = [at for at in times if not 7 <= at < 8]
    assert judge([gap], [OneWay(paused, paused)]).lost == 3
    never = OneWay(times, [None] * len(times))
    assert judge([whole], [never]).stalled_seconds > 20


def test_broken_tunnel_is_noticed(make_tunnels):
    """What judges the other tests' traffic finds real losses."""
    tunnels = make_tunnels(control=True)
    tunnels.make()
    eventually(tunnels.one.passes, "the tunnel carries data")
    traffic = tunnels.watched_traffic(6)
    time.sleep(3)
    device = tunnels.one.a
    run(*device.inside("ip", "link", "set", "u0", "down"))
    time.sleep(0.5)
    run(*device.inside("ip", "link", "set", "u0", "up"))
    verdict = traffic.verdict()
    assert verdict.lost > 0 or verdict.stalled_seconds > 1, verdict


@pytest.mark.parametrize("delay_ms", [0, 40])
def test_gate_and_first_key(make_tunnels, delay_ms):
    """A session that is open when the first adapter starts is shut; the tunnel works soon after both have started."""
    tunnels = make_tunnels(delay_ms=delay_ms)
    tunnels.make()
    tunnel = tunnels.one
    eventually(tunnel.passes, "the plain tunnel carries data")
    tunnels.a.start()
    eventually(lambda: tunnel.a.psk() != "(none)", "the gate shuts")
    for _ in range(3):
        assert not tunnel.passes()
    tunnels.b.start()
    taken = tunnels.up_within(30)
    print(f"up {taken:.2f} s after the second adapter's start")
    assert same_key(tunnel)
    eventually(lambda: tunnel.a.keepalive() == tunnel.b.keepalive() == "off", "the keep-alive interval is restored", 20)
    for adapter in tunnels.adapters:
        eventually(lambda: adapter.status()["peers"][0]["last_error"] == "", "no error is left")
        peer = adapter.status()["peers"][0]
        assert peer["state"] == "active" and peer["adapter_reachable"], peer
    table = run(ADAPTER, "status", "--config", tunnels.a.config_file).stdout
    assert "bob" in table and "active" in table
    assert tunnel.a.psk() not in tunnels.a.log_text() + tunnels.b.log_text()


def test_privileges(make_tunnels):
    """The process that talks to the network has none, the helper one; it is no other's to command."""
    tunnels = make_tunnels()
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    check_privileges(tunnels.a, helper_uid=0)
    children = run("pgrep", "-P", tunnels.a.process.pid).stdout.split()
    assert len(children) == 1
    tunnels.a.kill()
    eventually(lambda: not os.path.exists(f"/proc/{children[0]}"), "the helper ends with the adapter")


def test_adapter_killed(make_tunnels):
    """The generator of one tunnel, the recoverer of the other. The tunnels go on; once the adapter is back its record knows
    the keys, and rotation goes on."""
    tunnels = make_tunnels(2, control=True, intervals={"rotate_seconds": 20})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    traffic = tunnels.watched_traffic(30)
    for _ in range(2):
        tunnels.a.kill()
        time.sleep(1)
        tunnels.a.start()
    another_key(tunnels, keys(tunnels), 60)
    nothing_lost(traffic.verdict())


def test_device_made_again(make_tunnels):
    tunnels = make_tunnels()
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    for device in tunnels.one.ends:
        device.delete()
        eventually(lambda: any("device missing" == p["state"] for a in tunnels.adapters for p in a.status()["peers"]),
                   "the adapter sees that the device is gone")  # fmt: skip
        device.make()
        print(f"healed after {tunnels.up_within(30):.2f} s")
        assert same_key(tunnels.one)


def test_only_one_end_can_be_reached(make_tunnels):
    """The generator of one tunnel, the recoverer of the other."""
    tunnels = make_tunnels(2, only_a_listens=True, intervals={"rotate_seconds": 20})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    another_key(tunnels, keys(tunnels), 60)


def test_split_trust(make_tunnels):
    """All sources, the file changing at different moments."""
    tunnels = make_tunnels(control=True, intervals={"rotate_seconds": 20})
    for adapter in tunnels.adapters:
        adapter.config["split_trust"] = {"require": "all", "tls": True, "secret_file": "pq.key", "ratchet": True}

    def write_secret(adapter, text):
        path = adapter.directory / "pq.key"
        new = path.with_suffix(".new")
        new.write_text(text * 4)
        new.chmod(0o600)
        subprocess.run(["chown", "nobody", new], check=True)
        new.rename(path)

    write_secret(tunnels.a, "first secret")
    tunnels.make()
    tunnels.start()
    time.sleep(3)
    assert not tunnels.all_pass()
    write_secret(tunnels.b, "first secret")
    tunnels.up_within(30)
    traffic = tunnels.watched_traffic(28)
    write_secret(tunnels.a, "second secret")
    old = keys(tunnels)
    time.sleep(8)
    write_secret(tunnels.b, "second secret")
    another_key(tunnels, old, 60)
    nothing_lost(traffic.verdict())


def test_interface_is_as_described(make_tunnels, network, pki):
    """What another adapter, a stranger and nobody get, against openapi/wireguard.yaml."""
    document = yaml.safe_load((REPOSITORY / "openapi" / "wireguard.yaml").read_text())
    checker = Checker(document)
    tunnels = make_tunnels()
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    a, b = tunnels.one.ends

    def call(sae: str, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is a client's certificate
        context.load_cert_chain(*pki.issue(sae))
        connection = http.client.HTTPSConnection("127.0.0.1", tunnels.b.port, context=context, timeout=30)
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        value = json.loads(answer.read())
        connection.close()
        operation = document["paths"][path.split("?")[0]][method.lower()]["responses"][str(answer.status)]
        if "$ref" in operation:
            operation = document["components"]["responses"][operation["$ref"].rsplit("/", 1)[1]]
        checker.check(value, operation["content"]["application/json"]["schema"])
        return answer.status, value

    status, info = call("alice", "GET", "/v1/dske/info")
    assert status == 200 and info["sae_id"] == "bob" and info["tunnels"][0]["to"] == a.public
    def batch(*tunnels: dict) -> dict:
        return {"adapter": "00" * 16, "tunnels": list(tunnels)}

    state = {"from": a.public, "to": b.public, "session": "live", "endpoint_known": True, "dials": True}
    stranger = {**state, "from": b.public}
    status, answer = call("alice", "POST", "/v1/dske/state", batch(state, stranger))
    assert status == 200 and answer["unknown"] == [{"from": b.public, "to": b.public}]
    (own,) = answer["tunnels"]
    assert own["from"] == b.public and own["session"] in ("live", "idle", "down")
    assert call("alice", "POST", "/v1/dske/state", batch(state, {**state, "session": "asleep"}))[0] == 400
    assert call("alice", "POST", "/v1/dske/state", batch())[0] == 400
    assert call("alice", "POST", "/v1/dske/state", batch(*[state] * 257))[0] == 400
    assert call("mallory", "POST", "/v1/dske/state", batch(state))[0] == 403
    assert call("mallory", "GET", "/v1/dske/info")[0] == 403
    assert call("mallory", "GET", "/v1/dske/messages?adapter=" + "00" * 16)[0] == 403
    assert call("alice", "GET", "/v1/dske/messages?adapter=00")[0] == 400
    key = tunnels.one.a.psk()
    applied = {"from": a.public, "to": b.public, "key_id": "00000000-0000-4000-8000-000000000000", "open": True}
    assert call("alice", "POST", "/v1/dske/applied", batch(applied)) == (202, {"tunnels": [], "unknown": []})
    assert same_key(tunnels.one) and tunnels.one.a.psk() == key and tunnels.one.passes()


def test_certificates_renewed_and_revoked(make_tunnels, pki):
    """All without a restart: an end's certificate is renewed; the old one is revoked, which disturbs nothing; the new one is
    revoked, which parts the adapters while the tunnel keeps its key; and with another they find together again."""
    tunnels = make_tunnels(intervals={"rotate_seconds": 20})
    first = pki.issue("alice")[0].read_bytes()
    old = pki.directory / "alice-old.crt"
    old.write_bytes(first)
    for adapter in tunnels.adapters:
        adapter.config["tls"]["crl"] = adapter.put("crl", pki.write_crl())
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)

    def renew() -> None:
        certificate, key = pki.renew("alice")
        tunnels.a.put("certificate", certificate)
        tunnels.a.put("key", key)

    def revoke(*certificates) -> None:
        for adapter in tunnels.adapters:
            adapter.put("crl", pki.write_crl(*certificates))

    def reachable(wanted: bool):
        def holds() -> bool:
            return all(a.status()["peers"][0]["adapter_reachable"] == wanted for a in tunnels.adapters)

        return holds

    renew()
    another_key(tunnels, keys(tunnels), 60)
    revoke(old)
    time.sleep(8)
    another_key(tunnels, keys(tunnels), 60)
    assert reachable(True)()
    revoke(old, pki.issue("alice")[0])
    eventually(reachable(False), "the adapters part", 60)
    assert "revoked" in tunnels.a.log_text() + tunnels.b.log_text()
    assert same_key(tunnels.one) and tunnels.one.passes()
    renew()
    eventually(reachable(True), "the adapters find together", 60)
    another_key(tunnels, keys(tunnels), 60)


def test_peers_come_and_go(make_tunnels):
    """By editing the file, the others undisturbed."""
    tunnels = make_tunnels(2)
    tunnels.make()
    second = [adapter.config["interfaces"].pop() for adapter in tunnels.adapters]
    tunnels.start()
    eventually(lambda: same_key(tunnels.tunnels[0]) and tunnels.tunnels[0].passes(0.2), "the first tunnel carries data", 15)
    first_key = tunnels.tunnels[0].a.psk()
    assert tunnels.tunnels[1].a.psk() == "(none)"
    for adapter, interface in zip(tunnels.adapters, second):
        adapter.config["interfaces"].append(interface)
        adapter.write()
    eventually(lambda: same_key(tunnels.tunnels[1]) and tunnels.tunnels[1].passes(0.2), "the second one too", 20)
    assert tunnels.tunnels[0].a.psk() == first_key
    for adapter in tunnels.adapters:
        adapter.config["interfaces"].pop()
        adapter.write()
    eventually(lambda: len(tunnels.a.status()["peers"]) == 1, "it is no longer looked after")
    assert tunnels.all_pass()


def test_too_few_hubs(make_tunnels, make_network):
    """Said in `status`; a key comes as soon as enough hubs are there again."""
    network = make_network(clients=SAES).start()
    network.all_registered()
    hubs = list(network.hubs.values())
    for hub in hubs[:2]:
        hub.kill()
    tunnels = make_tunnels(on=network)
    tunnels.make()
    tunnels.start()
    for adapter in tunnels.adapters:
        eventually((adapter.directory / "state" / "status.sock").exists, "the adapter answers")
    eventually(lambda: any("KME" in peer["last_error"] for adapter in tunnels.adapters for peer in adapter.status()["peers"]),
               "the cause is shown")  # fmt: skip
    assert not tunnels.all_pass()
    hubs[0].serve()
    hubs[0].wait_ready()
    began = time.monotonic()
    tunnels.up_within(30)
    print(f"up {time.monotonic() - began:.2f} s after the hub was ready")


def test_kme_killed(make_tunnels, make_network):
    """The generator's of one tunnel, the recoverer's of the other."""
    network = make_network(clients=SAES).start()
    network.all_registered()
    tunnels = make_tunnels(2, on=network, control=True, intervals={"rotate_seconds": 20})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    traffic = tunnels.watched_traffic(40)
    kme = next(iter(network.kmes.values()))
    kme.kill()
    eventually(lambda: any("KME" in peer["last_error"] for peer in tunnels.a.status()["peers"]), "the cause is shown", 40)
    kme.serve()
    kme.wait_ready()
    began = time.monotonic()
    another_key(tunnels, keys(tunnels), 60)
    print(f"other keys {time.monotonic() - began:.2f} s after the KME was back")
    nothing_lost(traffic.verdict())
