"""What lies sealed on a node's disk is damaged: the node says so, uses nothing of it, and goes on with the rest."""

import pytest

from nodes import eventually

HUBS = ["hank", "helen", "hilary"]


def block_file(node, number: int = 0):
    return sorted((node.state_dir / "psrd").glob("*.psrd"))[number]


def damage(file, offset: int = 0, size: int | None = None) -> None:
    """Turns over every bit of a part."""
    with file.open("r+b") as opened:
        opened.seek(offset)
        content = opened.read(size if size is not None else -1)
        opened.seek(offset)
        opened.write(bytes(byte ^ 0xFF for byte in content))


@pytest.fixture
def network(make_network):
    return make_network(HUBS, shares_required=2).start()


def test_a_kme_goes_on_with_other_hubs_when_its_psrd_of_one_is_damaged(network):
    carol = network.kmes["carol"]
    network.all_registered()
    network.exchange("carol", "celia")
    carol.terminate()
    # One file holds the block of one hub; it is whole in size, and nothing in it opens.
    damaged = block_file(carol)
    damage(damaged)
    carol.serve()
    eventually(lambda: "is damaged, it is not used any more" in carol.log_text(), "the damage is told")
    assert damaged.stem in carol.log_text()
    carol.wait_ready()
    for _ in range(5):
        network.exchange("carol", "celia", 3)


def test_with_too_much_damage_keys_are_refused_and_no_wrong_one_is_given(network):
    carol = network.kmes["carol"]
    network.all_registered()
    carol.terminate()
    for number in range(2):
        damage(block_file(carol, number))
    carol.serve()
    eventually(lambda: carol.log_text().count("is damaged, it is not used any more") >= 2, "the damage is told")
    with network.sae("carol") as encryptor:
        answer = encryptor.enc_keys("celia")
    assert answer.status == 503
    assert answer.message


def test_a_hub_whose_bytes_of_a_client_are_damaged_says_so_and_the_others_carry_the_keys(network):
    hank = network.hubs["hank"]
    network.all_registered()
    hank.terminate()
    for number in range(2):
        damage(block_file(hank, number))
    hank.serve()
    for _ in range(3):
        network.exchange("carol", "celia")
    eventually(lambda: "could not be read" in hank.log_text() or "is damaged" in hank.log_text(), "the damage is told")


def test_a_lost_block_file_is_told_and_the_node_starts_without_it(network):
    carol = network.kmes["carol"]
    network.all_registered()
    carol.terminate()
    lost = block_file(carol)
    lost.unlink()
    carol.serve()
    carol.wait_ready()
    assert f"PSRD block {lost.stem} is lost" in carol.log_text()
    network.exchange("carol", "celia", 3)


def test_another_node_key_is_refused_at_the_start_and_changes_nothing(network):
    carol = network.kmes["carol"]
    network.all_registered()
    carol.terminate()
    key = carol.state_dir / "node.key"
    right = key.read_bytes()
    key.write_bytes(b"A" * 43 + b"=\n")
    carol.serve()
    eventually(lambda: not carol.process.running, "it ends")
    assert "node key" in carol.log_text().splitlines()[-1]
    key.write_bytes(right)
    carol.serve()
    carol.wait_ready()
    network.all_registered()
    network.exchange("carol", "celia")
