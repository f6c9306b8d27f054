"""The slave's KME has the keys before its SAE asks for them."""

import time

import pytest

import dske_wire as wire
from lying_hub import LyingHub, on
from nodes import eventually

HUBS = ["hank", "helen", "hilary"]


def ahead_network(make_network, **options):
    network = make_network(
        hubs=HUBS, shares_required=2, kme_settings={"fetch_ahead": True}, client_bytes=524288, hub_bytes=524288, **options
    )
    network.start()
    network.all_registered()
    return network


@pytest.fixture(scope="module")
def network(make_module_network):
    proxies = {hub: LyingHub() for hub in HUBS}
    return ahead_network(make_module_network, proxies=proxies)


def held(network, kme="celia") -> int:
    return network.kmes[kme].status()["bundles_held"]


def test_the_slaves_kme_holds_the_keys_before_its_sae_asks(network):
    before = held(network)
    keys = network.sae("carol").enc_keys("celia", number=3).keys
    eventually(lambda: held(network) == before + 1, "the bundle is held")
    network.all_confirmed()
    # So no hub is needed any more.
    for proxy in network.proxies.values():
        proxy.go_down()
    assert network.sae("celia").dec_keys("carol", list(keys)).keys == keys
    eventually(lambda: held(network) == before, "what was delivered is not held any more")

    def noticed() -> bool:
        return all(hub["state"] != "registered" for kme in network.kmes.values() for hub in kme.status()["hubs"])

    eventually(noticed, "all KMEs have noticed that the hubs are away", 60)
    for proxy in network.proxies.values():
        proxy.come_up()
    network.all_registered()


def test_what_one_hub_invents_is_not_fetched(network):
    invented = [{"initiator": "carol", "bundle_id": str(wire.new_bundle_id())} for _ in range(300)]
    liar = network.proxies["helen"]
    asked = []
    for proxy in network.proxies.values():
        proxy.after.append(lambda exchange: asked.append(exchange.received.target) if exchange.received.method == "GET" else None)
    told = liar.lies_told
    liar.lie = on("GET", "/key-shares/pending", lambda hub, exchange: hub.change(exchange, bundles=invented, cursor=10**9))
    eventually(lambda: liar.lies_told >= told + 3, "the lie was told", 60)
    liar.honest()
    assert not [path for path in asked if path.startswith("/hub/") and "key_id=" in path], "nobody asks for invented bundles"
    keys = network.sae("carol").enc_keys("celia").keys
    assert network.sae("celia").dec_keys("carol", list(keys)).keys == keys


def test_what_waited_while_the_kme_was_down_is_fetched_when_it_comes_back(network):
    celia = network.kmes["celia"]
    eventually(lambda: held(network) == 0, "all that was delivered is recorded")
    celia.kill()
    bundles = [network.sae("carol").enc_keys("celia").keys for _ in range(30)]
    celia.serve()
    celia.wait_ready()
    # One more if what was delivered a moment before the kill was not on the disk yet.
    eventually(lambda: held(network) >= 30, "all is held", 60)
    for keys in bundles:
        assert network.sae("celia").dec_keys("carol", list(keys)).keys == keys


def test_hubs_and_kmes_stop_at_once_while_polls_wait(network):
    assert network.hubs["hilary"].terminate() == 0
    assert network.kmes["celia"].terminate() == 0
    for node in (network.hubs["hilary"], network.kmes["celia"]):
        assert "error" not in node.log_text().splitlines()[-1]
        node.serve()
    for node in (network.hubs["hilary"], network.kmes["celia"]):
        node.wait_ready()
    network.all_registered()
    keys = network.sae("carol").enc_keys("celia").keys
    eventually(lambda: held(network) >= 1, "keys are fetched ahead again", 30)
    assert network.sae("celia").dec_keys("carol", list(keys)).keys == keys


def test_with_the_switch_off_bundles_wait_at_the_hubs(make_network):
    network = make_network(hubs=HUBS, shares_required=2)  # the tests' default
    network.start()
    network.all_registered()
    keys = network.sae("carol").enc_keys("celia").keys
    time.sleep(2)  # longer than it takes with the switch on
    assert held(network) == 0
    assert network.sae("celia").dec_keys("carol", list(keys)).keys == keys
