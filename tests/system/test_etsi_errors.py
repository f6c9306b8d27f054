"""Wrong requests and wrong callers at a KME's ETSI GS QKD 014 interface: each gets one clear answer, and no key."""

import http.client
import json
import socket
import ssl
from urllib.parse import quote

import pytest

from etsi_client import EtsiClient, sae_path, tls_context
from nodes import despite_resets, run
from pki import Pki

NOT_FOUND = "one or more keys specified are not found on KME"


@pytest.fixture(scope="module")
def carol(town):
    with town.sae("carol") as client:
        yield client


@pytest.fixture(scope="module")
def serena(town):
    with town.sae("serena") as client:
        yield client


# --- who asks -------------------------------------------------------------------------------------------------------


def refused_by_tls(port: int, context: ssl.SSLContext) -> bool:
    """Whether the server refuses the connection in or right after the handshake."""
    try:
        with EtsiClient(port, context) as client:
            client.status("serena")
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return True
    return False


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_certificate_no_connection(town, version):
    assert refused_by_tls(town.port("carol"), tls_context(town.run / "pki" / "ca.crt", version=version))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_another_ca_no_connection(town, foreign_pki, version):
    context = tls_context(town.run / "pki" / "ca.crt", *foreign_pki.issue("carol"), version)
    assert refused_by_tls(town.port("carol"), context)


def test_a_self_signed_certificate_no_connection(town, tmp_path):
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
        "/CN=carol", "-keyout", tmp_path / "key", "-out", tmp_path / "crt",
    )  # fmt: skip
    assert refused_by_tls(
        town.port("carol"), tls_context(town.run / "pki" / "ca.crt", tmp_path / "crt", tmp_path / "key")
    )


def test_tls_1_1_is_refused(town):
    context = town.tls("carol")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refused_by_tls(town.port("carol"), context)


def test_plain_http_is_refused_and_harms_nobody(town, carol):
    with socket.create_connection(("127.0.0.1", town.port("carol"))) as plain:
        plain.settimeout(10)
        plain.sendall(b"GET /api/v1/keys/serena/status HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert not plain.recv(1000).startswith(b"HTTP/1.1 200")
        except ConnectionError:
            pass
    assert carol.status("serena").status == 200


def test_the_kmes_certificate_names_it(town):
    """An SAE confirms the KME ID from the certificate (clause 5)."""
    with EtsiClient(town.port("carol"), town.tls("carol")) as client:
        certificate = client.connect().sock.getpeercert()
    names = {value for name in certificate["subject"] for key, value in name if key == "commonName"}
    names |= {value for _, value in certificate["subjectAltName"]}
    assert "carol" in names and "127.0.0.1" in names


@pytest.mark.parametrize("resource, method", [("status", "GET"), ("enc_keys", "GET"), ("dec_keys", "POST")])
def test_an_sae_of_another_kme_gets_401(town, resource, method):
    with EtsiClient(town.port("carol"), town.tls("serena")) as stranger:
        body = b'{"key_IDs":[{"key_ID":"11111111-2222-4333-8444-555555550000"}]}' if method == "POST" else None
        answer = stranger.request(method, sae_path("carol", resource), body)
        assert answer.status == 401
        assert answer.message


def test_a_certificate_without_a_known_sae_gets_401(make_network, pki):
    network = make_network(hubs=["hank", "helen"]).start()
    for name in ("mallory", "Carol", "carol ", "celia"):
        context = tls_context(pki.ca, *pki.issue(name))
        with EtsiClient(network.kmes["carol"].port, context) as stranger:
            for answer in (stranger.status("celia"), stranger.enc_keys("celia")):
                assert answer.status == 401, name
                assert answer.message


# --- who may have which key ------------------------------------------------------------------------------------------


def test_a_key_asked_for_by_the_wrong_sae_stays_for_the_right_one(town, carol, serena):
    keys = carol.enc_keys("serena", 2).keys
    with town.sae("sam") as sam, town.sae("connie") as connie:
        refused = sam.dec_keys("carol", list(keys))
        assert refused.status == 401 and refused.message
        # connie's KME cannot know of the keys: they were relayed to another.
        refused = connie.dec_keys("carol", list(keys))
        assert (refused.status, refused.message) == (400, NOT_FOUND)
    assert serena.dec_keys("carol", list(keys)).keys == keys


def test_a_wrong_master_in_the_url_gets_no_key(town, carol, serena):
    """401 once the KME holds the bundle; before, the key may be one that it cannot know of."""
    keys = carol.enc_keys("serena", 2).keys
    refused = serena.dec_keys("connie", list(keys))
    assert refused.status == 401 or (refused.status, refused.message) == (400, NOT_FOUND)
    first, second = keys
    assert serena.dec_key("carol", first).keys == {first: keys[first]}
    for wrong in ("connie", "sam"):
        refused = serena.dec_key(wrong, second)
        assert refused.status == 401 and refused.message
    assert serena.dec_key("carol", second).keys == {second: keys[second]}


def test_one_foreign_key_among_own_ones_gets_401_and_none_is_taken(town, carol, serena):
    own = carol.enc_keys("serena", 2).keys
    foreign = carol.enc_keys("sam").keys
    refused = serena.dec_keys("carol", [*own, *foreign])
    assert refused.status == 401
    assert serena.dec_keys("carol", list(own)).keys == own
    with town.sae("sam") as sam:
        assert sam.dec_keys("carol", list(foreign)).keys == foreign


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", ["status", "enc_keys"])
def test_an_unknown_slave_gets_400_with_a_message(carol, resource):
    answer = carol.get(sae_path("nobody", resource))
    assert answer.status == 400
    assert "nobody" in answer.message


def test_master_and_slave_may_not_be_the_same(carol):
    answer = carol.enc_keys("carol")
    assert answer.status == 400 and answer.message


@pytest.mark.parametrize(
    "query, mentioned",
    [
        ("number=0", "number"),
        ("number=-1", "number"),
        ("number=129", "128"),
        ("number=one", "number"),
        ("number=1.0", "number"),
        ("number=", "number"),
        ("number=%201", "number"),
        ("number=99999999999999999999999", "number"),
        ("number=1&number=1", "number"),
        ("number=1&numbe%72=2", "number"),
        ("size=0", "size"),
        ("size=-8", "size"),
        ("size=65544", "65536"),
        ("size=big", "size"),
        ("size=256&size=256", "size"),
        ("number=%zz", ""),
        ("additional_slave_SAE_IDs=sam", "additional_slave_SAE_IDs"),
        ("extension_mandatory=x", "extension_mandatory"),
    ],
)
def test_a_wrong_query_gets_400_that_names_it(carol, query, mentioned):
    answer = carol.get(sae_path("serena", "enc_keys") + "?" + query)
    assert answer.status == 400
    assert mentioned in answer.message


@pytest.mark.parametrize("size", [1, 9, 255])
def test_a_size_of_broken_bytes_gets_the_standards_words(carol, size):
    for answer in (carol.enc_keys("serena", size=size), carol.enc_keys_post("serena", size=size)):
        assert (answer.status, answer.message) == (400, "size shall be a multiple of 8")


@pytest.mark.parametrize(
    "body, mentioned",
    [
        (b"{", ""),
        (b"", None),  # an empty body is an empty request: the one case here that is right
        (b"[]", ""),
        (b"null", ""),
        (b'"number"', ""),
        (b"{} {}", ""),
        (b'{"number": "1"}', "number"),
        (b'{"number": 1.5}', "number"),
        (b'{"number": true}', "number"),
        (b'{"number": null}', "number"),
        (b'{"number": 1, "number": 1}', "number"),
        (b'{"number": 1e400}', ""),
        (b'{"number": 123456789012345678901234567890}', "number"),
        (b'{"size": {}}', "size"),
        (b'{"additional_slave_SAE_IDs": []}', "additional_slave_SAE_IDs"),
        (b'{"additional_slave_SAE_IDs": "sam"}', "additional_slave_SAE_IDs"),
        (b'{"additional_slave_SAE_IDs": [1]}', "additional_slave_SAE_IDs"),
        (b'{"extension_mandatory": {}}', "extension_mandatory"),
        (b'{"extension_mandatory": [1]}', "extension_mandatory"),
        (b'{"extension_optional": 1}', "extension_optional"),
        (b'{"x": "\xff"}', ""),
        (b'{"x": "\x01"}', ""),
        (b'{"x": ' + b"[" * 100000 + b"]" * 100000 + b"}", ""),
    ],
)
def test_a_wrong_body_gets_400_that_names_it(carol, body, mentioned):
    answer = carol.request("POST", sae_path("serena", "enc_keys"), body, {"Content-Type": "application/json"})
    if mentioned is None:
        assert answer.status == 200
        return
    assert answer.status == 400
    assert mentioned in answer.message


def test_a_parameter_in_query_and_body_gets_400(carol):
    answer = carol.post(sae_path("serena", "enc_keys") + "?number=1", {"number": 1})
    assert answer.status == 400 and "number" in answer.message


def test_unsupported_mandatory_extensions_get_the_standards_words(carol):
    answer = carol.enc_keys_post("serena", extension_mandatory=[{"vendor_route": "north"}, {"vendor_colour": {"a": 1}}])
    assert answer.status == 400
    assert answer.message == "not all extension_mandatory parameters are supported"
    told = json.dumps(answer.json["details"])
    assert "vendor_route" in told and "vendor_colour" in told
    assert all(isinstance(detail, dict) for detail in answer.json["details"])


def test_optional_extensions_are_ignored(carol):
    assert carol.enc_keys_post("serena", extension_optional=[{"vendor_x": [1, None]}]).status == 200


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "11111111222243338444555555550000", "{11111111-2222-4333-8444-555555550000}",
        "urn:uuid:11111111-2222-4333-8444-555555550000", "11111111-2222-4333-8444-55555555000",
        "11111111-2222-4333-8444-5555555500000", "11111111-2222-4333-8444-55555555000g",
        "11111111-2222-4333-8444-555555550000 ",
    ],
)  # fmt: skip
def test_key_ids_of_other_forms_get_400(serena, text):
    answer = serena.dec_keys("carol", [text])
    assert answer.status == 400 and "key_ID" in answer.message
    answer = serena.get(sae_path("carol", "dec_keys") + "?key_ID=" + quote(text))
    assert answer.status == 400 and "key_ID" in answer.message


def test_an_unknown_key_gets_the_standards_words(serena):
    unknown = "11111111-2222-4333-8444-555555550000"
    for answer in (serena.dec_key("carol", unknown), serena.dec_keys("carol", [unknown])):
        assert (answer.status, answer.message) == (400, NOT_FOUND)


def test_two_key_ids_in_a_get_are_told_to_use_post(serena):
    one, two = "11111111-2222-4333-8444-555555550000", "11111111-2222-4333-8444-555555550001"
    answer = serena.get(sae_path("carol", "dec_keys") + f"?key_ID={one}&key_ID={two}")
    assert answer.status == 400 and "POST" in answer.message


@pytest.mark.parametrize(
    "value",
    [
        {}, {"key_IDs": []}, {"key_IDs": {}}, {"key_IDs": "x"}, {"key_IDs": [1]}, {"key_IDs": [{}]},
        {"key_IDs": [{"key_id": "11111111-2222-4333-8444-555555550000"}]}, {"key_IDs": [{"key_ID": 1}]}, [],
        {"key_IDs": [{"key_ID": "11111111-2222-4333-8444-55555555000A"}, {"key_ID": "11111111-2222-4333-8444-55555555000a"}]},
    ],
)  # fmt: skip
def test_wrong_lists_of_key_ids_get_400(serena, value):
    answer = serena.post(sae_path("carol", "dec_keys"), value)
    assert answer.status == 400 and answer.message
    assert answer.message != NOT_FOUND


def test_no_key_id_at_all_gets_400(serena):
    for method in ("GET", "POST"):
        answer = serena.request(method, sae_path("carol", "dec_keys"))
        assert answer.status == 400 and answer.message


# --- HTTP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, resource, allowed",
    [
        ("POST", "status", {"GET"}),
        ("PUT", "status", {"GET"}),
        ("PUT", "enc_keys", {"GET", "POST"}),
        ("DELETE", "dec_keys", {"GET", "POST"}),
    ],
)
def test_a_wrong_method_gets_405_and_what_is_allowed(carol, method, resource, allowed):
    answer = carol.request(method, sae_path("serena", resource))
    assert answer.status == 405
    assert allowed <= {word.strip() for word in answer.headers["allow"].split(",")}
    assert answer.message


@pytest.mark.parametrize(
    "target", ["/", "/api/v1/keys", "/api/v1/keys/serena", "/api/v1/keys/serena/other", "/api/v2/x"]
)
def test_an_unknown_path_gets_404(carol, target):
    answer = carol.get(target)
    assert answer.status == 404 and answer.message


@pytest.mark.parametrize("target", ["/api/v1/keys/%zz/status", "/api/v1/keys/%ff/status", "/api/v1/keys/%00/status"])
def test_an_sae_id_that_is_none_gets_400(carol, target):
    answer = carol.get(target)
    assert answer.status == 400 and answer.message


def test_a_body_over_the_limit_gets_413(carol):
    answer = despite_resets(lambda: carol.request("POST", sae_path("serena", "enc_keys"), b" " * (2 << 20)))
    assert answer.status == 413 and answer.message


def raw_exchange(town, data: bytes) -> bytes:
    context = town.tls("carol")
    with socket.create_connection(("127.0.0.1", town.port("carol"))) as plain:
        plain.settimeout(15)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            tls.sendall(data)
            answer = b""
            try:
                while part := tls.recv(65536):
                    answer += part
                    if b"\r\n\r\n" in answer and b"}" in answer:
                        break
            except (ConnectionError, ssl.SSLError):
                pass
            return answer


@pytest.mark.parametrize(
    "head, status",
    [
        (b"GET /api/v1/keys/serena/status HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET /api/v1/keys/serena/status HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"400"),
        (b"GET /api/v1/keys/serena/status HTTP/9.9\r\nHost: x\r\n\r\n", b"505"),
        (b"POST /api/v1/keys/serena/enc_keys HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", b"400"),
        (
            b"POST /api/v1/keys/serena/enc_keys HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            b"400",
        ),
        (b"POST /api/v1/keys/serena/enc_keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000 + b"\r\n\r\n", b"431"),
        (b"\x00\x01\x02\r\n\r\n", b"400"),
    ],
)
def test_broken_http_gets_one_clear_error(town, carol, head, status):
    answer = raw_exchange(town, head)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["message"]
    assert carol.status("serena").status == 200


def test_silent_and_half_finished_clients_do_not_stop_others(town, carol):
    silent = [socket.create_connection(("127.0.0.1", town.port("carol"))) for _ in range(40)]
    try:
        for connection in silent[:20]:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        with town.sae("carol", timeout=4.5) as client:  # a handshake may take 5 s
            assert client.status("serena").status == 200
    finally:
        for connection in silent:
            connection.close()


def test_answers_to_errors_name_no_file_and_no_code(carol):
    for answer in (carol.get("/nothing"), carol.enc_keys("nobody"), carol.enc_keys("serena", number=0)):
        assert ".cpp" not in answer.message and "std::" not in answer.message


def test_pki_fixture_makes_certificates_for_odd_names(tmp_path):
    """The tests' own helper: a name must reach the certificate as it is."""
    certificate, _ = Pki(tmp_path / "pki").issue("Zürich/鍵 +x=1")
    text = run("openssl", "x509", "-in", certificate, "-noout", "-subject", "-nameopt", "utf8,sep_multiline").stdout
    assert "CN=Zürich/鍵 +x=1" in text
