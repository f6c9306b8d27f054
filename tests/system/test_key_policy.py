"""What the operator of a KME decides: who may have keys with whom, and where the interface is."""

import pytest

from etsi_client import sae_path

CLIENTS = {"carol": ["carol", "cora"], "celia": ["celia", "sam"], "cindy": ["cindy"]}
RULES = [{"master": "carol", "slaves": ["celia", "cora"]}, {"master": "*", "slaves": ["carol"]}]
NO_KEY = "11111111-2222-4333-8444-555555550000"


@pytest.fixture(scope="module")
def ruled(make_module_network):
    """Only carol's KME has rules."""
    network = make_module_network(hubs=["hank", "helen"], clients=CLIENTS)
    network.kmes["carol"].change_config(allowed_pairs=RULES)
    network.start()
    network.all_registered()
    return network


def refused_slaves(answer) -> list[str]:
    assert answer.status == 401, answer.body
    assert "does not allow" in answer.message
    return [detail["slave_SAE_ID"] for detail in answer.json["details"]]


def test_allowed_pairs_get_keys(ruled):
    ruled.exchange("carol", "celia")
    ruled.exchange("carol", "cora")
    ruled.exchange("cindy", "carol")


def test_other_slaves_are_refused_with_401_that_names_them(ruled):
    with ruled.sae("carol") as carol:
        for answer in (carol.enc_keys("cindy"), carol.enc_keys_post("cindy"), carol.status("cindy")):
            assert refused_slaves(answer) == ["cindy"]
        assert '"carol"' in answer.message and '"cindy"' in answer.message
        assert carol.status("celia").status == 200
        answer = carol.enc_keys_post("celia", additional_slave_SAE_IDs=["sam", "cora", "cindy"])
        assert refused_slaves(answer) == ["sam", "cindy"]
    assert "does not allow keys of the master SAE" in ruled.kmes["carol"].log_text()


def test_a_direction_that_is_not_allowed_is_refused(ruled):
    with ruled.sae("cora") as cora:
        assert refused_slaves(cora.enc_keys("celia")) == ["celia"]
        assert cora.enc_keys("carol").status == 200


def test_a_slave_is_refused_the_keys_of_a_master_that_is_not_allowed(ruled):
    with ruled.sae("cindy") as cindy, ruled.sae("cora") as cora:
        keys = cindy.enc_keys("cora").keys  # cindy's KME allows it
        assert refused_slaves(cora.dec_keys("cindy", list(keys))) == ["cora"]
        assert refused_slaves(cora.dec_key("cindy", NO_KEY)) == ["cora"]


def test_without_rules_an_sae_cannot_be_its_own_peer(ruled):
    with ruled.sae("celia") as celia:
        for answer in (celia.enc_keys("celia"), celia.status("celia"), celia.dec_key("celia", NO_KEY)):
            assert answer.status == 400 and "own" in answer.message


def test_an_sae_that_is_listed_can_be_its_own_peer(make_network):
    network = make_network(hubs=["hank", "helen"], clients=CLIENTS)
    network.kmes["celia"].change_config(self_paired=["sam"], allowed_pairs=[{"master": "celia", "slaves": ["*"]}])
    network.start()
    network.all_registered()
    with network.sae("sam") as sam, network.sae("celia") as celia:
        assert sam.status("sam").json["target_KME_ID"] == "celia"
        keys = sam.enc_keys("sam", 2).keys
        assert celia.dec_keys("sam", list(keys)).status == 401
        assert sam.dec_keys("sam", list(keys)).keys == keys
        assert sam.dec_keys("sam", list(keys)).status == 400
        assert celia.enc_keys("celia").status == 400
        answer = sam.enc_keys_post("sam", additional_slave_SAE_IDs=["celia"])
        assert answer.status == 400 and "additional_slave_SAE_IDs" in answer.message


def test_the_interface_is_also_below_the_base_path(make_network):
    base = "/client/carol/etsi"
    network = make_network(hubs=["hank", "helen"])
    network.kmes["carol"].change_config(base_path=base)
    network.start()
    network.all_registered()
    with network.sae("carol") as carol, network.sae("celia") as celia:
        assert carol.get(base + sae_path("celia", "status")).json == carol.status("celia").json
        first = carol.get(base + sae_path("celia", "enc_keys") + "?number=2").keys
        second = carol.post(base + sae_path("celia", "enc_keys"), {"size": 128}).keys
        assert celia.dec_keys("carol", [*first, *second]).keys == first | second
        keys = celia.enc_keys("carol", 2).keys
        (one, two) = keys
        assert carol.get(base + sae_path("celia", "dec_keys") + "?key_ID=" + one).keys == {one: keys[one]}
        assert carol.post(base + sae_path("celia", "dec_keys"), {"key_IDs": [{"key_ID": two}]}).keys == {two: keys[two]}
        answer = carol.request("POST", base + sae_path("celia", "status"))
        assert answer.status == 405 and answer.headers["allow"]
        for path in (base, base + "/api/v1/keys", base + base + sae_path("celia", "status"), "/client/carol" + sae_path("celia", "status")):
            assert carol.get(path).status == 404, path
        assert celia.get(base + sae_path("carol", "status")).status == 404  # its KME has no base path
