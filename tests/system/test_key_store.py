"""Keys before they are asked for: levels, what is answered from the store, and that no key is given out twice."""

import pathlib
import shutil
import threading

import pytest

from nodes import answers, eventually

HUBS = ["hank", "helen", "hilary"]


@pytest.fixture
def make(make_network):
    def make(settings: dict | None = None, **options):
        network = make_network(
            hubs=HUBS, shares_required=2, kme_settings={"key_store": settings or {}, **options}
        ).start()
        network.all_registered()
        return network

    return make


def stored(sae, slave: str) -> int:
    status = sae.status(slave).json
    assert 0 <= status["stored_key_count"] <= status["max_key_count"]
    return status["stored_key_count"]


def pad_left(node) -> int:
    return sum(hub["psrd"]["client_pad"]["left_bytes"] for hub in node.status()["hubs"])


def test_a_pair_is_warm_once_it_was_asked(make):
    network = make({"minimum_keys": 20})
    carol = network.sae("carol")
    assert network.kmes["carol"].status()["key_store"]["pairs"] == 0
    before = pad_left(network.kmes["carol"])
    network.exchange("carol", "celia")
    eventually(lambda: stored(carol, "celia") == 20, "twenty keys are ready")
    used = before - pad_left(network.kmes["carol"])
    assert 3 * 21 * 32 <= used <= 3 * (21 * 32 + 2 * 32), "one bundle on demand, one ahead"
    # What is ready costs nothing any more.
    at_level = pad_left(network.kmes["carol"])
    keys = network.exchange("carol", "celia", 5)
    assert len({key_id[:32] for key_id in keys}) == 1, "of one bundle"
    assert pad_left(network.kmes["carol"]) == at_level
    assert stored(carol, "celia") == 15
    figures = network.kmes["carol"].status()["key_store"]
    assert (figures["pairs"], figures["ready_keys"], figures["keys_issued"]) == (1, 15, 5)


def test_asking_for_the_status_warms_a_pair(make):
    network = make()
    carol = network.sae("carol")
    assert stored(carol, "celia") == 0
    eventually(lambda: stored(carol, "celia") == 32, "the default minimum is ready")
    assert network.kmes["celia"].status()["key_store"]["pairs"] == 0, "the other direction is a pair of its own"


def test_a_store_that_runs_dry_goes_on_on_demand(make):
    network = make({"minimum_keys": 8})
    with network.sae("carol") as carol, network.sae("celia") as celia:
        assert stored(carol, "celia") == 0
        eventually(lambda: stored(carol, "celia") == 8, "eight keys are ready")
        seen = {}
        for number in (3, 6, 128, 1, 9, 2):
            keys = carol.enc_keys("celia", number).keys
            assert len(keys) == number and not seen.keys() & keys.keys()
            seen |= keys
        assert celia.dec_keys("carol", list(seen)).keys == seen


def test_what_the_store_cannot_serve_is_made_on_demand(make_network):
    clients = {"carol": ["carol"], "celia": ["celia", "sam"]}
    network = make_network(hubs=HUBS, clients=clients, shares_required=2, kme_settings={"key_store": {}}).start()
    network.all_registered()
    carol = network.sae("carol")
    assert stored(carol, "celia") == 0
    eventually(lambda: stored(carol, "celia") == 32, "keys are ready")
    assert len(next(iter(network.exchange("carol", "celia", 1, 512).values()))) == 64
    several = carol.enc_keys_post("celia", additional_slave_SAE_IDs=["sam"]).keys
    for sae in ("celia", "sam"):
        assert network.sae(sae).dec_keys("carol", list(several)).keys == several
    extension = [{"DSKE_max_age_seconds": 100}]
    assert carol.enc_keys_post("celia", extension_mandatory=extension).json["key_container_extension"]
    assert stored(carol, "celia") == 32


def test_with_the_hubs_down_what_is_ready_is_given_out_and_then_503(make):
    network = make({"minimum_keys": 10})
    with network.sae("carol") as carol, network.sae("celia") as celia:
        assert stored(carol, "celia") == 0
        eventually(lambda: stored(carol, "celia") == 10, "ten keys are ready")
        for hub in HUBS[:2]:
            network.hubs[hub].kill()
        keys = carol.enc_keys("celia", 10).keys
        refused = carol.enc_keys("celia")
        assert refused.status == 503 and "hank" in refused.message
        for hub in HUBS[:2]:
            network.hubs[hub].serve()
        network.all_registered()
        assert celia.dec_keys("carol", list(keys)).keys == keys
        eventually(lambda: stored(carol, "celia") >= 10, "keys are ready again", 90)


def test_maximum_and_configured_pairs(make):
    pairs = [{"master": "carol", "slave": "celia"}]
    network = make_with_pairs(make, pairs)
    carol = network.sae("carol")
    eventually(lambda: network.kmes["carol"].status()["key_store"]["ready_keys"] == 12, "warm before it was asked")
    assert carol.status("celia").json["max_key_count"] == 12
    for _ in range(6):
        carol.enc_keys("celia", 8).keys
    eventually(lambda: stored(carol, "celia") == 12, "never more than the maximum")
    (pair,) = network.kmes["carol"].management.call("GET", "/key-store")[1]["pairs"]
    assert pair["target_keys"] == 12 and pair["keys_per_second"] > 0
    assert (pair["master_sae_id"], pair["slave_sae_id"]) == ("carol", "celia")


def make_with_pairs(make, pairs):
    # Only carol's KME has carol as its own SAE.
    network = make({"minimum_keys": 12, "maximum_keys": 12})
    network.kmes["carol"].terminate()
    network.kmes["carol"].change_config(key_store={"minimum_keys": 12, "maximum_keys": 12, "pairs": pairs})
    network.kmes["carol"].serve()
    network.kmes["carol"].wait_ready()
    return network


def test_an_idle_pair_is_filled_no_more(make):
    network = make({"minimum_keys": 16, "idle_seconds": 2})
    network.exchange("carol", "celia")
    kme = network.kmes["carol"]
    eventually(lambda: kme.status()["key_store"]["ready_keys"] == 16, "keys are ready")
    eventually(lambda: kme.management.call("GET", "/key-store")[1]["pairs"][0]["target_keys"] == 0, "it is idle")
    assert kme.status()["key_store"]["ready_keys"] == 16
    network.exchange("carol", "celia", 10)
    eventually(lambda: kme.status()["key_store"]["ready_keys"] >= 16, "it is in use again")


def test_a_clean_restart_keeps_what_is_ready_without_asking_for_more(make):
    network = make({"minimum_keys": 40})
    carol = network.sae("carol")
    seen = network.exchange("carol", "celia")
    eventually(lambda: stored(carol, "celia") == 40, "forty keys are ready")
    seen |= network.exchange("carol", "celia", 3)
    kme = network.kmes["carol"]
    for _ in range(3):
        carol.close()
        assert kme.terminate() == 0
        kme.serve()
        kme.wait_ready()
        ready = kme.status()["key_store"]["ready_keys"]
        assert ready == 40 - (len(seen) - 1)
        more = network.exchange("carol", "celia", 3)
        assert not seen.keys() & more.keys()
        seen |= more


def test_a_killed_kme_gives_no_key_out_twice_and_goes_on(make):
    network = make({"minimum_keys": 60})
    kme = network.kmes["carol"]
    seen: dict[str, bytes] = {}
    for _ in range(6):
        carol = network.sae("carol")
        stop = threading.Event()

        def ask(client=carol, until=stop):
            while not until.is_set():
                try:
                    keys = client.enc_keys("celia", 2).keys
                except Exception:  # the kill
                    return
                assert not seen.keys() & keys.keys()
                seen.update(keys)

        thread = threading.Thread(target=ask)
        before = len(seen)
        thread.start()
        eventually(lambda: len(seen) > before + 50, "keys are taken")
        kme.kill()
        stop.set()
        thread.join()
        kme.serve()
        kme.wait_ready()
    assert len(set(seen.values())) == len(seen)
    with network.sae("celia") as celia:
        for key_id, key in seen.items():
            assert celia.dec_key("carol", key_id).keys == {key_id: key}


def test_ready_keys_do_not_come_back_with_an_older_store(make, tmp_path):
    network = make({"minimum_keys": 30})
    kme = network.kmes["carol"]
    carol = network.sae("carol")
    stored(carol, "celia")
    eventually(lambda: stored(carol, "celia") == 30, "keys are ready")
    carol.close()
    assert kme.terminate() == 0
    backup: pathlib.Path = tmp_path / "store.db"
    shutil.copy(kme.state_dir / "store.db", backup)
    kme.serve()
    kme.wait_ready()
    with network.sae("carol") as again:
        given = again.enc_keys("celia", 20).keys
    assert kme.terminate() == 0
    shutil.copy(backup, kme.state_dir / "store.db")
    kme.serve()
    eventually(lambda: answers(kme.port + 1000, "/healthz"), "carol's KME serves")
    assert kme.status()["key_store"]["ready_keys"] == 0
    for hub in HUBS:
        kme.command("ingest-psrd", network.assign(hub, "carol"))
    kme.wait_ready()
    more = network.exchange("carol", "celia", 20)
    assert not given.keys() & more.keys()


def test_without_the_key_store_nothing_is_made_ahead(make):
    network = make({"enabled": False})
    carol = network.sae("carol")
    assert stored(carol, "celia") > 0, "what the PSRD is good for"
    before = pad_left(network.kmes["carol"])
    network.exchange("carol", "celia")
    assert before - pad_left(network.kmes["carol"]) == 3 * 64
    assert network.kmes["carol"].status()["key_store"]["pairs"] == 0
