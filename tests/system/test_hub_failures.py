"""Five hubs, k = 3: any two may fail at any moment and no key is lost; with three down the answer says so."""

import itertools

import pytest

from conftest import HUBS
from nodes import eventually
from recording_proxy import RecordingProxy

KEYS = 30


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(hubs=HUBS, client_bytes=524288, hub_bytes=524288).start()
    network.all_registered()
    return network


@pytest.fixture(autouse=True)
def everything_back(network):
    yield
    for hub in network.hubs.values():
        if not hub.process.running:
            hub.serve()
    for hub in network.hubs.values():
        hub.wait_ready()
    network.all_registered()


def keys_at_every_hub(carol, number: int = 1) -> dict[str, bytes]:
    """A hub that came back a moment ago is not used for this pair before its slave's KME is known to be there."""

    def given() -> dict[str, bytes] | None:
        answer = carol.enc_keys_post("celia", number=number, extension_mandatory=[{"DSKE_min_hubs": len(HUBS)}])
        return answer.keys if answer.status == 200 else None

    return eventually(given, "every hub is used", 90)


def fetch_while(network, fail) -> None:
    """A third of the keys is asked for before the failure and fetched after it, the rest is asked for after it."""
    with network.sae("carol") as carol, network.sae("celia") as celia:
        keys: dict[str, bytes] = {}
        for _ in range(KEYS // 3):
            keys |= keys_at_every_hub(carol)
        fail()
        while len(keys) < KEYS:
            keys |= carol.enc_keys("celia").keys
        for key_id, key in keys.items():
            assert celia.dec_key("carol", key_id).keys == {key_id: key}


@pytest.mark.parametrize("hub", HUBS)
def test_no_key_is_lost_when_a_hub_dies(network, hub):
    fetch_while(network, network.hubs[hub].kill)


@pytest.mark.parametrize("one, other", list(itertools.combinations(HUBS, 2)))
def test_no_key_is_lost_when_two_hubs_die(network, one, other):
    def fail() -> None:
        network.hubs[one].kill()
        network.hubs[other].kill()

    fetch_while(network, fail)


@pytest.mark.parametrize("missing", [HUBS[:3], HUBS[2:]])
def test_with_three_hubs_down_503_names_them_and_keys_come_again_afterwards(network, missing):
    with network.sae("carol") as carol, network.sae("celia") as celia:
        before = keys_at_every_hub(carol, 2)
        for hub in missing:
            network.hubs[hub].kill()
        refused = carol.enc_keys("celia")
        assert refused.status == 503
        for hub in HUBS:
            assert (hub in refused.message) == (hub in missing), refused.message
        # The shares of the earlier keys are out of reach now, but not lost.
        assert celia.dec_keys("carol", list(before)).status in (400, 503)
        for hub in missing:
            network.hubs[hub].serve()
        for hub in missing:
            network.hubs[hub].wait_ready()
        eventually(lambda: carol.enc_keys("celia").status == 200, "keys come again", 40)
        network.all_registered()
        assert celia.dec_keys("carol", list(before)).keys == before


def test_a_kme_says_that_it_is_not_ready_while_too_few_hubs_are_up(network):
    carol = network.kmes["carol"]
    for hub in HUBS[:3]:
        network.hubs[hub].kill()
    with network.sae("carol") as client:
        client.enc_keys("celia")
    eventually(lambda: not carol.management.ready(), "readyz is 503", 40)
    states = {entry["name"]: entry["state"] for entry in carol.status()["hubs"]}
    assert all(states[hub] == "unreachable" for hub in HUBS[:3]), states
    assert all(states[hub] == "registered" for hub in HUBS[3:]), states
    assert carol.status()["state"] == "not ready"


def test_a_kme_starts_while_hubs_are_down_and_registers_when_they_come(network):
    for hub in HUBS[:2]:
        network.hubs[hub].kill()
    carol = network.kmes["carol"]
    assert carol.terminate() == 0
    carol.serve()
    carol.wait_ready()
    network.exchange("carol", "celia", 3)
    network.exchange("celia", "carol", 3)
    for hub in HUBS[:2]:
        network.hubs[hub].serve()
    network.all_registered()
    network.exchange("carol", "celia", 3)


def test_a_key_whose_hubs_are_all_down_is_not_said_to_be_unknown(make_network):
    """Two of four hubs hold its shares; the other two, which were down when it was made, are not enough to say that there is none."""
    network = make_network(hubs=["hank", "helen", "hilary", "holly"], shares_required=2).start()
    network.all_registered()
    for hub in ("hilary", "holly"):
        network.hubs[hub].kill()
    with network.sae("carol") as carol, network.sae("celia") as celia:
        keys = carol.enc_keys("celia").keys
        for hub in ("hank", "helen"):
            network.hubs[hub].kill()
        for hub in ("hilary", "holly"):
            network.hubs[hub].serve()
            network.hubs[hub].wait_ready()
        network.all_registered(but=("hank", "helen"))
        answer = celia.dec_keys("carol", list(keys))
        assert answer.status == 503, answer.body
        for hub in ("hank", "helen"):
            network.hubs[hub].serve()
        network.all_registered()
        assert celia.dec_keys("carol", list(keys)).keys == keys


def test_a_lost_answer_to_a_registration_does_not_lock_a_client_out(make_network):
    """The repetition is refused, and the client tries another block: one that is used up is no other."""
    hubs = ["hank", "helen", "hilary"]
    proxies = {hub: RecordingProxy() for hub in hubs}
    network = make_network(hubs=hubs, shares_required=2, proxies=proxies, client_bytes=1024).start()
    network.all_registered()
    carol = network.kmes["carol"]
    for hub in hubs:
        carol.command("ingest-psrd", network.assign(hub, "carol", client_bytes=65536))
    with network.sae("carol") as sae:
        for _ in range(12):  # more messages than the first block has authenticators for
            assert sae.enc_keys("celia").status == 200
    lost = []

    def lose_one(exchange):
        if exchange.received.path == "/registration" and b'"carol"' in exchange.received.body and exchange.answer and not lost:
            lost.append(exchange)
            exchange.answer = None

    proxies["hank"].after.append(lose_one)
    network.hubs["hank"].kill()
    network.hubs["hank"].serve()
    with network.sae("carol") as sae:
        eventually(lambda: sae.enc_keys("celia").status == 200 and lost, "the answer to a registration was lost")
    eventually(lambda: carol.hub_entry("hank")["state"] == "registered", "carol is registered again", 20)
