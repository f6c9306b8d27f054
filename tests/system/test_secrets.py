"""Keys and PSRD appear in no log, status, error text or process listing."""

import base64
import os
import pathlib
import resource
import signal
import subprocess

import pytest

import dske_wire as wire
from nodes import answers, eventually, plain_request


def forms(secret: bytes) -> list[bytes]:
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")]


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(
        shares_required=2, kme_settings={"log_level": "debug"}, hub_settings={"log_level": "debug"}
    ).start()
    network.all_located("carol", "celia")
    return network


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
            if not path.is_file():
                continue
            try:
                text = path.read_bytes()
            except FileNotFoundError:  # a temporary file of a node that runs
                continue
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


def node_key(node) -> bytes:
    return base64.b64decode((node.state_dir / "node.key").read_text())


def test_on_disk_secrets_are_sealed(network, secrets_of):
    """Also those that are not used yet: bundles that wait at a hub or are held at a KME, PSRD to the end of its zones."""
    with network.sae("carol") as carol:
        held = carol.enc_keys("celia", number=3).keys
    with network.sae("celia") as celia:
        celia.dec_keys("carol", [next(iter(held))])  # the two others are held at the slave's KME
    secrets = dict(secrets_of) | {f"key {key_id}": key for key_id, key in held.items()}
    for hub, psrd in network.psrd.items():
        for block in psrd.blocks.values():
            for zone in wire.ZONES:
                start, end = block.zone(zone)
                for offset in range(0, end - start - 16, (end - start) // 16):
                    at = start + offset
                    secrets[f"{zone} of {block.client_name} with {hub} at {offset}"] = block.data[at : at + 16]
    for node in network.nodes:
        check_disks(network, secrets | {f"node key of {node.name}": node_key(node)})


def test_a_node_key_is_in_no_log(network):
    for node in network.nodes:
        absent(node.log.read_bytes(), str(node.log), {"node key": node_key(node)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lock memory without limit")
def test_memory_is_locked_against_swapping(network):
    for node in network.nodes:
        lines = pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmLck", "VmRSS", "VmSwap"))}
        assert sizes["VmLck"] >= sizes["VmRSS"] > 0
        assert sizes["VmSwap"] == 0


def dump_cores_on(number: int) -> None:
    # Whoever started the tests in the background may have had this signal ignored.
    signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)


def end_by(command: list[str], directory: pathlib.Path, number: int, begun) -> int:
    """Starts it with unlimited core dumps, sends the signal when `begun()`, and answers how it ended."""
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: dump_cores_on(number),
    )  # fmt: skip
    eventually(begun, f"{command[0]} runs")
    os.kill(process.pid, number)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    return status


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT])
def test_a_crash_leaves_no_core(make_network, tmp_path, number):
    network = make_network(hubs=["hank", "helen"])
    network.provision()
    control = end_by(["sleep", "60"], tmp_path, number, lambda: True)
    for path in tmp_path.glob("core*"):
        path.unlink()
    for node in (network.hubs["hank"], network.kmes["carol"]):
        began = node.management
        status = end_by(
            [node.binary, "serve", "--config", str(node.config)], tmp_path, number,
            lambda: answers(began.port, "/healthz"),
        )  # fmt: skip
        assert not os.WCOREDUMP(status)
        assert not list(tmp_path.glob("core*"))
    if not os.WCOREDUMP(control):
        pytest.skip("this system dumps no cores at all")


def writable_memory(pid: int) -> bytes:
    """All that the process can have written and that is in memory."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if "w" not in rights or "[v" in line:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            memory.seek(begin)
            try:
                parts.append(memory.read(end - begin))
            except OSError:  # guard pages
                continue
    return b"\0".join(parts)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read another process's memory")
def test_used_psrd_and_delivered_keys_are_gone_from_memory(make_network):
    network = make_network(shares_required=2).start()
    delivered = network.all_located("carol", "celia")
    for _ in range(3):
        delivered |= network.exchange("carol", "celia", 2)
    gone = {f"key {key_id}": key for key_id, key in delivered.items()}
    for hub, psrd in network.psrd.items():
        for block in psrd.blocks.values():
            # What a client sends with first is its polling key, which is in use for an hour.
            spans = {"client_authenticator": (32, 128), "hub_authenticator": (0, 96)}
            spans["client_pad" if block.client_name == "carol" else "hub_pad"] = (0, 128)
            for zone, (first, last) in spans.items():
                start, _ = block.zone(zone)
                for at in range(start + first, start + last, 16):
                    gone[f"{zone} of {block.client_name} with {hub} at {at - start}"] = block.data[at : at + 16]
    for _ in range(20):  # what libraries keep in their buffers is written over by what comes next
        network.exchange("carol", "celia", 3)
    for node in network.nodes:
        memory = writable_memory(node.process.pid)
        assert node_key(node) in memory, "what is in use is found in this way"
        found = [name for name, secret in gone.items() if any(form in memory for form in forms(secret))]
        assert not found, f"in the memory of {node.name}: {', '.join(found)}"
