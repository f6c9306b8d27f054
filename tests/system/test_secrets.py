"""Keys and PSRD appear in no log, status, error text or process listing."""

import base64
import pathlib

import pytest

import dske_wire as wire
from nodes import plain_request


def forms(secret: bytes) -> list[bytes]:
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")]


@pytest.fixture(scope="module")
def network(make_module_network):
    return make_module_network(hubs=["hank", "helen", "hilary"], shares_required=2, kme_settings={"log_level": "debug"},
                               hub_settings={"log_level": "debug"}).start()  # fmt: skip


@pytest.fixture(scope="module")
def secrets_of(network) -> dict[str, bytes]:
    """Keys that were delivered, and windows of the PSRD that was used for them."""
    secrets = {}
    for i in range(5):
        for key_id, key in network.exchange("carol", "celia", 2).items():
            secrets[f"key {key_id}"] = key
        with network.sae("carol") as carol:
            carol.enc_keys("nobody")
            carol.enc_keys("celia", number=0)
            carol.dec_keys("celia", [next(iter(secrets)).split()[1]])
    for hub, psrd in network.psrd.items():
        for block in psrd.blocks.values():
            for zone in wire.ZONES:
                start, _ = block.zone(zone)
                for offset in range(0, 512, 32):
                    secrets[f"{zone} of {block.client_name} with {hub} at {offset}"] = block.data[
                        start + offset : start + offset + 16
                    ]
    return secrets


def absent(text: bytes, where: str, secrets: dict[str, bytes]) -> None:
    for name, secret in secrets.items():
        for form in forms(secret):
            assert form not in text, f"{name} is in {where}"


def test_logs_hold_no_secrets(network, secrets_of):
    for node in network.nodes:
        log = node.log.read_bytes()
        assert log, "debug logs say something"
        absent(log, str(node.log), secrets_of)


def test_status_and_listings_hold_no_secrets(network, secrets_of):
    for node in network.nodes:
        token = node.management.token
        for path in ("/status", "/clients"):
            target = f"/{node.management.kind}/{node.name}/mgmt/v1{path}"
            absent(plain_request(node.port + 1000, "GET", target, token=token)[2], target, secrets_of)
        done = node.command("psrd", "list", "--json")
        absent((done.stdout + done.stderr).encode(), "psrd list", secrets_of)


def restart(network, secrets_of=None) -> None:
    """Stops every node cleanly, so that write-ahead logs are folded in, and starts it again: then KMEs and hubs have
    told each other what is used."""
    for node in network.nodes:
        assert node.terminate() == 0
    if secrets_of:
        check_disks(network, secrets_of)
    for node in network.nodes:
        node.serve()
    for node in network.nodes:
        node.wait_ready()
    network.all_registered()


def check_disks(network, secrets: dict[str, bytes]) -> None:
    for node in network.nodes:
        for path in node.state_dir.rglob("*"):
            if path.is_file():
                text = path.read_bytes()
                for name, secret in secrets.items():
                    assert secret not in text, f"{name} is in {path}"


def test_delivered_keys_and_used_pads_are_wiped_from_the_disk(network, secrets_of):
    # What the master's KME sent with, and what the hubs sent with to the slave's KME.
    used = ("key ", "client_pad of carol", "hub_pad of celia")
    gone = {name: secret for name, secret in secrets_of.items() if name.startswith(used)}
    gone = {
        name: secret for name, secret in gone.items() if not name.split()[-1].isdigit() or int(name.split()[-1]) < 128
    }
    assert len(gone) > 10 + 6 * 3
    restart(network)
    network.exchange("carol", "celia")
    restart(network, gone)


def test_processes_dump_no_core_and_show_no_secrets(network):
    for node in network.nodes:
        limits = pathlib.Path(f"/proc/{node.process.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4] == "0", core
        assert node.management.token.encode() not in pathlib.Path(f"/proc/{node.process.pid}/cmdline").read_bytes()
