"""An SAE that asks too much is told so, and takes nothing from the others."""

import concurrent.futures
import os
import signal

from nodes import eventually
from processes import stand_still


def test_an_sae_over_its_rate_gets_429_and_the_others_are_served(make_network):
    network = make_network(
        clients={"carol": ["greedy", "modest"], "celia": ["celia"]},
        kme_settings={"limits": {"requests_per_second_per_sae": 20}},
    )
    network.start()
    with network.sae("greedy") as greedy, network.sae("modest") as modest:
        assert modest.status("celia").status == 200
        served = 0
        while (answer := greedy.status("celia")).status == 200:
            served += 1
            assert served < 3000
        assert served >= 20
        assert answer.status == 429
        assert answer.message == "this SAE makes more than 20 requests per second"
        assert int(answer.headers["retry-after"]) >= 1
        assert all(modest.status("celia").status == 200 for _ in range(5))
        # The allowance comes back, and requests that are wrong count as well.
        eventually(lambda: greedy.status("celia").status == 200, "the allowance comes back")
        eventually(lambda: greedy.get("/api/v1/keys/%00/status").status == 400, "a wrong request is looked at")
        asked = 0
        while (answer := greedy.get("/api/v1/keys/%00/status")).status == 400:
            asked += 1
            assert asked < 3000
        assert answer.status == 429


def test_an_sae_that_waits_for_each_answer_is_never_over_its_requests_at_once(make_network):
    network = make_network(kme_settings={"limits": {"requests_at_once_per_sae": 1}})
    network.start()
    network.all_located("carol", "celia")
    with network.sae("carol") as carol:
        assert {carol.status("celia").status for _ in range(1000)} == {200}


def test_an_sae_cannot_fill_the_kme_with_requests_that_wait(make_network):
    """Key requests wait for hubs that do not answer; those of one SAE alone are bounded."""
    network = make_network(
        clients={"carol": ["greedy", "modest"], "celia": ["celia"]},
        kme_settings={"limits": {"requests_at_once_per_sae": 3}},
    )
    network.start()
    network.all_located("greedy", "celia")
    for hub in network.hubs.values():
        stand_still(hub.process.pid)  # it takes connections, and does not answer
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [network.sae("greedy") for _ in range(8)]
            waiting = [pool.submit(client.enc_keys, "celia") for client in clients]
            with network.sae("modest") as modest:
                assert modest.status("celia").status == 200
            statuses = sorted(answer.result().status for answer in waiting)
    finally:
        for hub in network.hubs.values():
            os.kill(hub.process.pid, signal.SIGCONT)
    assert statuses == [429] * 5 + [503] * 3


def test_keys_that_would_not_fit_into_one_answer_stay_available(make_network):
    """16 MiB of keys are given out at once; more are asked for in several requests."""
    size = 8 << 20  # bits: 1 MiB
    network = make_network(
        ["hank", "helen"],
        client_bytes=24 << 20,
        hub_bytes=24 << 20,
        kme_settings={"limits": {"key_size": size, "keys_per_request": 16}, "fetch_ahead": True},
    )
    network.start()
    network.all_registered()
    with network.sae("carol", timeout=60) as carol, network.sae("celia", timeout=60) as celia:
        keys = {}
        for _ in range(17):
            keys |= carol.enc_keys("celia", size=size).keys
        eventually(lambda: network.kmes["celia"].status()["bundles_held"] == 17, "the slave's KME holds all of it", 60)
        refused = celia.dec_keys("carol", list(keys))
        assert refused.status == 400
        assert "ask for fewer at once" in refused.message
        last = list(keys)[-1]
        most = celia.dec_keys("carol", [key_id for key_id in keys if key_id != last]).keys
        assert most | celia.dec_key("carol", last).keys == keys


def test_an_sae_leaves_psrd_for_the_others_of_its_kme(make_network):
    network = make_network(clients={"carol": ["greedy", "modest"], "celia": ["celia"]})
    network.start()
    with network.sae("greedy") as greedy, network.sae("modest") as modest, network.sae("celia") as celia:
        taken = 0
        while (answer := greedy.enc_keys("celia", number=128, size=256)).status == 200:
            taken += 1
            assert taken < 1000
        assert answer.status == 503 and "as is left for the others" in answer.message
        for _ in range(20):
            keys = modest.enc_keys("celia").keys
            assert celia.dec_keys("modest", list(keys)).keys == keys


def test_the_only_sae_of_a_kme_may_use_all_of_the_psrd(make_network):
    network = make_network()
    network.start()
    network.all_located("carol", "celia")
    with network.sae("carol") as carol:
        while (answer := carol.enc_keys("celia", number=128, size=256)).status == 200:
            pass
        assert answer.status == 503 and "others" not in answer.message
        assert max(network.kmes["carol"].psrd(hub)["client_pad"]["left_bytes"] for hub in network.hubs) < 16384
