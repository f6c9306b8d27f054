"""Two clients that claim one SAE: the hubs' operators decide, and k of them must agree."""

import pytest

from etsi_client import EtsiClient
from nodes import eventually, one_line_error

HUBS = ["hank", "helen", "hilary"]


def test_a_hub_binds_an_sae_to_one_client_only(make_network):
    network = make_network(hubs=["hank"], clients={})
    network.provision()
    hank = network.hubs["hank"]
    hank.command("client", "add", "carol", "--sae", "shared")
    refused = hank.command("client", "add", "mallory", "--sae", "shared", code=1)
    one_line_error(refused, "shared", "carol")
    hank.serve()
    hank.wait_ready()
    refused = hank.command("client", "add", "mallory", "--sae", "shared", code=1)
    one_line_error(refused, "shared", "carol")
    status, answer = hank.management.call("PUT", "/clients/mallory", {"sae_ids": ["shared"]})
    assert status == 409 and "carol" in answer["message"]
    bindings = {client["name"]: client["sae_ids"] for client in hank.management.call("GET", "/clients")[1]["clients"]}
    assert bindings["carol"] == ["shared"]
    assert "shared" not in bindings.get("mallory", [])


@pytest.fixture
def contested(make_network):
    """The KME mallory claims to serve the SAE carol too. `bindings` says which client each hub binds it to."""

    def make(bindings: dict[str, str]):
        clients = {"carol": ["caroline", "carol"], "celia": ["celia"], "mallory": ["mallory", "carol"]}
        network = make_network(hubs=HUBS, clients=clients, shares_required=2)
        network.sae_home["carol"] = "carol"
        for node in network.nodes:
            node.command("init")
        for hub in HUBS:
            for client in clients:
                owned = [sae for sae in clients[client] if sae != "carol"]
                network.add_client(hub, client, owned + (["carol"] if bindings[hub] == client else []))
                network.kmes[client].command("ingest-psrd", network.assign(hub, client))
        network.serve()
        network.all_registered()
        return network

    return make


def test_the_client_that_no_hub_bound_cannot_use_the_sae(contested, pki):
    network = contested({hub: "carol" for hub in HUBS})
    network.exchange("carol", "celia")
    network.exchange("celia", "carol")
    network.exchange("mallory", "carol")
    with EtsiClient(network.kmes["mallory"].port, network.tls("carol")) as thief:
        answer = thief.enc_keys("celia")
        assert answer.status in (401, 503) and answer.message
    with network.sae("celia") as celia:
        keys = celia.enc_keys("carol").keys
    with EtsiClient(network.kmes["mallory"].port, network.tls("carol")) as thief:
        answer = thief.dec_keys("celia", list(keys))
        assert answer.status in (400, 401)
    with network.sae("carol") as carol:
        assert carol.dec_keys("celia", list(keys)).keys == keys
    told = [line for line in network.kmes["mallory"].log_text().splitlines() if "warning" in line and "carol" in line]
    assert any(hub in line for line in told for hub in HUBS), "the refused SAE is told"


def test_k_hubs_that_agree_decide(contested):
    """One operator bound the SAE to the wrong client."""
    network = contested({"hank": "mallory", "helen": "carol", "hilary": "carol"})
    for _ in range(3):
        with network.sae("celia") as celia, network.sae("carol") as carol:
            keys = celia.enc_keys("carol").keys
            assert carol.dec_keys("celia", list(keys)).keys == keys


def test_without_k_hubs_that_agree_no_key_is_made(contested, make_network):
    network = contested({"hank": "mallory", "helen": "carol", "hilary": "celia"})
    with network.sae("celia") as celia:
        answer = celia.enc_keys("carol")
        assert answer.status in (400, 503) and "carol" in answer.message
    # Others are not affected.
    network.exchange("celia", "mallory")


def test_a_client_that_is_bound_later_is_found(make_network):
    """An SAE that was unknown a moment ago must not stay so for long."""
    network = make_network(hubs=HUBS, clients={"carol": ["carol"], "celia": ["celia", "cleo"]}, shares_required=2)
    for node in network.nodes:
        node.command("init")
    for hub in HUBS:
        for client in ("carol", "celia"):
            network.add_client(hub, client, [client])
            network.kmes[client].command("ingest-psrd", network.assign(hub, client))
    network.serve()
    network.all_registered()
    with network.sae("carol") as carol:
        answer = carol.enc_keys("cleo")
        assert answer.status in (400, 503) and "cleo" in answer.message
        for hub in HUBS:
            network.add_client(hub, "celia", ["cleo"])
        eventually(lambda: carol.enc_keys("cleo").status == 200, "cleo is found", 40)
    network.exchange("carol", "cleo")
