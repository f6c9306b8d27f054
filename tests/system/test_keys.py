"""Keys between encryptors, the way the standard describes it: ETSI GS QKD 014 V1.1.1, clauses 5 and 6."""

import base64
import itertools
import json
import socket
import ssl
import threading

import pytest

from conftest import ODD_SAES
from etsi_client import EtsiClient, sae_path

STATUS_INTEGERS = [
    "key_size", "stored_key_count", "max_key_count", "max_key_per_request", "max_key_size", "min_key_size",
    "max_SAE_ID_count",
]  # fmt: skip
ONE_SAE_EACH = ["carol", "serena", ODD_SAES[0], "connie", "sunny"]


@pytest.mark.parametrize("master, slave", list(itertools.permutations(ONE_SAE_EACH, 2)))
def test_every_pair_of_kmes_gets_the_same_key_at_both_ends(town, master, slave):
    (key,) = town.exchange(master, slave).values()
    assert len(key) == 32


def test_keys_are_all_different_and_not_empty(town):
    keys = town.exchange("carol", "serena", number=64)
    assert len(set(keys.values())) == 64
    assert all(any(key) for key in keys.values())


def test_status_has_the_standards_fields(town):
    with town.sae("carol") as carol:
        answer = carol.status("serena")
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    status = answer.json
    assert status["source_KME_ID"] == "carol"
    assert status["target_KME_ID"] == "celia"
    assert status["master_SAE_ID"] == "carol"
    assert status["slave_SAE_ID"] == "serena"
    for name in STATUS_INTEGERS:
        assert type(status[name]) is int and 0 <= status[name] < 2**31, name
    assert 0 < status["min_key_size"] <= status["key_size"] <= status["max_key_size"]
    assert status["key_size"] == 256
    assert status["min_key_size"] == 8
    assert status["stored_key_count"] <= status["max_key_count"]
    assert status["max_key_per_request"] > 0


def test_without_parameters_one_key_of_the_default_size_comes(town):
    with town.sae("carol") as carol:
        for answer in (
            carol.enc_keys("serena"),
            carol.enc_keys_post("serena"),
            carol.request("POST", sae_path("serena", "enc_keys")),
        ):
            (key,) = answer.keys.values()
            assert len(key) == 32


@pytest.mark.parametrize("number, size", [(1, 8), (1, 128), (3, 192), (2, 24), (7, 256), (128, 256), (2, 65536)])
def test_number_and_size_by_get(town, number, size):
    keys = town.exchange("carol", "serena", number, size)
    assert {len(key) for key in keys.values()} == {size // 8}


@pytest.mark.parametrize("number, size", [(1, 8), (5, 512), (128, 256)])
def test_number_and_size_by_post(town, number, size):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        keys = carol.enc_keys_post("serena", number=number, size=size).keys
        assert len(keys) == number and {len(key) for key in keys.values()} == {size // 8}
        assert serena.dec_keys("carol", list(keys)).keys == keys


def test_post_with_a_query_and_get_with_a_body_are_honoured(town):
    target = sae_path("serena", "enc_keys")
    with town.sae("carol") as carol:
        assert len(carol.request("POST", target + "?number=2&size=128").keys) == 2
        body = json.dumps({"number": 3}).encode()
        assert len(carol.request("GET", target, body, {"Content-Type": "application/json"}).keys) == 3


def test_unknown_parameters_are_ignored(town):
    with town.sae("carol") as carol:
        assert len(carol.enc_keys_post("serena", number=2, vendor_thing={"a": [1]}).keys) == 2
        assert len(carol.get(sae_path("serena", "enc_keys") + "?number=2&colour=red").keys) == 2


def test_dec_keys_by_get_gives_one_key(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        keys = carol.enc_keys("serena", 2).keys
        for key_id, key in keys.items():
            assert serena.dec_key("carol", key_id).keys == {key_id: key}


def test_an_upper_case_key_id_is_the_same_key(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        ((key_id, key),) = carol.enc_keys("serena").keys.items()
        assert serena.dec_keys("carol", [key_id.upper()]).keys == {key_id: key}


def test_members_that_vendors_add_to_key_ids_are_ignored(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        ((key_id, key),) = carol.enc_keys("serena").keys.items()
        entry = {"key_ID": key_id, "master_SAE_ID": "carol", "key_ID_extension": {"v_x": 1}}
        answer = serena.post(sae_path("carol", "dec_keys"), {"key_IDs": [entry], "key_IDs_extension": {}})
        assert answer.keys == {key_id: key}


def test_keys_of_several_requests_come_in_one_answer(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        keys = {}
        for number in (1, 3, 2):
            keys |= carol.enc_keys("serena", number).keys
        assert serena.dec_keys("carol", list(keys)).keys == keys


def test_both_saes_of_a_kme_have_keys_of_their_own(town):
    with town.sae("carol") as carol, town.sae("serena") as serena, town.sae("sam") as sam:
        for_serena = carol.enc_keys("serena").keys
        for_sam = carol.enc_keys("sam").keys
        assert sam.dec_keys("carol", list(for_serena)).status == 401
        assert serena.dec_keys("carol", list(for_sam)).status == 401
        assert sam.dec_keys("carol", list(for_sam)).keys == for_sam
        assert serena.dec_keys("carol", list(for_serena)).keys == for_serena


def test_two_saes_of_the_same_kme_can_talk(town):
    town.exchange("sunny", "susan", number=2)


@pytest.mark.parametrize("odd", ODD_SAES)
def test_sae_ids_may_hold_any_printable_text(town, odd):
    town.exchange("carol", odd)
    town.exchange(odd, "carol")
    with town.sae(odd) as sae:
        assert sae.status("carol").json["master_SAE_ID"] == odd
        assert sae.status("carol").json["slave_SAE_ID"] == "carol"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("persistent", [True, False])
def test_tls_versions_and_connections(town, version, persistent):
    with (
        town.sae("carol", version=version, persistent=persistent) as carol,
        town.sae("serena", version=version, persistent=persistent) as serena,
    ):
        for _ in range(3):
            keys = carol.enc_keys("serena").keys
            assert serena.dec_keys("carol", list(keys)).keys == keys


def test_a_resumed_tls_session_is_served(town):
    context = town.tls("carol", ssl.TLSVersion.TLSv1_2)
    session = None
    for resumed in (False, True):
        with socket.create_connection(("127.0.0.1", town.port("carol"))) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as tls:
                tls.sendall(b"GET /api/v1/keys/serena/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert tls.recv(12) == b"HTTP/1.1 200"
                session = tls.session
                if resumed:
                    # Whether the server resumes is its choice; that it answers is not.
                    assert tls.session is not None


def test_an_encryptor_that_offers_http2_falls_back(town):
    context = town.tls("carol")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with EtsiClient(town.port("carol"), context) as carol:
        assert carol.status("serena").status == 200


def test_many_encryptors_at_once_each_get_their_own_keys(town):
    failures: list[str] = []
    seen: list[str] = []

    def work(master: str, slave: str) -> None:
        try:
            for _ in range(8):
                seen.extend(town.exchange(master, slave, number=2))
        except Exception as error:  # told below
            failures.append(f"{master} -> {slave}: {error}")

    pairs = [("carol", "serena"), ("serena", "carol"), ("connie", "sunny"), ("susan", "sam"), ("carol", "connie")]
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(seen) == len(set(seen)) == 80


def test_a_key_is_delivered_once_to_each_side(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        keys = carol.enc_keys("serena", 2).keys
        assert serena.dec_keys("carol", list(keys)).keys == keys
        again = serena.dec_keys("carol", list(keys))
        assert (again.status, again.message) == (400, "one or more keys specified are not found on KME")
        # The master had its keys as the answer to enc_keys.
        assert carol.dec_keys("carol", list(keys)).status in (400, 401)


def test_dec_keys_gives_all_or_none(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        keys = carol.enc_keys("serena", 3).keys
        unknown = "11111111-2222-4333-8444-555555550000"
        refused = serena.dec_keys("carol", [*keys, unknown])
        assert (refused.status, refused.message) == (400, "one or more keys specified are not found on KME")
        first, *rest = keys
        assert serena.dec_key("carol", first).keys == {first: keys[first]}
        refused = serena.dec_keys("carol", list(keys))
        assert refused.status == 400
        assert serena.dec_keys("carol", rest).keys == {key_id: keys[key_id] for key_id in rest}


def test_an_index_beyond_the_bundle_is_not_found(town):
    with town.sae("carol") as carol, town.sae("serena") as serena:
        (key_id,) = carol.enc_keys("serena", 1).keys
        beyond = key_id[:-4] + "0001"
        refused = serena.dec_key("carol", beyond)
        assert (refused.status, refused.message) == (400, "one or more keys specified are not found on KME")
        assert list(serena.dec_key("carol", key_id).keys) == [key_id]


def test_bodies_are_standard_base64_and_uuids(town):
    with town.sae("carol") as carol:
        for entry in carol.enc_keys("serena", 4, 8).json["keys"]:
            assert len(base64.b64decode(entry["key"], validate=True)) == 1
            assert entry["key"].endswith("==")
            assert entry["key_ID"][14] == "4" and entry["key_ID"][19] in "89ab"
