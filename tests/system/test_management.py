"""The management interfaces: who may use them, what they tell, and health for supervisors."""

import http.client
import json

import pytest

from nodes import answers, eventually, plain_request

PSRD = {"blocks", "level_percent", "client_authenticator", "client_pad", "hub_authenticator", "hub_pad"}
RATES = {"bytes_per_second", "seconds_left"}


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(hubs=["hank", "helen", "hilary"], shares_required=2).start()
    network.all_registered()
    return network


@pytest.fixture(params=["hank", "carol"])
def node(request, network):
    return network.hubs.get(request.param) or network.kmes[request.param]


def test_health_needs_no_token(network):
    for node in network.nodes:
        status, headers, body = plain_request(node.port + 1000, "GET", "/healthz")
        assert (status, json.loads(body)) == (200, {"status": "ok"})
        assert headers["content-type"].split(";")[0] == "application/json"
        assert plain_request(node.port + 1000, "GET", "/readyz")[0] == 200
    for hub in network.hubs.values():
        assert plain_request(hub.port, "GET", "/healthz")[0] == 200
        assert plain_request(hub.port, "GET", "/readyz")[0] == 200


@pytest.mark.parametrize("token", [None, "", "x", "Bearer"])
@pytest.mark.parametrize(
    "method, path", [("GET", "/status"), ("POST", "/stop"), ("POST", "/psrd"), ("GET", "/clients")]
)
def test_without_the_token_nothing_is_told_or_done(node, token, method, path):
    if path == "/clients" and node.kind == "kme":
        path = "/psrd"  # a KME has no clients
    status, answer = node.management.call(method, path, None, token=token or None)
    assert status == 401 and answer["message"]
    assert node.process.running


def test_a_nearly_right_token_is_wrong(network, node):
    token = node.management.token
    assert len(token) >= 32
    others = [other.management.token for other in network.nodes if other is not node]
    for wrong in (token[:-1], token + "x", token.swapcase(), *others):
        if wrong != token:
            assert node.management.call("GET", "/status", token=wrong)[0] == 401


def test_other_forms_of_authorization_are_refused(node):
    target = f"/{node.management.kind}/{node.name}/mgmt/v1/status"
    for value in (node.management.token, f"Basic {node.management.token}", "Bearer", "Bearer  "):
        connection = http.client.HTTPConnection("127.0.0.1", node.port + 1000, timeout=10)
        connection.request("GET", target, headers={"Authorization": value})
        assert connection.getresponse().status == 401, value
        connection.close()


def test_a_hubs_status(network):
    network.exchange("carol", "celia")
    hank = network.hubs["hank"]
    status = hank.status()
    assert status["type"] == "hub" and status["name"] == "hank" and status["state"] == "ready"
    assert status["pid"] == hank.process.pid
    assert status["url"] == f"http://127.0.0.1:{hank.port}"
    assert status["mgmt_url"] == f"http://127.0.0.1:{hank.port + 1000}"
    assert status["uptime_seconds"] >= 0
    assert {client["name"] for client in status["clients"]} == {"carol", "celia"}
    for client in status["clients"]:
        assert client["sae_ids"] == [client["name"]]
        assert client["registered"] is True
        assert set(client["psrd"]) == PSRD | RATES
    assert status["refused_messages"] == 0
    assert isinstance(status["waiting_bundles"], int)
    assert status["warnings"] == []


def test_a_kmes_status(network):
    before = network.kmes["carol"].status()["keys_delivered"]
    network.exchange("celia", "carol", 3)
    carol = network.kmes["carol"]
    status = carol.status()
    assert status["type"] == "client" and status["name"] == "carol" and status["state"] == "ready"
    assert status["pid"] == carol.process.pid
    assert status["url"] == f"https://127.0.0.1:{carol.port}"
    assert status["encryptors"] == ["carol"]
    assert status["shares_required"] == 2
    assert [hub["name"] for hub in status["hubs"]] == ["hank", "helen", "hilary"]
    for hub in status["hubs"]:
        assert hub["state"] == "registered" and hub["error"] == "" and hub["wrong_shares"] == 0
        assert hub["endpoint"] == f"http://127.0.0.1:{network.hubs[hub['name']].port}"
        assert hub["hub_id"] == network.hubs[hub["name"]].status()["hub_id"]
        assert set(hub["psrd"]) == PSRD | RATES
        assert 0 < hub["psrd"]["level_percent"] <= 100
    eventually(lambda: carol.status()["keys_delivered"] == before + 3, "what was delivered is counted")
    assert status["warnings"] == []


def test_levels_fall_with_use_and_match_what_is_used(network):
    network.all_located("carol", "celia")
    carol = network.kmes["carol"]
    before = carol.psrd("hank")
    for _ in range(3):
        network.exchange("carol", "celia", 4)
    after = carol.psrd("hank")
    assert before["client_pad"]["left_bytes"] - after["client_pad"]["left_bytes"] == 3 * (32 + 4 * 32)
    assert after["client_authenticator"]["left_bytes"] < before["client_authenticator"]["left_bytes"]
    assert after["client_pad"]["total_bytes"] == before["client_pad"]["total_bytes"]


def test_clients_are_listed_added_and_extended(network):
    hank = network.hubs["hank"].management
    status, answer = hank.call("PUT", "/clients/newcomer", {"sae_ids": ["new one", "n/2"]})
    assert status == 200
    assert answer["name"] == "newcomer" and sorted(answer["sae_ids"]) == ["n/2", "new one"]
    assert answer["registered"] is False
    status, again = hank.call("PUT", "/clients/newcomer", {"sae_ids": ["third"]})
    assert status == 200 and again["client_id"] == answer["client_id"]
    assert "third" in again["sae_ids"]
    listed = {client["name"]: client for client in hank.call("GET", "/clients")[1]["clients"]}
    assert set(listed) >= {"carol", "celia", "newcomer"}
    assert listed["newcomer"]["client_id"] == answer["client_id"]


@pytest.mark.parametrize(
    "path, value",
    [
        ("/clients/a%2Fb", {"sae_ids": ["x"]}),
        ("/clients/x", {}),
        ("/clients/x", {"sae_ids": "x"}),
        ("/clients/x", {"sae_ids": [""]}),
        ("/clients/x", {"sae_ids": [1]}),
        ("/clients/x", {"sae_ids": ["ok"], "extra": 1}),
        ("/clients/x", []),
        ("/clients/x", b"{"),
    ],
)
def test_wrong_clients_are_refused(network, path, value):
    hank = network.hubs["hank"].management
    status, answer = hank.call("PUT", path, value)
    assert status == 400 and answer["message"]
    assert "x" not in {client["name"] for client in hank.call("GET", "/clients")[1]["clients"]}


@pytest.mark.parametrize(
    "value, code",
    [
        ({"client": "nobody", "client_bytes": 65536, "hub_bytes": 65536}, (404,)),
        ({"client": "carol", "client_bytes": -1, "hub_bytes": 65536}, (400,)),
        ({"client": "carol", "client_bytes": "many", "hub_bytes": 65536}, (400,)),
        ({"client": "carol", "client_bytes": 2**60, "hub_bytes": 65536}, (400, 413)),
        ({"client": "carol"}, (400,)),
        (b"x", (400,)),
    ],
)
def test_wrong_psrd_requests_are_refused(network, value, code):
    status, answer = network.hubs["hank"].management.call("POST", "/psrd", value)
    assert status in code and answer["message"]


@pytest.mark.parametrize("value", [{}, {"file": 1}, {"file": "/nonexistent/file.json"}, {"file": ""}, b"x"])
def test_wrong_ingestions_are_refused(network, value):
    status, answer = network.kmes["carol"].management.call("POST", "/psrd", value)
    assert status in (400, 404) and answer["message"]


def test_psrd_goes_from_hub_to_kme_through_the_management_interfaces(network):
    order = {"client": "carol", "client_bytes": 65536, "hub_bytes": 65536}
    status, made = network.hubs["hank"].management.call("POST", "/psrd", order)
    assert status == 200, made
    expected = network.hubs["hank"].state_dir / "psrd-out" / "carol" / f"{made['block_uuid']}.json"
    assert made["file"] == str(expected) and expected.exists()
    blocks = network.kmes["carol"].psrd("hank")["blocks"]
    status, taken = network.kmes["carol"].management.call("POST", "/psrd", {"file": made["file"]})
    assert status == 200, taken
    assert taken == {"block_uuid": made["block_uuid"], "hub": "hank"}
    assert network.kmes["carol"].psrd("hank")["blocks"] == blocks + 1
    assert not expected.exists()
    network.exchange("carol", "celia")


@pytest.mark.parametrize("target", ["/", "/hub/other/mgmt/v1/status", "/client/other/mgmt/v1/status", "/x"])
def test_unknown_paths_get_404(node, target):
    status, _, body = plain_request(node.port + 1000, "GET", target, token=node.management.token)
    assert status == 404 and json.loads(body)["message"]


def test_wrong_methods_get_405(node):
    prefix = f"/{node.management.kind}/{node.name}/mgmt/v1"
    for method, path, allowed in [("POST", "/status", "GET"), ("GET", "/stop", "POST"), ("DELETE", "/status", "GET")]:
        status, headers, _ = plain_request(node.port + 1000, method, prefix + path, token=node.management.token)
        assert status == 405
        assert allowed in headers["allow"]


def test_documentation_works_offline(network):
    for node in network.nodes:
        status, headers, page = plain_request(node.port + 1000, "GET", "/docs")
        assert status == 200 and headers["content-type"].startswith("text/html")
        for outside in (b"https://", b"http://", b'src="//'):
            for line in page.splitlines():
                assert outside not in line or b"127.0.0.1" in line or b"xmlns" in line or b"w3.org" in line, line[:200]
        status, _, document = plain_request(node.port + 1000, "GET", "/openapi.json")
        assert status == 200 and json.loads(document)["openapi"].startswith("3.1")
        assert plain_request(node.port + 1000, "GET", "/openapi/index.json")[0] == 200
    hank = network.hubs["hank"]
    assert plain_request(hank.port, "GET", "/docs")[0] == 200
    assert plain_request(hank.port, "GET", "/openapi.json")[0] == 200
    with network.sae("carol") as carol:
        assert carol.get("/docs").status == 200
        assert "/api/v1/keys" in carol.get("/openapi.json").body.decode()


def test_a_kme_without_psrd_is_healthy_and_not_ready(make_network):
    network = make_network(hubs=["hank", "helen"])
    for node in network.nodes:
        node.command("init")
    carol = network.kmes["carol"]
    carol.serve()
    eventually(lambda: answers(carol.port + 1000, "/healthz"), "carol serves")
    status, _, body = plain_request(carol.port + 1000, "GET", "/readyz")
    assert status == 503
    assert json.loads(body)["ready"] is False and json.loads(body)["reason"]
    told = carol.status()
    assert told["state"] == "not ready"
    assert all(hub["state"] == "no PSRD" for hub in told["hubs"])
    warnings = " ".join(told["warnings"])
    assert "hank" in warnings and "helen" in warnings
    with network.sae("carol") as client:
        answer = client.enc_keys("celia")
        assert answer.status == 503 and "hank" in answer.message and "helen" in answer.message


def test_warnings_come_before_psrd_is_spent(make_network):
    network = make_network(hubs=["hank", "helen"], client_bytes=16384, hub_bytes=16384).start()
    carol, hank = network.kmes["carol"], network.hubs["hank"]
    with network.sae("carol") as client:

        def low() -> bool:
            assert client.enc_keys("celia").status == 200, "spent without a warning"
            return carol.psrd("hank")["level_percent"] < 25

        eventually(low, "the level is low")
    assert any("hank" in warning for warning in carol.status()["warnings"])
    assert any("carol" in warning for warning in hank.status()["warnings"])


def test_stop_stops_gracefully(make_network):
    network = make_network(hubs=["hank", "helen"]).start()
    for node in (network.kmes["carol"], network.hubs["hank"]):
        status, answer = node.management.call("POST", "/stop")
        assert (status, answer) == (202, {"stopping": True})
        assert node.process.wait() == 0
