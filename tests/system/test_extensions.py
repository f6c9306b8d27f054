"""Extension parameters of Get key (ETSI GS QKD 014 V1.1.1, clause 6.2): what is asked, what is met, what is answered."""

import json
import time

import pytest

from conftest import HUBS
from nodes import eventually

UNMET = "not all extension_mandatory request options could be met"
UNSUPPORTED = "not all extension_mandatory parameters are supported"
NOT_FOUND = "one or more keys specified are not found on KME"
CLIENTS = {"carol": ["carol"], "celia": ["celia"], "cindy": ["cindy"]}


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(hubs=HUBS, clients=CLIENTS).start()
    network.all_located("carol", "celia", "cindy")
    return network


@pytest.fixture(scope="module")
def carol(network):
    with network.sae("carol") as client:
        yield client


def unmet(answer) -> dict[str, str]:
    """The mandatory extensions that were not met, with the reasons."""
    assert (answer.status, answer.message) == (400, UNMET), answer.body
    return dict(detail["extension_mandatory_unmet"].split(": ", 1) for detail in answer.json["details"])


def extension(answer) -> dict | None:
    assert answer.keys
    return answer.json.get("key_container_extension")


@pytest.mark.parametrize("array", ["extension_mandatory", "extension_optional"])
def test_what_was_honoured_is_answered(carol, array):
    asked = [{"DSKE_max_age_seconds": 600, "DSKE_min_shares_required": 4}, {"DSKE_min_hubs": 5}]
    answer = carol.enc_keys_post("celia", **{array: asked})
    assert extension(answer) == {"DSKE_max_age_seconds": 600, "DSKE_shares_required": 4, "DSKE_hubs": 5}


def test_without_known_extensions_the_container_has_none(carol):
    assert extension(carol.enc_keys("celia")) is None
    assert extension(carol.enc_keys_post("celia", extension_optional=[{"vendor_x": 1}, {}])) is None
    assert extension(carol.enc_keys_post("celia", extension_mandatory=[])) is None


def test_what_is_asked_for_never_weakens_the_kmes_own_settings(carol):
    asked = [{"DSKE_max_age_seconds": 10**9, "DSKE_min_shares_required": 1, "DSKE_min_hubs": 1}]
    answer = extension(carol.enc_keys_post("celia", extension_mandatory=asked))
    assert 3 <= answer.pop("DSKE_hubs") <= 5  # k have answered, and who else was quick
    assert answer == {"DSKE_max_age_seconds": 86400, "DSKE_shares_required": 3}


def test_the_keys_of_such_a_request_reach_every_slave(network, carol):
    keys = carol.enc_keys_post(
        "celia", number=2, additional_slave_SAE_IDs=["cindy"], extension_mandatory=[{"DSKE_min_shares_required": 5}]
    ).keys
    for name in ("celia", "cindy"):
        with network.sae(name) as sae:
            assert sae.dec_keys("carol", list(keys)).keys == keys


@pytest.mark.parametrize("name, least", [("DSKE_max_age_seconds", 20), ("DSKE_min_shares_required", 1), ("DSKE_min_hubs", 1)])
def test_values_that_cannot_be_met(carol, name, least):
    for value in (least - 1, -1, "60", 60.5, None, True, [60], {"a": 1}):
        reasons = unmet(carol.enc_keys_post("celia", extension_mandatory=[{name: value}]))
        assert list(reasons) == [name] and str(least) in reasons[name]
        assert extension(carol.enc_keys_post("celia", extension_optional=[{name: value}])) is not None


@pytest.mark.parametrize("name", ["DSKE_min_shares_required", "DSKE_min_hubs"])
def test_more_hubs_than_there_are_cannot_be_met(carol, name):
    assert "5" in unmet(carol.enc_keys_post("celia", extension_mandatory=[{name: 6}]))[name]
    assert extension(carol.enc_keys_post("celia", extension_optional=[{name: 6}]))["DSKE_shares_required"] == 3


def test_every_unmet_extension_is_named_and_those_that_could_be_met_are_not(carol):
    asked = [{"DSKE_max_age_seconds": 1}, {"DSKE_min_hubs": 99, "DSKE_min_shares_required": 3}]
    assert set(unmet(carol.enc_keys_post("celia", extension_mandatory=asked))) == {"DSKE_max_age_seconds", "DSKE_min_hubs"}


def test_unknown_names_come_before_bad_values(carol):
    answer = carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_hubs": 99, "DSKE_colour": "red", "x_y": {}}])
    assert (answer.status, answer.message) == (400, UNSUPPORTED)
    assert [detail["extension_mandatory_unsupported"] for detail in answer.json["details"]] == ["DSKE_colour", "x_y"]


def test_a_name_in_both_arrays_counts_as_mandatory(carol):
    answer = carol.enc_keys_post(
        "celia", extension_mandatory=[{"DSKE_min_shares_required": 4}], extension_optional=[{"DSKE_min_shares_required": 5}]
    )
    assert extension(answer)["DSKE_shares_required"] == 4
    answer = carol.enc_keys_post(
        "celia", extension_mandatory=[{"DSKE_min_hubs": 6}], extension_optional=[{"DSKE_min_hubs": 2}]
    )
    assert "DSKE_min_hubs" in unmet(answer)


def test_keys_of_a_limited_age_are_gone_after_it_also_those_that_the_slaves_kme_holds(network, carol):
    keys = carol.enc_keys_post(
        "celia", number=2, additional_slave_SAE_IDs=["cindy"], extension_mandatory=[{"DSKE_max_age_seconds": 20}]
    ).keys
    last_stored = time.monotonic()
    first, second = keys
    with network.sae("celia") as celia, network.sae("cindy") as cindy:
        assert celia.dec_key("carol", first).keys == {first: keys[first]}
        time.sleep(max(0.0, last_stored + 21 - time.monotonic()))  # hubs are told whole seconds, rounded up
        for sae, key_ids in ((celia, [second]), (cindy, list(keys))):
            answer = sae.dec_keys("carol", key_ids)
            assert (answer.status, answer.message) == (400, NOT_FOUND)


def test_fewer_hubs_than_asked_for(make_network):
    """A hub goes: the first request finds that out when its share cannot be stored, the next ones know it."""
    network = make_network(hubs=HUBS[:4], shares_required=2).start()
    network.all_located("carol", "celia")
    with network.sae("carol") as carol, network.sae("celia") as celia:
        assert extension(carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_hubs": 4}]))["DSKE_hubs"] == 4
        network.hubs["holly"].kill()
        for _ in range(2):
            reasons = unmet(carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_hubs": 4}]))
            assert "holly: " in reasons["DSKE_min_hubs"]
        # What had been stored of the refused ones was withdrawn.
        for hub in ("hank", "helen", "hilary"):
            eventually(lambda: network.hubs[hub].status()["waiting_bundles"] == 1, "only the good bundle waits", 60)
        network.keys_at_all_hubs("carol", "celia", hubs=3)
        assert extension(carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_hubs": 3}]))["DSKE_hubs"] == 3
        reasons = unmet(carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_shares_required": 4}]))
        assert "holly: " in reasons["DSKE_min_shares_required"]
        # Of optional ones what can be met is met.
        answer = carol.enc_keys_post(
            "celia", extension_optional=[{"DSKE_min_hubs": 4, "DSKE_min_shares_required": 3, "DSKE_max_age_seconds": 60}]
        )
        assert extension(answer) == {"DSKE_max_age_seconds": 60, "DSKE_shares_required": 3, "DSKE_hubs": 3}
        assert celia.dec_keys("carol", list(answer.keys)).keys == answer.keys
        # Too few hubs for any key is no matter of extensions.
        network.hubs["hilary"].kill()
        network.hubs["helen"].kill()
        for parameters in ({}, {"extension_mandatory": [{"DSKE_min_hubs": 4}]}):
            answer = carol.enc_keys_post("celia", **parameters)
            assert answer.status == 503, answer.body
            assert {"holly", "hilary", "helen"} == {detail["hub"].split(": ")[0] for detail in answer.json["details"]}


def test_an_optional_extension_that_fails_while_shares_are_stored_is_given_up(make_network):
    network = make_network(hubs=HUBS[:4], shares_required=2).start()
    network.all_located("carol", "celia")
    with network.sae("carol") as carol, network.sae("celia") as celia:
        network.hubs["holly"].kill()
        answer = carol.enc_keys_post("celia", extension_optional=[{"DSKE_min_hubs": 4}])
        assert extension(answer)["DSKE_hubs"] in (2, 3)  # one that is slow is not waited for any more
        assert celia.dec_keys("carol", list(answer.keys)).keys == answer.keys


def test_a_mandatory_k_is_enforced(make_network):
    """With k = n, a hub that is gone when the slave asks keeps the key from being rebuilt."""
    network = make_network(shares_required=2).start()
    network.all_located("carol", "celia")
    with network.sae("carol") as carol, network.sae("celia") as celia:
        strict = carol.enc_keys_post("celia", extension_mandatory=[{"DSKE_min_shares_required": 3}]).keys
        usual = network.keys_at_all_hubs("carol", "celia")
        network.hubs["hank"].kill()
        answer = celia.dec_keys("carol", list(strict))
        assert answer.status == 503, answer.body
        assert any(detail["hub"].startswith("hank: ") for detail in answer.json["details"]), answer.json
        assert celia.dec_keys("carol", list(usual)).keys == usual


def test_error_answers_hold_no_key(network, carol):
    with network.sae("celia") as celia:
        keys = carol.enc_keys("celia", 2).keys
        first, second = keys
        assert celia.dec_key("carol", first).status == 200
        refused = celia.dec_keys("carol", list(keys))
        assert [detail["key_ID"] for detail in refused.json["details"]] == [first]
        assert set(refused.json) == {"message", "details"}
        assert "key" not in {name for detail in refused.json["details"] for name in detail}, json.dumps(refused.json)
