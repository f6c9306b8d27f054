"""Keys for several slave SAEs at once (ETSI GS QKD 014 V1.1.1, clause 6.2, additional_slave_SAE_IDs)."""

import pytest

from etsi_client import sae_path
from nodes import eventually

NOT_FOUND = "one or more keys specified are not found on KME"
CLIENTS = {"carol": ["carol", "cora"], "celia": ["serena", "sam", "sue"], "cindy": ["cindy"], "connie": ["connie"]}


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(clients=CLIENTS).start()
    network.all_registered()
    return network


def details(answer, name: str) -> list[str]:
    return [detail[name] for detail in answer.json.get("details", []) if name in detail]


@pytest.mark.parametrize(
    "slave, additional",
    [
        ("cindy", ["connie"]),  # a KME each
        ("serena", ["sam", "sue"]),  # the same KME several times
        ("cora", ["cindy"]),  # the master's own KME first
        ("cindy", ["cora"]),  # and later
        ("serena", ["cora", "cindy", "sam", "connie"]),  # all mixed
    ],
)
def test_every_named_sae_gets_the_same_keys_once(network, slave, additional):
    with network.sae("carol") as carol:
        answer = carol.enc_keys_post(slave, number=3, additional_slave_SAE_IDs=additional)
        keys = answer.keys
    assert len(keys) == 3
    for name in [slave, *additional]:
        with network.sae(name) as sae:
            assert sae.dec_keys("carol", list(keys)).keys == keys, name
            again = sae.dec_keys("carol", list(keys))
            assert (again.status, again.message) == (400, NOT_FOUND)
            assert details(again, "key_ID") == list(keys)


def test_an_sae_that_was_not_named_gets_none(network):
    with network.sae("carol") as carol, network.sae("sam") as sam, network.sae("connie") as connie:
        keys = carol.enc_keys_post("serena", additional_slave_SAE_IDs=["sue", "cindy"]).keys
        assert sam.dec_keys("carol", list(keys)).status == 401  # its KME has the keys
        refused = connie.dec_keys("carol", list(keys))  # its KME cannot know of them
        assert (refused.status, refused.message) == (400, NOT_FOUND)
    for name in ("serena", "sue", "cindy"):
        with network.sae(name) as sae:
            assert sae.dec_keys("carol", list(keys)).keys == keys


def test_a_kme_holds_the_keys_until_its_last_slave_has_had_the_last(network):
    kme = network.kmes["celia"]
    eventually(lambda: kme.status()["bundles_held"] == 0, "what was delivered before is recorded")
    with network.sae("carol") as carol, network.sae("serena") as serena, network.sae("sam") as sam:
        keys = carol.enc_keys_post("serena", number=2, additional_slave_SAE_IDs=["sam", "cindy"]).keys
        first, second = keys
        assert serena.dec_keys("carol", list(keys)).keys == keys
        assert sam.dec_key("carol", first).keys == {first: keys[first]}
        assert kme.status()["bundles_held"] == 1
        assert sam.dec_key("carol", second).keys == {second: keys[second]}
        eventually(lambda: kme.status()["bundles_held"] == 0, "the keys are wiped")
    with network.sae("cindy") as cindy:
        assert cindy.dec_keys("carol", list(keys)).keys == keys


def test_exactly_the_unknown_saes_are_named(network):
    with network.sae("carol") as carol:
        for slave, additional, unknown in [
            ("serena", ["nobody"], ["nobody"]),
            ("nobody", ["serena"], ["nobody"]),
            ("serena", ["zoe", "cindy", "adam"], ["zoe", "adam"]),
        ]:
            answer = carol.enc_keys_post(slave, additional_slave_SAE_IDs=additional)
            assert answer.status == 400
            assert details(answer, "unknown_SAE_ID") == unknown
            assert all(f'"{name}"' in answer.message for name in unknown)
            assert '"serena"' not in answer.message and '"cindy"' not in answer.message


def test_no_more_than_the_status_says_may_be_named(network):
    with network.sae("carol") as carol:
        most = carol.status("serena").json["max_SAE_ID_count"]
        assert most == 16
        answer = carol.enc_keys_post("serena", additional_slave_SAE_IDs=[f"s{i}" for i in range(most + 1)])
        assert answer.status == 400 and "max_SAE_ID_count" in answer.message
        assert details(answer, "parameter") == ["additional_slave_SAE_IDs"] and details(answer, "most") == ["16"]
        answer = carol.enc_keys_post("serena", additional_slave_SAE_IDs=[f"s{i}" for i in range(most)])
        assert details(answer, "unknown_SAE_ID") == [f"s{i}" for i in range(most)]


def test_a_kme_without_multicast_says_so(make_network):
    clients = {"carol": ["carol"], "celia": ["serena", "sam"]}
    network = make_network(clients=clients, kme_settings={"limits": {"additional_saes": 0}}).start()
    with network.sae("carol") as carol:
        assert carol.status("serena").json["max_SAE_ID_count"] == 0
        answer = carol.enc_keys_post("serena", additional_slave_SAE_IDs=["sam"])
        assert answer.status == 400 and "not supported" in answer.message
        assert carol.enc_keys("serena").status == 200


def test_a_slaves_kme_that_is_short_of_hubs_is_named_and_the_others_are_served(make_network):
    """cindy's KME has PSRD with two of the three hubs only, and two are needed; then one of them goes."""
    clients = {"carol": ["carol"], "celia": ["celia"], "cindy": ["cindy"]}
    network = make_network(clients=clients, shares_required=2)
    cindy = network.kmes["cindy"]
    for hub in network.hubs.values():
        hub.command("init")
        for client in clients:
            network.add_client(hub.name, client, clients[client])
    for kme in network.kmes.values():
        kme.command("init")
        hubs = list(network.hubs)[: 2 if kme is cindy else 3]
        kme.command("ingest-psrd", *(network.assign(hub, kme.name) for hub in hubs))
    network.serve()
    network.all_registered()
    with network.sae("carol") as carol, network.sae("cindy") as slave:
        keys = network.keys_at_all_hubs("carol", "celia", "cindy", hubs=2)
        assert slave.dec_keys("carol", list(keys)).keys == keys
        network.hubs["hank"].kill()
        for _ in range(2):  # found out by the first, known to the second
            answer = carol.enc_keys_post("celia", additional_slave_SAE_IDs=["cindy"])
            assert answer.status == 503 and answer.headers["retry-after"]
            assert any(hub.startswith("hank: ") for hub in details(answer, "hub")), answer.json
        assert "cindy" in answer.message
        assert any(hub.startswith("hilary: ") and "cindy" in hub for hub in details(answer, "hub")), answer.json
        assert carol.enc_keys("celia").status == 200


def test_additional_saes_in_a_get_are_told_to_use_post(network):
    with network.sae("carol") as carol:
        answer = carol.get(sae_path("serena", "enc_keys") + "?additional_slave_SAE_IDs=sam")
        assert answer.status == 400 and "POST" in answer.message


def test_as_many_slaves_as_hubs_take_get_the_keys_and_more_are_refused_with_the_hubs_limit(make_network):
    slaves = [f"s{i}" for i in range(65)]
    clients = {"carol": ["carol"], "celia": slaves[:33], "cindy": slaves[33:]}
    network = make_network(
        hubs=["hank", "helen"],
        clients=clients,
        client_bytes=1048576,
        hub_bytes=1048576,
        kme_settings={"limits": {"additional_saes": 255}},
    ).start()
    network.all_registered()
    with network.sae("carol") as carol:
        keys = carol.enc_keys_post(slaves[0], additional_slave_SAE_IDs=slaves[1:64]).keys
        for name in (slaves[0], slaves[32], slaves[33], slaves[63]):
            with network.sae(name) as sae:
                assert sae.dec_keys("carol", list(keys)).keys == keys
        answer = carol.enc_keys_post(slaves[0], additional_slave_SAE_IDs=slaves[1:])
        assert answer.status == 400
        assert sorted(details(answer, "hub")) == [f"{hub}: takes at most 64 slaves" for hub in ("hank", "helen")]
