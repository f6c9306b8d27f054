"""The hub's provisioner: files that are ready, whole, and never more than wanted."""

from __future__ import annotations

import json
import pathlib
import random
import shutil
import time

import pytest

import dske_wire as wire
from dske_client import DskeClient
from nodes import eventually

SMALL = {"client_bytes": 4096, "hub_bytes": 8192, "interval_seconds": 1}


class Shop:
    """The hub hank with a provisioner, and the folders that it fills."""

    def __init__(self, network):
        self.network = network
        self.hub = network.hubs["hank"]

    def start(self, **settings: object) -> Shop:
        self.hub.change_config(provisioner=settings)
        self.hub.serve()
        self.hub.wait_ready()
        return self

    def folder(self, client: str) -> pathlib.Path:
        return self.hub.state_dir / "psrd-out" / client

    def files(self, client: str) -> list[pathlib.Path]:
        return sorted(self.folder(client).glob("*.json"))

    def count(self) -> int:
        return len(self.files("carol")) + len(self.files("celia"))

    def has(self, client: str, count: int) -> None:
        eventually(lambda: len(self.files(client)) == count, f"{count} files are ready for {client}")

    def provisioner(self) -> dict:
        return self.hub.status()["provisioner"]


@pytest.fixture
def shop(make_network):
    network = make_network(["hank"], {"carol": ["carol"], "celia": ["celia"]})
    network.hubs["hank"].command("init")
    for client in ("carol", "celia"):
        network.add_client("hank", client, [client])
    return Shop(network)


def test_five_files_of_256_kib_are_ready_unless_the_configuration_says_otherwise(shop):
    shop.start()
    for client in ("carol", "celia"):
        shop.has(client, 5)
    blocks = set()
    for file in shop.files("carol"):
        block = wire.parse_psrd(file.read_bytes())
        assert file.stem == str(block.block) and block.client_name == "carol"
        assert len(block.data) == 262144
        assert file.stat().st_mode & 0o077 == 0
        blocks.add(block.block)
    assert len(blocks) == 5
    counted = {"enabled": True, "files_made": 10, "error": ""}
    eventually(lambda: shop.provisioner() == counted, "all files are counted")
    listed = json.loads(shop.hub.command("psrd", "list", "--json").stdout)["clients"][0]
    assert {block["state"] for block in listed["blocks"]} == {"ready"} and len(listed["blocks"]) == 5
    assert {block["file"] for block in listed["blocks"]} == {str(file) for file in shop.files("carol")}
    assert listed["psrd"]["blocks"] == 0  # the client has none of them


def test_a_file_that_is_taken_away_is_replaced(shop, tmp_path):
    shop.start(pool_size=2, **SMALL)
    shop.has("carol", 2)
    taken = shop.files("carol")[0]
    taken.rename(tmp_path / "taken.json")
    shop.has("carol", 2)
    assert taken not in shop.files("carol")
    time.sleep(1.5)
    assert len(shop.files("carol")) == 2
    states = [
        block["state"]
        for block in json.loads(shop.hub.command("psrd", "list", "--json").stdout)["clients"][0]["blocks"]
    ]
    assert sorted(states) == ["delivered", "ready", "ready"]


def test_a_client_that_is_added_gets_files_and_one_that_is_disabled_gets_none(shop):
    shop.start(pool_size=2, **SMALL)
    shop.has("carol", 2)
    shop.hub.command("client", "disable", "carol")
    for file in shop.files("carol"):
        file.unlink()
    shop.network.add_client("hank", "new", ["new"])
    shop.has("new", 2)
    time.sleep(1.2)
    assert shop.files("carol") == []
    shop.hub.command("client", "enable", "carol")
    shop.has("carol", 2)


def test_files_of_revoked_and_of_ingested_blocks_are_removed(shop, tmp_path):
    shop.start(pool_size=2, **SMALL)
    shop.has("carol", 2)
    revoked, copied = shop.files("carol")
    shop.hub.command("psrd", "revoke", revoked.stem)
    assert not revoked.exists()
    # A copy is carried to the client, the file stays; once the client has ingested it, it is of no use.
    client = DskeClient(shop.hub.port, wire.parse_psrd(copied.read_bytes()))
    assert client.register().status == 200
    client.close()
    eventually(lambda: not copied.exists(), "the file of the ingested block is gone")
    shop.has("carol", 2)
    # A revoked file that somebody puts back is not for delivery.
    stray = shop.folder("carol") / revoked.name
    stray.write_text("{}")
    eventually(lambda: not stray.exists(), "the stray file is gone")


@pytest.mark.parametrize("limit", ["total_bytes", "keep_free_bytes"])
def test_it_does_not_run_ahead_of_the_disk(shop, limit):
    # A file of 12 KiB of random bytes is 16 KiB and some hundred bytes.
    value = 40000 if limit == "total_bytes" else shutil.disk_usage("/").total * 2
    shop.start(pool_size=5, **{limit: value}, **SMALL)
    eventually(lambda: limit in shop.provisioner()["error"], "the status tells the cause")
    made = 2 if limit == "total_bytes" else 0
    assert shop.count() == made
    assert any(limit in warning for warning in shop.hub.status()["warnings"])
    time.sleep(2.5)
    assert shop.hub.log_text().count(limit) == 1  # said once
    assert shop.count() == made


def test_it_can_be_switched_off(shop):
    shop.start(enabled=False, **SMALL)
    time.sleep(1.5)
    assert shop.files("carol") == []
    assert shop.provisioner() == {"enabled": False, "files_made": 0, "error": ""}


def test_a_kill_leaves_no_partial_file_and_no_block_that_is_not_known(shop):
    known: set[str] = set()
    for _ in range(8):
        begun = shop.count()
        shop.start(pool_size=1000, client_bytes=262144, hub_bytes=262144, interval_seconds=1)
        eventually(lambda begun=begun: shop.count() >= begun + 2, "files are made")
        time.sleep(random.uniform(0.05, 0.4))
        shop.hub.kill()
        for file in shop.files("carol") + shop.files("celia"):
            block = wire.parse_psrd(file.read_bytes())  # checks it in full
            assert str(block.block) == file.stem
            known.add(file.stem)
    unfinished = shop.folder("carol") / f"{'0' * 8}.json.0123456789abcdef.tmp"
    unfinished.write_bytes(b"part of a file")
    shop.start(pool_size=1, **SMALL)
    assert not list(shop.folder("carol").glob("*.tmp")) and not list(shop.folder("celia").glob("*.tmp"))
    listed = json.loads(shop.hub.command("psrd", "list", "--json").stdout)["clients"]
    ready = {block["block_uuid"] for client in listed for block in client["blocks"] if block["state"] == "ready"}
    assert len(known) > 8
    assert ready >= known


def test_no_file_is_made_while_the_source_of_randomness_fails(shop, tmp_path):
    shop.hub.change_config(randomness={"source": "/dev/zero", "min_entropy_per_byte": 8})
    shop.start(pool_size=2, **SMALL)
    eventually(lambda: "repetition count test" in shop.provisioner()["error"], "the status tells the cause")
    assert shop.files("carol") == []
    assert shop.hub.terminate() == 0
    shop.hub.change_config(randomness={"source": "/dev/urandom", "min_entropy_per_byte": 8})
    shop.start(pool_size=2, **SMALL)
    shop.has("carol", 2)
