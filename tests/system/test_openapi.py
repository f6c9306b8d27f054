"""Running servers against the OpenAPI files: every documented path, method, status and body shape is met, and nothing
is answered that is not documented."""

import concurrent.futures
import http.client
import json
import re
import secrets
import socket
import uuid

import pytest
import yaml

import dske_wire as wire
from conftest import HUBS
from dske_client import DskeClient
from etsi_client import EtsiClient, sae_path, tls_context
from json_schema import Checker, SchemaError
from nodes import REPOSITORY, answers, despite_resets, eventually, plain_request

METHODS = ("GET", "POST", "PUT", "DELETE")
DOCUMENTATION = ("/docs", "/openapi.json", "/openapi/index.json")


class Contract:
    """One OpenAPI file, and which of its answers were seen."""

    def __init__(self, name: str):
        self.name = name
        self.document = yaml.safe_load((REPOSITORY / "openapi" / f"{name}.yaml").read_text())
        self.checker = Checker(self.document)
        self.seen: set[tuple[str, str, str]] = set()

    def operations(self):
        """Path template, method and responses of every operation."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method.upper() in METHODS:
                    yield path, method.upper(), operation["responses"]

    def find(self, target: str) -> str | None:
        path = target.split("?")[0]
        for template in self.document["paths"]:
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                return template
        return None

    def check(
        self, method: str, target: str, status: int, headers: dict[str, str], body: bytes, template: str | None = None
    ) -> None:
        """The answer must be documented for its path and method, and of the documented shape. `template` is for requests
        that spoil the path or the method on purpose, `method` being what the operation has."""
        template = template or self.find(target)
        assert template, f"{method} {target} was answered {status}, but {self.name}.yaml has no such path"
        operation = self.document["paths"][template].get(method.lower())
        if operation is None:
            assert status in (404, 405, 501), f"{method} {template} is answered {status}, but not documented"
            return
        responses = operation["responses"]
        key = str(status) if str(status) in responses else "default"
        response = self.checker.resolve(responses[key])
        if key == "default":
            assert status >= 400, f"{method} {target}: {status} is not documented"
        kind = headers["content-type"].split(";")[0]
        assert kind in response["content"], f"{method} {target}: {status} with {kind}"
        try:
            value = json.loads(body) if kind == "application/json" else wire.key_share_head(body)
            self.checker.check(value, response["content"][kind]["schema"])
        except SchemaError as error:
            raise AssertionError(f"{self.name}.yaml, {method} {target}, {status}: {error}\n{body[:500]!r}") from None
        for name, header in response.get("headers", {}).items():
            if self.checker.resolve(header).get("required"):
                assert name.lower() in headers, f"{method} {target}: {status} without {name}"
        self.seen.add((template, method, key))

    def missing(self, exempt: set[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        documented = {
            (path, method, status)
            for path, method, responses in self.operations()
            for status in responses
            if status != "default"
        }
        unknown = exempt - documented
        assert not unknown, f"exempt, but not documented: {unknown}"
        return sorted(documented - self.seen - exempt)


@pytest.fixture(scope="module")
def network(make_module_network):
    clients = {"carol": ["carol"], "celia": ["celia", "cleo"]}
    settings = {"server": {"head_timeout_seconds": 3}}
    network = make_module_network(hubs=HUBS[:3], clients=clients, shares_required=2, kme_settings=settings).start()
    network.all_registered()
    return network


@pytest.mark.parametrize("name", ["etsi014", "hub", "kme-management"])
def test_the_files_use_only_what_the_checks_understand_and_their_examples_fit(name):
    contract = Contract(name)
    count = 0
    for path, method, responses in contract.operations():
        bodies = [contract.checker.resolve(response) for response in responses.values()]
        operation = contract.document["paths"][path][method.lower()]
        if "requestBody" in operation:
            bodies.append(contract.checker.resolve(operation["requestBody"]))
        for body in bodies:
            for content in body.get("content", {}).values():
                for title, example in content.get("examples", {}).items():
                    contract.checker.check(
                        contract.checker.resolve(example)["value"], content["schema"], f"{method} {path} {title}"
                    )
                    count += 1
    assert count > 5


def test_every_call_of_the_documents_is_in_the_files():
    """docs/protocol.md and docs/management.md list the calls for people."""
    calls = set()
    for file in ("protocol.md", "management.md"):
        text = (REPOSITORY / "docs" / file).read_text()
        calls |= set(re.findall(r"^\| `(GET|POST|PUT|DELETE) ([^`?\s]+)", text, re.MULTILINE))
    assert len(calls) > 15
    documented = {
        (method, re.sub(r"\{[^}]*\}", "*", path))
        for name in ("hub", "kme-management")
        for path, method, _ in Contract(name).operations()
    }
    for method, path in calls:
        if path in DOCUMENTATION:
            continue
        shape = re.sub(r"(?<=/)(NAME|CLIENT|HUB|BLOCK_UUID)(?=/|$)|\{[^}]*\}", "*", path)
        prefixed = (
            shape if shape.startswith(("/hub/", "/client/", "/healthz", "/readyz")) else "/hub/*/dske/api/v1" + shape
        )
        assert (method, prefixed) in documented, f"{method} {path}"


def undocumented(contract: Contract, ask, targets: list[str]) -> None:
    """Methods that a path does not have get 405 with the right Allow; paths that are not there get 404."""
    for target in targets:
        template = contract.find(target)
        assert template, target
        allowed = {method.upper() for method in contract.document["paths"][template] if method.upper() in METHODS}
        for method in set(METHODS) - allowed:
            status, headers, body = ask(method, target)
            assert status == 405, f"{method} {target}: {status}"
            told = {word.strip() for word in headers["allow"].split(",")}
            assert told - {"HEAD", "OPTIONS"} == allowed, f"{method} {target}: Allow: {headers['allow']}"
            assert json.loads(body)["message"]
    for target in (
        "/",
        "/metrics",
        "/redoc",
        "/api",
        "/hub",
        "/client",
        "/hub/hank",
        "/client/carol",
        "/status",
        "/docs/x",
    ):
        for method in METHODS:
            status, _, body = ask(method, target)
            assert status == 404, f"{method} {target}: {status}"
            assert json.loads(body)["message"]


# --- ETSI GS QKD 014 -------------------------------------------------------------------------------------------------


class WatchedEtsi(EtsiClient):
    """Every answer is held against the file."""

    contract: Contract

    def request(self, method, target, body=None, headers=None):
        answer = super().request(method, target, body, headers)
        if self.contract.find(target):
            self.contract.check(method, target, answer.status, answer.headers, answer.body)
        return answer


def tls_exchange(port: int, context, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends these bytes on a connection of their own, and waits for one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            tls.sendall(data)
            response = http.client.HTTPResponse(tls)
            response.begin()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


HOST = "Host: x\r\n"
# What is wrong with a request, as its method, target, version, headers and the status that it gets.
SPOILT = [
    ("PUT", "{}", "1.1", HOST, 405),
    ("{}", "{}/", "1.1", HOST, 404),
    ("{}", "{}", "1.1", "", 400),
    ("{}", "{}?x=" + "a" * 20000, "1.1", HOST, 414),
    ("{}", "{}", "1.1", HOST + "Content-Encoding: gzip\r\n", 415),
    ("{}", "{}", "1.1", HOST + "Expect: tea\r\n", 417),
    ("{}", "{}", "1.1", HOST + "X: " + "a" * 20000 + "\r\n", 431),
    ("{}", "{}", "1.1", HOST + "Transfer-Encoding: gzip\r\n", 501),
    ("{}", "{}", "2.0", HOST, 505),
]
SPOILT_WITH_BODY = [("{}", "{}", "1.1", HOST + "Content-Length: 99999999\r\n", 413)]
SPOILT_POST = [("POST", "{}", "1.0", HOST, 411)]


def spoil_requests(contract: Contract, port: int, context) -> None:
    """Every error of the HTTP layer, for every operation."""
    unfinished = []
    for template, method, responses in contract.operations():
        target = re.sub(r"\{.*?\}", "celia", template)
        cases = SPOILT + (SPOILT_WITH_BODY if "413" in responses else []) + (SPOILT_POST if method == "POST" else [])
        for used_method, used_target, version, headers, status in cases:
            head = f"{used_method.format(method)} {used_target.format(target)} HTTP/{version}\r\n{headers}\r\n"
            answer = tls_exchange(port, context, head.encode())
            assert answer[0] == status, f"{head[:200]}: {answer}"
            contract.check(method, target, *answer, template=template)
        unfinished.append((method, target))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asks = [
            (method, target, pool.submit(tls_exchange, port, context, f"{method} {target} HTTP/1.1\r\nHo".encode()))
            for method, target in unfinished
        ]
        for method, target, answer in asks:
            assert answer.result()[0] == 408
            contract.check(method, target, *answer.result())


def extension_members(contract: Contract) -> set[str]:
    container = contract.document["components"]["schemas"]["KeyContainer"]
    return set(container["properties"]["key_container_extension"]["properties"])


def test_the_default_limits_are_documented(town):
    """The limits in the file are those of a KME whose configuration sets none."""
    schemas = Contract("etsi014").document["components"]["schemas"]
    with town.sae("carol") as carol:
        status = carol.status("serena").json
    number, size = (schemas["KeyRequest"]["properties"][name] for name in ("number", "size"))
    assert number["maximum"] == status["max_key_per_request"]
    limits = status["min_key_size"], status["max_key_size"], status["key_size"]
    assert (size["minimum"], size["maximum"], size["default"]) == limits
    get_status = Contract("etsi014").document["paths"]["/api/v1/keys/{slave_SAE_ID}/status"]["get"]
    example = get_status["responses"]["200"]["content"]["application/json"]["examples"]["status"]["value"]
    same = ("max_key_per_request", "max_key_size", "min_key_size", "key_size", "max_SAE_ID_count", "max_key_count")
    assert {name: example[name] for name in same} == {name: status[name] for name in same}


def test_key_delivery_is_as_documented(network, pki):
    contract = Contract("etsi014")

    def client(sae: str, kme: str) -> WatchedEtsi:
        watched = WatchedEtsi(network.kmes[kme].port, tls_context(pki.ca, *pki.issue(sae)))
        watched.contract = contract
        return watched

    unknown = "11111111-2222-4333-8444-555555550000"
    with client("carol", "carol") as carol, client("celia", "celia") as celia, client("mallory", "carol") as mallory:
        assert carol.status("celia").status == 200
        assert carol.status("nobody").status == 400
        assert mallory.status("celia").status == 401
        for method, body in (("GET", None), ("POST", b'{"number": 2}'), ("POST", None)):
            answer = carol.request(method, sae_path("celia", "enc_keys"), body, {"Content-Type": "application/json"})
            assert answer.status == 200
            keys = answer.keys
            if method == "GET":
                assert celia.dec_key("carol", next(iter(keys))).status == 200
            else:
                assert celia.dec_keys("carol", list(keys)).status == 200
            foreign = next(iter(carol.enc_keys("cleo").keys))
            assert mallory.request(method, sae_path("celia", "enc_keys"), body).status == 401
        assert carol.enc_keys("celia", 0).status == 400
        assert carol.enc_keys_post("celia", number=0).status == 400
        assert celia.dec_key("carol", foreign).status == 401
        assert celia.dec_keys("carol", [foreign]).status == 401
        assert celia.dec_key("carol", unknown).status == 400
        assert celia.dec_keys("carol", [unknown]).status == 400
        for sae, resource in ((carol, "enc_keys"), (celia, "dec_keys")):
            target = sae_path("celia" if sae is carol else "carol", resource)
            json_type = {"Content-Type": "application/json"}
            much = despite_resets(lambda: sae.request("POST", target, b" " * (2 << 20), json_type))
            assert much.status == 413
            assert sae.request("POST", target, b"<a/>", {"Content-Type": "text/xml"}).status == 415

        def ask(method, target):
            answer = carol.request(method, target)
            return answer.status, answer.headers, answer.body

        undocumented(contract, ask, [sae_path("celia", resource) for resource in ("status", "enc_keys", "dec_keys")])

        several = carol.enc_keys_post("celia", additional_slave_SAE_IDs=["cleo"])
        assert several.status == 200 and celia.dec_keys("carol", list(several.keys)).keys == several.keys
        assert carol.enc_keys_post("celia", additional_slave_SAE_IDs=["nobody"]).json["details"]
        obeyed = carol.enc_keys_post(
            "celia", extension_mandatory=[{"DSKE_min_hubs": 2}], extension_optional=[{"x_y": 1}]
        )
        assert set(obeyed.json["key_container_extension"]) == extension_members(contract)
        for names in ({"DSKE_min_hubs": 99}, {"x_y": 1}):
            assert carol.enc_keys_post("celia", extension_mandatory=[names]).json["details"]
        spoil_requests(contract, network.kmes["carol"].port, tls_context(pki.ca, *pki.issue("carol")))

        late = carol.enc_keys("celia").keys
        for hub in ("hank", "helen"):
            network.hubs[hub].kill()
        try:
            assert carol.enc_keys("celia").status == 503
            assert carol.enc_keys_post("celia", number=1).status == 503
            celia.dec_key("carol", next(iter(late)))
            celia.dec_keys("carol", list(late))
        finally:
            for hub in ("hank", "helen"):
                network.hubs[hub].serve()
                network.hubs[hub].wait_ready()
            network.all_registered()
    # Whether a status, or a key that the hubs still hold, is told as 503 is the KME's choice.
    exempt = {("/api/v1/keys/{slave_SAE_ID}/status", "GET", "503")}
    exempt |= {("/api/v1/keys/{master_SAE_ID}/dec_keys", method, "503") for method in ("GET", "POST")}
    # The next test has its own KME for this.
    exempt |= {(path, method, "429") for path, method, _ in contract.operations()}
    assert not contract.missing(exempt)


def test_too_many_requests_are_answered_as_documented(make_network, pki):
    contract = Contract("etsi014")
    settings = {"limits": {"requests_per_second_per_sae": 1}}
    connie = make_network(hubs=["hank", "helen"], clients={"connie": ["connie"]}, kme_settings=settings).kmes["connie"]
    connie.command("init")
    connie.serve()
    eventually(lambda: answers(connie.port + 1000, "/healthz"), "connie serves")
    with EtsiClient(connie.port, tls_context(pki.ca, *pki.issue("connie"))) as client:
        for template, method, _ in contract.operations():
            target = re.sub(r"\{.*?\}", "celia", template)
            asked = (client.request(method, target) for _ in range(1000))
            answer = next(each for each in asked if each.status == 429)
            contract.check(method, target, answer.status, answer.headers, answer.body)


# --- hub -------------------------------------------------------------------------------------------------------------


def watched_client(contract: Contract, network, name: str, hub: str = "hank", **sizes) -> DskeClient:
    network.add_client(hub, name, [name])
    client = DskeClient(network.hubs[hub].port, wire.parse_psrd(network.assign(hub, name, **sizes).read_bytes()))
    exchange = client.exchange

    def watched(method, target, headers, body):
        status, answer_headers, answer = exchange(method, target, headers, body)
        if contract.find(target):
            contract.check(method, target, status, answer_headers, answer)
        return status, answer_headers, answer

    client.exchange = watched
    return client


def use_protocol(contract: Contract, network) -> None:
    tess, theo = (watched_client(contract, network, "t" + secrets.token_hex(4)) for _ in range(2))
    assert tess.register().status == 200 and theo.register().status == 200
    number = tess.registration_number
    assert tess.register(registration_number=number).status == 409
    tess.registration_number = number
    assert tess.register(protocol_version=9).status == 400
    tess.register(client_name=theo.name)
    assert tess.sae(theo.name).status == 200
    assert tess.sae("nobody").status == 404
    context = wire.Context(
        wire.new_bundle_id(), tess.name, 1, 32, tess.name, (wire.Slave(theo.name, theo.name),), 2,
        (tess.block.hub_id, uuid.uuid4()),
    )  # fmt: skip
    assert tess.post_share(context, bytes(64), bytes(16)).status == 200
    assert tess.post_share(context, bytes(64), bytes(16)).status == 409
    assert theo.post_share(context, bytes(64), bytes(16)).status == 403
    assert tess.call("POST", "/key-share", {}).status == 400
    assert theo.get_share(tess.name, context.bundle_id).status == 200
    assert tess.get_share(tess.name, context.bundle_id).status == 404
    assert theo.call("GET", "/key-share").status == 400
    assert theo.pending("?after=0&wait=0").status == 200
    assert theo.pending("?after=x").status == 400
    assert theo.pending(key=bytes(32)).status == 401
    assert theo.confirm(tess.name, context.bundle_id).status == 200
    assert theo.call("POST", "/key-share/confirmation", {}).status == 400
    assert tess.withdraw(context.bundle_id).status == 200
    assert tess.call("DELETE", "/key-share?key_id=x").status == 400
    assert tess.call("DELETE", "/registration?psrd=x").status == 400
    assert theo.call("DELETE", "/registration?psrd=wipe").json == {"left": True}
    garbage = {wire.SIGNATURE_HEADER: f"{tess.block.block}:0:32;{wire.b64(bytes(16))}"}
    calls = [
        ("PUT", "/registration"), ("GET", "/sae/x"), ("POST", "/key-share"), ("GET", "/key-share"),
        ("DELETE", "/key-share"), ("POST", "/key-share/confirmation"), ("DELETE", "/registration?psrd=keep"),
    ]  # fmt: skip
    for method, path in calls:
        assert tess.exchange(method, tess.prefix + path, garbage, b"")[0] == 401
    for method, path in calls:
        if method in ("POST", "PUT"):
            much = despite_resets(lambda: tess.exchange(method, tess.prefix + path, garbage, b" " * (8 << 20)))
            assert much[0] == 413

    for method, path in [*calls, ("GET", "/key-shares/pending")]:
        assert 429 in tess.flood(method, path)[0], (method, path)
    tess.close()
    theo.close()


def use_management(contract: Contract, node, calls: list[tuple]) -> None:
    """Each call: method, path below mgmt/v1, value, and the status that it must get; also without a token."""
    prefix = f"/{node.management.kind}/{node.name}/mgmt/v1"
    for method, path, value, expected in calls:
        status, headers, body = plain_request(
            node.port + 1000, method, prefix + path, value, token=node.management.token
        )
        assert status == expected, f"{method} {path} {value}: {status} {body[:300]}"
        contract.check(method, prefix + path, status, headers, body)
        status, headers, body = plain_request(node.port + 1000, method, prefix + path, value)
        assert status == 401
        contract.check(method, prefix + path, status, headers, body)
    for port in {node.port, node.port + 1000} if node.kind == "hub" else {node.port + 1000}:
        for target in ("/healthz", "/readyz"):
            contract.check("GET", target, *plain_request(port, "GET", target))


def test_a_hub_is_as_documented(network):
    contract = Contract("hub")
    use_protocol(contract, network)
    hank = network.hubs["hank"]
    order = {"client": "carol", "client_bytes": 65536, "hub_bytes": 65536}
    use_management(
        contract, hank,
        [
            ("GET", "/status", None, 200),
            ("GET", "/clients", None, 200),
            ("GET", "/psrd", None, 200),
            ("PUT", "/clients/carol", {"sae_ids": ["carol", "another"]}, 200),
            ("PUT", "/clients/someone", {"sae_ids": ["carol"]}, 409),
            ("PUT", "/clients/someone", {}, 400),
            ("POST", "/psrd", order, 200),
            ("POST", "/psrd", {**order, "client": "nobody"}, 404),
            ("POST", "/psrd", {}, 400),
            ("POST", "/psrd", {**order, "first": True}, 409),
            ("POST", "/psrd/revoke", {"client": "nobody"}, 404),
            ("POST", "/psrd/revoke", {"block_uuids": []}, 200),
            ("POST", "/psrd/revoke", {"client": "carol"}, 200),
            ("POST", "/psrd/revoke", {}, 400),
            ("GET", "/psrd", None, 200),
            ("PUT", "/clients/someone", {"sae_ids": ["someone"]}, 200),
            ("POST", "/clients/someone/sae-ids", {"add": ["more"], "remove": ["someone"]}, 200),
            ("POST", "/clients/someone/sae-ids", {"add": ["carol"]}, 409),
            ("POST", "/clients/someone/sae-ids", {"remove": ["carol"]}, 404),
            ("POST", "/clients/someone/sae-ids", {"add": 1}, 400),
            ("POST", "/clients/someone/disable", None, 200),
            ("POST", "/psrd", {**order, "client": "someone"}, 409),
            ("POST", "/clients/someone/enable", None, 200),
            ("DELETE", "/clients/someone", None, 200),
            ("DELETE", "/clients/someone", None, 404),
            ("POST", "/clients/someone/disable", None, 404),
            ("POST", "/clients/someone/enable", None, 404),
        ],
    )  # fmt: skip
    target = "/hub/other/mgmt/v1/status"
    contract.check("GET", target, *plain_request(hank.port + 1000, "GET", target, token=hank.management.token))

    def ask_port(port):
        return lambda method, target: plain_request(port, method, target, token=hank.management.token)

    protocol = [
        f"/hub/hank/dske/api/v1/{path}"
        for path in ("registration", "sae/x", "key-share", "key-share/confirmation", "key-shares/pending")
    ]
    management = [f"/hub/hank/mgmt/v1/{path}" for path in ("status", "stop", "clients", "clients/x", "psrd", "clients/x/sae-ids", "clients/x/disable", "clients/x/enable", "psrd/revoke")]
    undocumented(contract, ask_port(hank.port), [*protocol, "/healthz", "/readyz"])
    undocumented(contract, ask_port(hank.port + 1000), [*management, "/healthz", "/readyz"])
    # Management is on its own port alone, and so is the protocol.
    for target in management:
        assert plain_request(hank.port, "GET", target, token=hank.management.token)[0] == 404
    for target in protocol:
        assert plain_request(hank.port + 1000, "GET", target, token=hank.management.token)[0] == 404

    use_management(contract, hank, [])
    prefix = "/hub/hank/mgmt/v1/stop"
    contract.check("POST", prefix, *plain_request(hank.port + 1000, "POST", prefix))
    contract.check("POST", prefix, *plain_request(hank.port + 1000, "POST", prefix, token=hank.management.token))
    assert hank.process.wait() == 0
    hank.serve()
    hank.wait_ready()
    # All that carol had there was revoked, and she has noticed that the hub was gone.
    network.kmes["carol"].command("ingest-psrd", network.assign("hank", "carol"))
    network.all_registered()

    api = "/hub/{HUB_NAME}/dske/api/v1"
    # Out of PSRD, space or time: test_hub_protocol.py runs a client out of PSRD; a hub that is never not ready.
    exempt = {(api + path, method, "503") for method, path in [
        ("PUT", "/registration"), ("DELETE", "/registration"), ("GET", "/sae/{SAE_ID}"), ("POST", "/key-share"), ("GET", "/key-share"),
        ("DELETE", "/key-share"), ("POST", "/key-share/confirmation"), ("GET", "/key-shares/pending"),
    ]}  # fmt: skip
    exempt |= {("/readyz", "GET", "503")}
    # Floods, which alone are answered 429, do not pass through the contract.
    missing = [entry for entry in contract.missing(exempt) if entry[2] != "429"]
    assert not missing


# --- KME management --------------------------------------------------------------------------------------------------


def test_a_kmes_management_is_as_documented(network, make_network, tmp_path):
    contract = Contract("kme-management")
    carol = network.kmes["carol"]
    good = network.assign("hank", "carol")
    block = wire.parse_psrd(good.read_bytes()).block
    copy = tmp_path / "copy.json"
    copy.write_bytes(good.read_bytes())
    use_management(
        contract, carol,
        [
            ("GET", "/status", None, 200),
            ("GET", "/key-store", None, 200),
            ("GET", "/psrd", None, 200),
            ("POST", "/psrd", {"file": str(good)}, 200),
            ("POST", "/psrd", {"file": str(copy)}, 409),
            ("POST", "/psrd", {"file": str(tmp_path / "none.json")}, 404),
            ("POST", "/psrd", {}, 400),
            ("DELETE", f"/psrd/{block}", None, 200),
            ("DELETE", f"/psrd/{block}", None, 404),
            ("GET", "/hubs", None, 200),
            ("DELETE", "/hubs/nobody", None, 404),
            ("POST", "/hubs/nobody/leave", None, 404),
        ],
    )  # fmt: skip
    for path in ("status", "stop", "key-store"):
        target = f"/client/other/mgmt/v1/{path}"
        method = "POST" if path == "stop" else "GET"
        contract.check(method, target, *plain_request(carol.port + 1000, method, target, token=carol.management.token))

    def ask(method, target):
        return plain_request(carol.port + 1000, method, target, token=carol.management.token)

    parts = ("status", "stop", "key-store", "psrd", f"psrd/{block}", "hubs", "hubs/hank", "hubs/hank/leave")
    paths = [f"/client/carol/mgmt/v1/{path}" for path in parts]
    undocumented(contract, ask, [*paths, "/healthz", "/readyz"])

    alone = make_network(hubs=["hank", "helen", "hilary"], clients={"connie": ["connie"]}, shares_required=2)
    alone.provision()
    connie = alone.kmes["connie"]
    connie.change_config(hubs=[{"name": "hank"}, {"name": "helen"}])
    connie.serve()
    eventually(lambda: answers(connie.port + 1000, "/healthz"), "connie serves")

    def loaded() -> bool:
        """It serves before it has taken over what its store holds."""
        hubs = connie.management.call("GET", "/hubs")[1]["hubs"]
        return ("hilary", "not configured") in [(hub["name"], hub["state"]) for hub in hubs]

    eventually(loaded, "connie knows its hubs")
    use_management(
        contract, connie,
        [
            ("GET", "/status", None, 200),
            ("GET", "/hubs", None, 200),
            ("POST", "/hubs/hilary/leave", None, 409),  # not configured
            ("POST", "/hubs/hank/leave", None, 503),  # not there
            ("DELETE", "/hubs/hank", None, 200),
        ],
    )  # fmt: skip
    alone.hubs["helen"].serve()
    eventually(lambda: connie.hub_entry("helen")["state"] == "registered", "connie is registered with helen")
    use_management(contract, connie, [("POST", "/hubs/helen/leave", None, 200)])
    target = "/client/connie/mgmt/v1/stop"
    contract.check("POST", target, *plain_request(connie.port + 1000, "POST", target))
    contract.check("POST", target, *plain_request(connie.port + 1000, "POST", target, token=connie.management.token))
    assert connie.process.wait() == 0
    assert not contract.missing(set())


# --- where the files are served ------------------------------------------------------------------------------------------


def test_each_node_serves_its_own_files(network):
    for node, names in ((network.hubs["hank"], ["hub"]), (network.kmes["carol"], ["kme-management", "etsi014"])):
        files = {name: Contract(name).document for name in names}
        _, _, main = plain_request(node.port + 1000, "GET", "/openapi.json")
        assert json.loads(main) == files[names[0]]
        _, _, index = plain_request(node.port + 1000, "GET", "/openapi/index.json")
        listed = json.loads(index)
        assert listed
        served = []
        for entry in listed:
            url = entry["url"] if entry["url"].startswith("/") else "/" + entry["url"]
            status, headers, text = plain_request(node.port + 1000, "GET", url)
            assert status == 200 and headers["content-type"].split(";")[0] == "application/json"
            served.append(json.loads(text))
        assert all(document in served for document in files.values())
    with network.sae("carol") as carol:
        assert carol.get("/openapi.json").json == Contract("etsi014").document
