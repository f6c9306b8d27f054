"""dske-wireguard on real tunnels: wireguard-go between network namespaces. The gate, the first key, privileges, what
the adapters tell each other and a person."""

import concurrent.futures
import http.client
import itertools
import json
import os
import socket
import ssl
import subprocess
import time

import pytest
import yaml

from adapter_privileges import check_privileges
from json_schema import Checker
from namespaces import drops_in, socket_in
from nodes import REPOSITORY, eventually, run
from privileges import needs_root
from tunnel_losses import Loss, OneWay, judge, nothing_lost
from tunnels import ADAPTER

pytestmark = needs_root


def test_losses_are_noticed():
    """Those while the machine stood still are not the tunnel's; what the tunnel loses or delays excuses nothing."""
    times = [number / 100 for number in range(2000)]
    whole = OneWay(times, [at + 0.001 for at in times])
    gap = OneWay(times, [None if 5 <= at < 5.03 else at + 0.001 for at in times])
    late = OneWay(times, [at + 0.001 if not 4 <= at < 6 else None if 5 <= at < 5.03 else 6.0 for at in times])
    assert judge([whole], [whole]).lost == 0
    assert judge([gap, whole], [whole]).lost == 3
    assert judge([whole, gap], [whole]).losses == [Loss(0, 1, 3, 5, 5.02, 0.001, 0.001)]
    twice = OneWay(times, [None if at in (3, 4) else at + 0.001 for at in times])
    assert [loss.first for loss in judge([twice], [whole]).losses] == [3, 4]
    assert judge([late], [whole]).lost == 3
    excused = judge([gap], [late])
    assert (excused.lost, excused.lost_in_stalls) == (0, 3) and excused.stalled_seconds < 5
    paused = [at for at in times if not 7 <= at < 8]
    assert judge([gap], [OneWay(paused, paused)]).lost == 3
    never = OneWay(times, [None] * len(times))
    assert judge([whole], [never]).stalled_seconds > 20


def test_drops_of_the_kernel_are_noticed():
    """Of a socket whose buffer is full."""
    space = f"dd{os.getpid()}"
    run("ip", "netns", "add", space)
    try:
        run("ip", "-n", space, "link", "set", "lo", "up")
        sender, receiver = (socket_in(space, socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with sender, receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            receiver.bind(("127.0.0.1", 7000))
            assert drops_in(space) == {}
            for _ in range(1000):
                sender.sendto(bytes(100), ("127.0.0.1", 7000))
            eventually(lambda: 900 < drops_in(space).get("udp receive buffer", 0) < 1000, "the drops are counted")
    finally:
        run("ip", "netns", "delete", space)


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
    tunnels = make_tunnels(delays_ms=[delay_ms])
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
    assert tunnel.same_key
    eventually(lambda: tunnel.a.keepalive() == tunnel.b.keepalive() == 0, "the keep-alive interval is restored", 20)
    for adapter in tunnels.adapters:
        eventually(lambda: adapter.status()["peers"][0]["last_error"] == "", "no error is left")
        peer = adapter.status()["peers"][0]
        assert peer["state"] == "active" and peer["adapter_reachable"], peer
    table = run(ADAPTER, "status", "--config", tunnels.a.config_file).stdout
    assert "bob" in table and "active" in table
    assert tunnel.a.psk() not in tunnels.a.log_text() + tunnels.b.log_text()


def test_a_start_that_fails_leaves_the_tunnel_as_it_is(make_tunnels, pki):
    """Whatever is wrong is said before a gate shuts."""
    tunnels = make_tunnels()
    tunnels.make()
    tunnel, adapter = tunnels.one, tunnels.a
    eventually(tunnel.passes, "the plain tunnel carries data")
    good = json.dumps(adapter.config)

    def fails(reason: str, **changes) -> None:
        adapter.config = json.loads(good) | changes
        adapter.start()
        assert adapter.process.popen.wait(10) == 1
        assert reason in adapter.log_text(), adapter.log_text()
        assert tunnel.a.psk() == "(none)"
        tunnels.all_carry()
        adapter.log.unlink()

    tls = adapter.config["tls"]
    secret = adapter.directory / "roots.key"
    secret.write_bytes((adapter.directory / "key.pem").read_bytes())
    secret.chmod(0o600)
    fails(f"the key file {secret} cannot be used: Permission denied", tls=tls | {"key": str(secret)})
    fails("towards the KME: the CA file", kme=adapter.config["kme"] | {"ca": "nothing.crt"})
    fails("sae_id is carol, but", sae_id="carol")
    fails("user: there is no user nobody-at-all", user="nobody-at-all")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        fails("Address already in use", listen={"address": "127.0.0.1", "port": taken.getsockname()[1]})
    write = adapter.write
    adapter.write = lambda: (write(), adapter.config_file.chmod(0o600))
    fails("must be readable for this process (user nobody)")
    adapter.write = write
    adapter.config = json.loads(good)
    tunnels.start()
    tunnels.up_within(30)


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


def test_only_one_end_can_be_reached(make_tunnels):
    """The generator of one tunnel, the recoverer of the other."""
    tunnels = make_tunnels(2, only_a_listens=True, intervals={"rotate_seconds": 20})
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    tunnels.another_key(tunnels.keys(), 60)


def test_one_way_between_the_adapters_is_broken(make_tunnels):
    """What cannot be said that way is collected the other way: keys come and go on. Of three tunnels the one way, of three
    the other; which end is the generator is each tunnel's own."""
    tunnels = make_tunnels(6, intervals={"rotate_seconds": 20})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
    for index in range(6):
        tunnels.adapters[index % 2].config["interfaces"][index]["peers"][0]["url"] = url
    tunnels.make()
    tunnels.start()
    print(f"up after {tunnels.up_within(30):.1f} s")
    tunnels.another_key(tunnels.keys(), 60)
    for adapter in tunnels.adapters:
        assert all(peer["adapter_reachable"] for peer in adapter.status()["peers"])


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
    eventually(
        lambda: all(end.psk() != "(none)" for tunnel in tunnels.tunnels for end in tunnel.ends), "the gate shuts"
    )
    time.sleep(3)
    assert not tunnels.all_pass()
    write_secret(tunnels.b, "first secret")
    tunnels.up_within(30)
    secrets = itertools.count(2)

    def change_both():
        traffic = tunnels.watched_traffic(28)
        text, old = f"secret number {next(secrets):02}", tunnels.keys()
        write_secret(tunnels.a, text)
        time.sleep(8)
        write_secret(tunnels.b, text)
        tunnels.another_key(old, 60)
        return traffic.verdict()

    nothing_lost(change_both)


def connection_to(adapter, sae: str, pki) -> http.client.HTTPSConnection:
    """As an adapter of this SAE calls it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is a client's certificate
    context.load_cert_chain(*pki.issue(sae))
    return http.client.HTTPSConnection("127.0.0.1", adapter.port, context=context, timeout=30)


def test_interface_is_as_described(make_tunnels, pki):
    """What another adapter, a stranger and nobody get, against openapi/wireguard.yaml."""
    document = yaml.safe_load((REPOSITORY / "openapi" / "wireguard.yaml").read_text())
    checker = Checker(document)
    tunnels = make_tunnels()
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    a, b = tunnels.one.ends

    def call(sae: str, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        connection = connection_to(tunnels.b, sae, pki)
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
    assert call("alice", "POST", "/v1/dske/state", {"adapter": "00" * 300000})[0] == 413
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
    assert tunnels.one.same_key and tunnels.one.a.psk() == key
    tunnels.all_carry()


def test_sae_that_asks_too_often_is_refused(make_tunnels, pki):
    """Without harm to others."""
    tunnels = make_tunnels()
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)
    connections = [connection_to(tunnels.b, "mallory", pki) for _ in range(4)]
    request = b"GET /v1/dske/info HTTP/1.1\r\nHost: b\r\n\r\n"
    refused: list[bytes] = []

    def ask(connection: http.client.HTTPSConnection) -> None:
        connection.connect()
        deadline = time.monotonic() + 60
        while not refused and time.monotonic() < deadline:
            connection.sock.sendall(request * 100)
            answers = b""
            while answers.count(b"HTTP/1.1 ") < 100 or not answers.endswith(b"}"):
                piece = connection.sock.recv(1 << 16)
                assert piece, answers[-1000:]
                answers += piece
            refused.extend(answer for answer in answers.split(b"HTTP/1.1 ")[1:] if not answer.startswith(b"403 "))
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
        list(pool.map(ask, connections))
    assert refused
    assert all(answer.startswith(b"429 ") and b"\r\nRetry-After: 1\r\n" in answer for answer in refused)
    other = connection_to(tunnels.b, "alice", pki)
    other.request("GET", "/v1/dske/info")
    assert other.getresponse().status == 200
    other.close()
    assert tunnels.one.same_key
    tunnels.all_carry()


def test_peers_come_and_go(make_tunnels):
    """By editing the file, the others undisturbed."""
    tunnels = make_tunnels(2)
    tunnels.make()
    second = [adapter.config["interfaces"].pop() for adapter in tunnels.adapters]
    tunnels.start()
    eventually(lambda: tunnels.tunnels[0].same_key and tunnels.tunnels[0].passes(0.2), "the first tunnel carries data", 15)
    first_key = tunnels.tunnels[0].a.psk()
    assert tunnels.tunnels[1].a.psk() == "(none)"
    for adapter, interface in zip(tunnels.adapters, second):
        adapter.config["interfaces"].append(interface)
        adapter.write()
    eventually(lambda: tunnels.tunnels[1].same_key and tunnels.tunnels[1].passes(0.2), "the second one too", 20)
    assert tunnels.tunnels[0].a.psk() == first_key
    for adapter in tunnels.adapters:
        adapter.config["interfaces"].pop()
        adapter.write()
    eventually(lambda: len(tunnels.a.status()["peers"]) == 1, "it is no longer looked after")
    tunnels.all_carry()
