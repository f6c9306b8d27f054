"""The courier of a topology: PSRD comes by itself as it is used, and not otherwise."""

import json
import os
import pathlib
import signal
import time

import pytest

from nodes import MANAGER, eventually, run
from topology import process_runs

PSRD = {"client_bytes": 16384, "hub_bytes": 16384}
MARK = 3


@pytest.fixture
def network(make_topology):
    return make_topology(
        key_store={"enabled": False},  # each key costs the same
        hubs=["hank", "helen"], clients={"carol": None, "celia": None}, psrd=PSRD,
        courier={"high_mark_blocks": MARK, "interval_seconds": 1},
    )  # fmt: skip


def courier(network) -> dict:
    return json.loads(run(MANAGER, "--json", network.file, "status", code=None).stdout)["courier"]


def kill_courier(network) -> None:
    pid = courier(network)["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not process_runs(pid), "the courier is gone")


def zones(psrd: dict) -> list[int]:
    return [psrd[zone]["left_bytes"] for zone in ("client_authenticator", "client_pad", "hub_authenticator", "hub_pad")]


def full(network) -> bool:
    """Whether every KME has about as many whole blocks of each hub as the high mark says."""
    sizes = [4096, 12288, 4096, 12288]
    return all(
        left > (MARK - 1) * size
        for client in network.clients
        for hub in network.management(client).status()["hubs"]
        for left, size in zip(zones(hub["psrd"]), sizes, strict=True)
    )


def wait_full(network, what: str = "all KMEs are at the high mark") -> None:
    eventually(lambda: full(network), what, 30)


def ready(network, hub: str, client: str) -> set[str]:
    """The ids of the blocks whose files wait for the client at the hub."""
    return {path.stem for path in (network.run / "hub" / hub / "psrd-out" / client).glob("*.json")}


def filled_up(network) -> bool:
    """Whether every hub has two files for every client, as many as it makes, and its log tells of them all."""
    return all(
        len(files := ready(network, hub, client)) == 2 and all(block in network.log_text(hub) for block in files)
        for hub in network.hubs
        for client in network.clients
    )


def made(network) -> dict[str, int]:
    """How many blocks each hub has ever made, as its log says."""
    return {hub: network.log_text(hub).count("PSRD block") for hub in network.hubs}


def ingested(network, client: str) -> list[str]:
    """The ids of the blocks that the client has ingested, as its log says."""
    lines = [line for line in network.log_text(client).splitlines() if "ingested PSRD block" in line]
    return [line.split("ingested PSRD block ")[1].split()[0] for line in lines]


def test_keys_go_on_without_provision(network):
    network.start()
    assert courier(network)["state"] == "running"
    wait_full(network)
    before = len(ingested(network, "celia"))
    # A block's authenticator zone is good for 128 messages, a key on demand takes the slave's KME two of them, at each
    # hub: what was there at first is used up after half of these.
    with network.sae("carol") as carol, network.sae("celia") as celia:
        for _ in range(400):
            keys = carol.enc_keys("celia").keys
            assert celia.dec_keys("carol", list(keys)).keys == keys
            time.sleep(0.03)
    assert len(ingested(network, "celia")) >= before + 2 * 3
    wait_full(network, "the levels are up again")


def test_an_idle_network_makes_no_further_data(network):
    network.start()
    wait_full(network)
    eventually(lambda: filled_up(network), "the hubs have filled up what was taken last", 30)
    blocks = made(network)
    time.sleep(5)
    assert made(network) == blocks
    for client in network.clients:
        for hub in network.management(client).status()["hubs"]:
            assert hub["psrd"]["blocks"] == MARK


def test_a_killed_courier_loses_and_doubles_nothing(network):
    network.start()
    with network.sae("carol") as carol, network.sae("celia") as celia:
        for i in range(12):
            eventually(lambda: courier(network)["state"] == "running", "the courier runs")
            for _ in range(20):
                keys = carol.enc_keys("celia").keys
                assert celia.dec_keys("carol", list(keys)).keys == keys
            time.sleep(0.15 * (i % 7))
            kill_courier(network)
            assert courier(network) == {"state": "dead", "pid": None}
            network.manager("start")
    wait_full(network, "the levels are up again")
    network.manager("stop")
    for client in network.clients:
        blocks = ingested(network, client)
        assert len(blocks) == len(set(blocks)), "a block was ingested twice"
        assert "refused" not in network.log_text(client)
        assert not list((network.run / "kme" / client / "psrd-in").iterdir())
        # Every block that a hub made is ingested, or its file still lies ready.
        for hub in network.hubs:
            files = ready(network, hub, client)
            assert files.isdisjoint(blocks)
            told = [line for line in network.log_text(hub).splitlines() if f"made for client {client}" in line]
            of_hub = {line.split("PSRD block ")[1].split()[0] for line in told}
            assert of_hub - files <= set(blocks)


def test_a_kme_that_is_down_is_brought_nothing(network):
    network.start()
    wait_full(network)
    network.kill("celia")
    inbox = network.run / "kme" / "celia" / "psrd-in"
    time.sleep(3)
    assert not list(inbox.iterdir())
    assert courier(network)["state"] == "running"
    network.manager("start")
    network.exchange("carol", "celia")


def test_the_courier_is_small_and_ends_with_the_network(network):
    network.start()
    wait_full(network)
    pid = courier(network)["pid"]
    # What it has for itself; the libraries are in memory for the nodes anyway.
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))
    if "asan" not in str(MANAGER) and "tsan" not in str(MANAGER):
        assert own < 10 * 1024, f"{own} KiB"
    table = network.manager("status").stdout
    assert f"COURIER  running  pid {pid}" in table
    assert "begins its rounds" in network.manager("logs", "courier").stdout
    network.manager("stop")
    assert not process_runs(pid)
    assert courier(network) == {"state": "stopped", "pid": None}


def test_without_a_courier_there_is_none(make_topology):
    plain = make_topology(hubs=["hank", "helen"], clients={"carol": None, "celia": None})
    plain.start()
    assert courier(plain) == {"state": "none", "pid": None}
    done = plain.manager("courier", code=1)
    assert "has no courier" in done.stderr
    assert not list((plain.run / "hub" / "hank").glob("psrd-out/*/*"))
