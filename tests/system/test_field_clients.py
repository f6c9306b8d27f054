"""What clients in the field send to a KME, each request written as the client writes it."""

import base64
import http.client
import json
import socket
import ssl
import subprocess

import pytest

from etsi_client import EtsiClient, tls_context

ODD_SAE = "gw+1@site:A;b=c,d!$&'()*~"  # all that RFC 3986 lets a path segment hold besides letters and digits
FORTINET_SAE = "FGT-" + "0123456789-abcdefghij." * 13 + "Z"
CLIENTS = {"carol": ["carol"], "celia": ["celia", ODD_SAE, FORTINET_SAE]}


@pytest.fixture(scope="module")
def network(make_module_network):
    settings = {"limits": {"keys_per_request": 1024}}
    network = make_module_network(hubs=["hank", "helen"], clients=CLIENTS, kme_settings=settings).start()
    network.all_registered()
    return network


def exchange_raw(network, sae: str, head: list[str], body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own, byte for byte as given; the connection stays open."""
    port = network.kmes[network.sae_home[sae]].port
    with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
        with network.tls(sae).wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            tls.sendall("\r\n".join([*head, "", ""]).encode() + body)
            response = http.client.HTTPResponse(tls)
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read()


def keys_of(body: bytes) -> dict[str, bytes]:
    return {entry["key_ID"]: base64.b64decode(entry["key"], validate=True) for entry in json.loads(body)["keys"]}


def test_arnika(network):
    """Go's net/http: HTTP/1.1 without a Connection header, gzip offered; takes nothing but 200 and 32 bytes."""

    def get(sae: str, target: str) -> dict[str, bytes]:
        head = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1:8443", "User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip"]
        status, headers, body = exchange_raw(network, sae, head)
        assert status == 200
        assert headers.get("connection", "").lower() != "close"
        assert "content-encoding" not in headers or headers["content-encoding"] == "gzip"
        return keys_of(body)

    keys = get("carol", "/api/v1/keys/celia/enc_keys?number=1&size=256")
    ((key_id, key),) = keys.items()
    assert len(key) == 32
    assert get("celia", f"/api/v1/keys/carol/dec_keys?key_ID={key_id}") == keys


def test_arnikas_transport_keeps_its_connection(network):
    with network.sae("carol") as carol:
        for _ in range(3):
            answer = carol.get("/api/v1/keys/celia/enc_keys?number=1&size=256")
            assert answer.status == 200 and carol._connection is not None


def test_etsi_qkd_014_client(network):
    """Python requests: GET only without arguments, else POST; dec_keys always POST; a session per call; SAE IDs as they
    are in the URL."""
    agent = {"User-Agent": "python-requests/2.31.0", "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}
    connection = agent | {"Connection": "keep-alive"}

    def call(sae: str, method: str, target: str, value: object = None):
        body = None if value is None else json.dumps(value).encode()
        headers = connection if body is None else connection | {"Content-Type": "application/json"}
        with EtsiClient(network.kmes[network.sae_home[sae]].port, network.tls(sae)) as client:
            return client.request(method, target, body, headers)

    slave = f"/api/v1/keys/{ODD_SAE}"
    status = call("carol", "GET", f"{slave}/status").json
    assert set(status) >= {
        "source_KME_ID", "target_KME_ID", "master_SAE_ID", "slave_SAE_ID", "key_size", "stored_key_count",
        "max_key_count", "max_key_per_request", "max_key_size", "min_key_size", "max_SAE_ID_count",
    }  # fmt: skip
    assert status["slave_SAE_ID"] == ODD_SAE
    keys = call("carol", "GET", f"{slave}/enc_keys").keys
    keys |= call("carol", "POST", f"{slave}/enc_keys", {"number": 3, "size": 128}).keys
    wanted = {"key_IDs": [{"key_ID": key_id} for key_id in keys]}
    assert call(ODD_SAE, "POST", "/api/v1/keys/carol/dec_keys", wanted).keys == keys
    for sae, method, target, value, status in [
        ("carol", "POST", f"{slave}/enc_keys", {"number": 0}, 400),
        ("carol", "GET", "/api/v1/keys/nobody/status", None, 400),
        ("carol", "GET", "/api/v1/nothing", None, 404),
        ("celia", "POST", "/api/v1/keys/carol/dec_keys", {"key_IDs": []}, 400),
    ]:
        answer = call(sae, method, target, value)
        assert answer.status == status and answer.message
        assert all(isinstance(detail, dict) for detail in answer.json.get("details", []))
    with EtsiClient(network.kmes["carol"].port, network.tls("celia")) as stranger:
        answer = stranger.request("GET", "/api/v1/keys/celia/enc_keys", headers=agent)
        assert answer.status == 401 and answer.message


def test_qkd_etsi_api_c_wrapper(network):
    """libcurl: a connection per call, Content-Type also on GET, number and size always; up to 1,024 keys."""

    def call(sae: str, method: str, target: str, body: bytes = b"") -> dict:
        head = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1:8443", "Accept: application/json"]
        head += ["Content-Type: application/json"] + ([f"Content-Length: {len(body)}"] if body else [])
        status, _, answer = exchange_raw(network, sae, head, body)
        assert status == 200, answer
        names: list[str] = []

        def unique(pairs: list) -> dict:
            names.extend(name for name, _ in pairs)
            assert len({name for name, _ in pairs}) == len(pairs), "a name twice in one object"
            return dict(pairs)

        return json.loads(answer, object_pairs_hook=unique)

    status = call("carol", "GET", "/api/v1/keys/celia/status")
    assert all(0 <= value < 2**31 for value in status.values() if isinstance(value, int))
    assert status["min_key_size"] <= status["key_size"] <= status["max_key_size"]
    assert status["stored_key_count"] <= status["max_key_count"] and status["max_key_per_request"] == 1024
    few = call("carol", "GET", "/api/v1/keys/celia/enc_keys?number=2&size=256")["keys"]
    many = call("carol", "POST", "/api/v1/keys/celia/enc_keys", b'{"number": 1024, "size": 256}')["keys"]
    assert len({entry["key_ID"] for entry in many}) == 1024
    assert {len(base64.b64decode(entry["key"])) for entry in many} == {32}
    wanted = json.dumps({"key_IDs": [{"key_ID": entry["key_ID"]} for entry in [*few, *many]]}).encode()
    assert call("celia", "POST", "/api/v1/keys/carol/dec_keys", wanted)["keys"] == [*few, *many]


def test_strongswan_plugins(network):
    """A key of 32 bits; the key ID goes to the peer in lower case."""
    target = "/api/v1/keys/celia/enc_keys?number=1&size=32"
    head = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Accept: */*"]
    status, _, body = exchange_raw(network, "carol", head)
    ((key_id, key),) = keys_of(body).items()
    assert status == 200 and len(key) == 4 and key_id == key_id.lower()
    head[0] = f"GET /api/v1/keys/carol/dec_keys?key_ID={key_id} HTTP/1.1"
    status, _, body = exchange_raw(network, "celia", head)
    assert status == 200 and keys_of(body) == {key_id: key}


def curl(network, sae: str, target: str, *arguments: str) -> tuple[int, bytes]:
    certificate, key = network.pki.issue(sae)
    url = f"https://127.0.0.1:{network.kmes[network.sae_home[sae]].port}{target}"
    command = [
        "curl", "--silent", "--show-error", "--max-time", "15", "--cacert", str(network.pki.ca), "--cert", str(certificate),
        "--key", str(key), "--write-out", "\n%{http_code}", *arguments, url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def test_curl_scripts(network):
    """TLS 1.3, HTTP/2 offered by ALPN, 24 bits, and a body that curl calls a form."""
    status, body = curl(network, "carol", "/api/v1/keys/celia/enc_keys?number=2&size=24", "--tlsv1.3", "--http2")
    keys = keys_of(body)
    assert status == 200 and {len(key) for key in keys.values()} == {3}
    wanted = json.dumps({"key_IDs": [{"key_ID": key_id} for key_id in keys]})
    status, body = curl(network, "celia", "/api/v1/keys/carol/dec_keys", "--tlsv1.3", "--http2", "--data", wanted)
    assert status == 200 and keys_of(body) == keys
    status, body = curl(
        network, "carol", "/api/v1/keys/celia/enc_keys", "--tlsv1.2", "--http1.1", "-X", "POST", "-H",
        "Content-Type: application/json; charset=utf-8", "-d", '{"number": 1}',
    )  # fmt: skip
    assert status == 200 and len(keys_of(body)) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_curl_without_arguments(network, method):
    status, body = curl(network, "carol", "/api/v1/keys/celia/enc_keys", "-X", method)
    assert status == 200 and len(keys_of(body)) == 1


def test_http2_alone_is_not_spoken(network):
    """A client that insists on h2 must not be answered in another protocol under that name."""
    context = network.tls("carol")
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", network.kmes["carol"].port), timeout=15) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                assert tls.selected_alpn_protocol() is None
        except (ssl.SSLError, ConnectionError):
            pass


def test_fortios(network, pki):
    """SAE IDs of up to 291 characters, which a common name cannot hold."""
    assert len(FORTINET_SAE) == 291
    certificate = pki.issue_client("fortinet", "URI:sae:" + FORTINET_SAE)
    with network.sae("carol") as carol:
        assert carol.status(FORTINET_SAE).json["slave_SAE_ID"] == FORTINET_SAE
        keys = carol.enc_keys(FORTINET_SAE, 1, 256).keys
    with EtsiClient(network.kmes["celia"].port, tls_context(pki.ca, *certificate)) as fortinet:
        assert fortinet.status("carol").json["master_SAE_ID"] == FORTINET_SAE
        assert fortinet.dec_keys("carol", list(keys)).keys == keys


def test_pan_os_tests_connectivity_by_status(make_network):
    """The status answers at once, also while hubs are away."""
    network = make_network(hubs=["hank", "helen", "hilary"], shares_required=2).start()
    network.all_registered()
    with network.sae("carol", timeout=4.5) as carol:  # a hub has 5 s to answer
        assert carol.status("celia").status == 200
        for hub in network.hubs.values():
            hub.kill()
        answer = carol.status("celia")
        assert answer.status == 200 and answer.json["target_KME_ID"] == "celia"


def test_one_certificate_for_both_roles(make_network):
    """Scripts that use one certificate for both ends, against its own SAE ID; the operator must allow it."""
    network = make_network(hubs=["hank", "helen"], kme_settings={"self_paired": []})
    network.kmes["carol"].change_config(self_paired=["carol"])
    network.start()
    network.all_registered()
    status, body = curl(network, "carol", "/api/v1/keys/carol/enc_keys?number=1&size=256")
    ((key_id, key),) = keys_of(body).items()
    assert status == 200
    status, body = curl(network, "carol", f"/api/v1/keys/carol/dec_keys?key_ID={key_id}")
    assert status == 200 and keys_of(body) == {key_id: key}
    status, body = curl(network, "celia", "/api/v1/keys/celia/enc_keys")
    assert status == 400 and json.loads(body)["message"]


def test_the_python_proof_of_concepts_manager_can_be_pointed_at_a_base_path(make_network):
    """Its paths begin with /client/NAME/etsi and it sends the SAE ID in a header, which proves nothing here: the
    certificate alone counts."""
    network = make_network(hubs=["hank", "helen"])
    for name, kme in network.kmes.items():
        kme.change_config(base_path=f"/client/{name}/etsi")
    network.start()
    network.all_registered()
    status, body = curl(
        network, "carol", "/client/carol/etsi/api/v1/keys/celia/enc_keys", "-H", "Authorization: celia", "-H", "Accept: */*"
    )
    keys = keys_of(body)
    assert status == 200 and len(keys) == 1
    status, body = curl(
        network, "celia", f"/client/celia/etsi/api/v1/keys/carol/dec_keys?key_ID={list(keys)[0]}", "-H", "Authorization: carol"
    )
    assert status == 200 and keys_of(body) == keys
