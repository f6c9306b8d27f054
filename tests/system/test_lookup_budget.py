"""Questions to the hubs cost PSRD: an SAE that asks for what does not exist is slowed down, one whose hubs are away is not."""

import pytest

from etsi_client import sae_path

CLIENTS = {"carol": ["carol", "cora"], "celia": ["celia"]}
SPENT = "this SAE asked for too much that does not exist"
MORE_THAN_THE_BUDGET = 300
MUCH_MORE = 3000  # it refills by one a second
NO_KEY = "11111111-2222-4333-8444-555555550000"


@pytest.fixture
def network(make_network):
    network = make_network(clients=CLIENTS, shares_required=2, client_bytes=1048576, hub_bytes=1048576).start()
    network.all_registered()
    return network


@pytest.mark.parametrize("resource", ["status", "enc_keys", "dec_keys"])
def test_hubs_that_are_away_do_not_spend_it(network, resource):
    for hub in ("helen", "hilary"):
        network.hubs[hub].kill()
    target = sae_path("celia", resource) + (f"?key_ID={NO_KEY}" if resource == "dec_keys" else "")
    with network.sae("carol") as carol:
        for _ in range(MORE_THAN_THE_BUDGET):
            answer = carol.get(target)
            assert answer.status == 503 and SPENT not in answer.message, answer.body
        assert {"helen", "hilary"} <= {detail["hub"].split(": ")[0] for detail in answer.json["details"]}
        for hub in ("helen", "hilary"):
            network.hubs[hub].serve()
        network.all_registered()
        answer = carol.get(target)
        assert answer.status == (400 if resource == "dec_keys" else 200), answer.body


@pytest.mark.parametrize("resource", ["status", "enc_keys"])
def test_unknown_saes_spend_it_but_known_ones_are_still_served(network, resource):
    network.all_located("carol", "celia")
    with network.sae("carol") as carol, network.sae("cora") as cora:
        asked = 0
        while (answer := carol.get(sae_path(f"nobody{asked}", resource))).status == 400:
            asked += 1
            assert asked <= MUCH_MORE
        assert answer.status == 503 and SPENT in answer.message
        assert asked >= 200
        assert carol.enc_keys("celia").status == 200
        assert cora.get(sae_path("nobody", resource)).status == 400  # another SAE has its own budget


def test_additional_saes_that_are_unknown_count_each(network):
    network.all_located("carol", "celia")
    with network.sae("carol") as carol:
        spent = 0
        while True:
            names = [f"nobody{spent + i}" for i in range(16)]
            answer = carol.enc_keys_post("celia", additional_slave_SAE_IDs=names)
            if answer.status == 503:
                break
            assert answer.status == 400
            spent += len(names)
            assert spent <= MUCH_MORE
        assert SPENT in answer.message and spent >= 240
