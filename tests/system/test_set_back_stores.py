"""A store that is set back to an earlier state, as by a restored backup, leads to no second use of PSRD."""

import pathlib
import shutil
import time

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


def peers(node) -> list[dict]:
    return node.status()["hubs" if node.kind == "kme" else "clients"]


def blocks_left(node) -> int:
    return sum(peer["psrd"]["blocks"] for peer in peers(node))


def wait_for_peers(network, node) -> None:
    """Waits until the node serves and has loaded what it knows of the others, which it lists only then."""
    count = len(network.hubs if node.kind == "kme" else network.kmes)
    eventually(lambda: answers(node.port + 1000, "/healthz"), f"{node.name} serves")
    eventually(lambda: len(peers(node)) == count, f"{node.name} knows its peers")


def give_psrd(network, hubs, kmes) -> None:
    for hub in hubs:
        for kme in kmes:
            network.kmes[kme].command("ingest-psrd", network.assign(hub, kme))


def test_a_kme_whose_store_was_set_back_drops_what_it_had_opened(network, tmp_path):
    carol = network.kmes["carol"]
    use_between_backup_and_restore(network, carol, tmp_path)
    wait_for_peers(network, carol)
    assert blocks_left(carol) == 0, "opened blocks are dropped"
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


# --- more than the database ----------------------------------------------------------------------------------------------


def copy_state(node, target: pathlib.Path, names: list[str] | None = None) -> None:
    """All of a stopped node's state directory, or what is named of it, as a backup does: new files of the old names and contents."""
    shutil.copytree(node.state_dir, target, symlinks=True, ignore=None if names is None else others_than(node, names))


def others_than(node, names: list[str]):
    return lambda directory, entries: [
        entry for entry in entries if pathlib.Path(directory) == node.state_dir and entry not in names
    ]


def restore_state(node, backup: pathlib.Path) -> None:
    for entry in backup.iterdir():
        target = node.state_dir / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        elif target.exists():
            target.unlink()
        if entry.is_dir():
            shutil.copytree(entry, target)
        else:
            shutil.copy2(entry, target)


def back_up_and_restore(network, nodes, tmp_path, names: list[str] | None = None) -> None:
    """Stops the nodes, backs them up, lets them use PSRD, restores them, and starts them."""
    network.exchange("carol", "celia", 2)
    for node in nodes:
        assert node.terminate() == 0
    for node in nodes:
        copy_state(node, tmp_path / f"backup-{node.name}", names)
        node.serve()
    for node in nodes:
        node.wait_ready()
    network.all_registered()
    for _ in range(5):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    for node in nodes:
        node.kill()
        restore_state(node, tmp_path / f"backup-{node.name}")
    for node in nodes:
        node.serve()
    for node in nodes:
        wait_for_peers(network, node)


def goes_on_with_new_psrd(network, hubs, kmes) -> None:
    give_psrd(network, hubs, kmes)
    network.all_registered()
    for _ in range(3):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    for proxy in network.proxies.values():
        wire_check.check_proxy(proxy)


WAYS_TO_SET_BACK = [("everything", None), ("the marker alone", ["store.marker"])]


@pytest.mark.parametrize("names", [names for _, names in WAYS_TO_SET_BACK], ids=[what for what, _ in WAYS_TO_SET_BACK])
@pytest.mark.parametrize("who", ["carol", "hank"])
def test_a_state_directory_from_a_backup_is_known_as_a_copy(network, tmp_path, who, names):
    """With its marker: nothing in it tells that time has passed, but the marker's own file was made later than it says."""
    node = network.kmes.get(who) or network.hubs[who]
    before = len(node.log_text())
    back_up_and_restore(network, [node], tmp_path, names)
    assert blocks_left(node) == 0, "all that may have been used since is dropped"
    told = node.log_text()[before:]
    assert "may have been used since and was dropped" in told and "is a copy" in told
    if node.kind == "kme":
        assert not node.management.ready()
    goes_on_with_new_psrd(network, HUBS if node.kind == "kme" else [who], [who] if node.kind == "kme" else network.kmes)


def test_backups_of_everybody_at_once_lead_to_no_second_use(network, tmp_path):
    """Nobody is left who would know better."""
    back_up_and_restore(network, network.nodes, tmp_path)
    assert all(blocks_left(node) == 0 for node in network.nodes)
    goes_on_with_new_psrd(network, HUBS, network.kmes)


@pytest.mark.parametrize("who", ["carol", "hank"])
def test_block_files_from_a_backup_change_nothing(network, tmp_path, who):
    """The positions are in the database: what is used is not used again though its bytes are back."""
    node = network.kmes.get(who) or network.hubs[who]
    left = blocks_left(node)
    back_up_and_restore(network, [node], tmp_path, ["psrd"])
    node.wait_ready()
    assert blocks_left(node) == left
    network.all_registered()
    for _ in range(3):
        network.exchange("carol", "celia", 2)
        network.exchange("celia", "carol", 2)
    for proxy in network.proxies.values():
        wire_check.check_proxy(proxy)


def test_a_copy_that_is_killed_while_it_drops_drops_all_the_same(network, tmp_path):
    carol = network.kmes["carol"]
    network.exchange("carol", "celia", 2)
    assert carol.terminate() == 0
    copy_state(carol, tmp_path / "backup")
    carol.serve()
    carol.wait_ready()
    network.exchange("carol", "celia", 2)
    carol.kill()
    restore_state(carol, tmp_path / "backup")
    for delay in (0.0, 0.005, 0.01, 0.02):
        carol.serve()
        time.sleep(delay)
        carol.kill()
    carol.serve()
    wait_for_peers(network, carol)
    assert blocks_left(carol) == 0
    goes_on_with_new_psrd(network, HUBS, ["carol"])
