"""A store that is set back to an earlier state, as by a restored backup, leads to no second use of PSRD."""

import pathlib
import shutil

import pytest

import wire_check
from nodes import answers, eventually
from recording_proxy import RecordingProxy

HUBS = ["hank", "helen", "hilary"]


@pytest.fixture
def network(make_network):
    proxies = {hub: RecordingProxy() for hub in HUBS}
    network = make_network(hubs=HUBS, shares_required=2, proxies=proxies).start()
    network.all_registered()
    return network


def store_files(node) -> list[pathlib.Path]:
    return sorted(node.state_dir.glob("store.db*"))


def set_back(node, backup: pathlib.Path) -> None:
    for file in store_files(node):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, node.state_dir / file.name)


def use_between_backup_and_restore(network, node, tmp_path) -> None:
    """Stops the node, backs its store up, lets it use PSRD, and sets the store back."""
    backup = tmp_path / "backup"
    backup.mkdir()
    network.exchange("carol", "celia", 2)
    assert node.terminate() == 0
    for file in store_files(node):
        shutil.copy(file, backup / file.name)
    node.serve()
    node.wait_ready()
    network.all_registered()
    for _ in range(5):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    assert node.terminate() == 0
    set_back(node, backup)
    node.serve()


def give_psrd(network, hubs, kmes) -> None:
    for hub in hubs:
        for kme in kmes:
            network.kmes[kme].command("ingest-psrd", network.assign(hub, kme))


def test_a_kme_whose_store_was_set_back_drops_what_it_had_opened(network, tmp_path):
    carol = network.kmes["carol"]
    use_between_backup_and_restore(network, carol, tmp_path)
    eventually(lambda: answers(carol.port + 1000, "/healthz"), "carol serves")
    assert all(hub["psrd"]["blocks"] == 0 for hub in carol.status()["hubs"]), "opened blocks are dropped"
    assert not carol.management.ready()
    give_psrd(network, HUBS, ["carol"])
    carol.wait_ready()
    network.all_registered()
    for _ in range(3):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    for proxy in network.proxies.values():
        wire_check.check_proxy(proxy)


def test_a_hub_whose_store_was_set_back_drops_what_it_had_opened(network, tmp_path):
    hank = network.hubs["hank"]
    use_between_backup_and_restore(network, hank, tmp_path)
    hank.wait_ready()
    # The other two hubs go on meanwhile.
    network.exchange("carol", "celia", 2)
    give_psrd(network, ["hank"], network.kmes)
    network.all_registered()
    before = len(network.proxies["hank"].recorded("POST", "/key-share"))
    for _ in range(3):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    assert len(network.proxies["hank"].recorded("POST", "/key-share")) > before
    for proxy in network.proxies.values():
        wire_check.check_proxy(proxy)
