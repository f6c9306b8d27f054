"""dske-manager as its user meets it."""

import json
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
import yaml

from conftest import HUBS, ODD_SAES
from nodes import MANAGER, PATIENCE, REPOSITORY, eventually, one_line_error, run, steady
from processes import stand_still
from topology import process_runs


@pytest.fixture
def two_plus_two(make_topology):
    return make_topology(hubs=["hank", "helen"]).start()


def states(topology) -> dict[str, str]:
    return {node["name"]: node["state"] for node in topology.status()}


# --- start -----------------------------------------------------------------------------------------------------------


def test_start_says_what_it_does_and_everything_is_ready(make_topology):
    topology = make_topology()
    done = topology.manager("start")
    lines = done.stdout.splitlines()
    for node in topology.hubs:
        assert f"Starting hub {node} on port {topology.port(node)}" in lines
    for node in topology.clients:
        assert f"Starting client {node} on port {topology.port(node)}" in lines
    assert not done.stderr
    assert set(states(topology).values()) == {"ready"}
    for name in [*topology.hubs, *topology.clients]:
        eventually(lambda name=name: topology.ready(name), f"{name} says that it is ready")
    topology.all_registered()
    topology.exchange("carol", "celia")


def test_the_example_is_ready_within_3_seconds_and_gives_a_key(tmp_path, make_topology):
    """The example of the documentation, unchanged but for its ports."""
    example = yaml.safe_load((REPOSITORY / "examples" / "topology.yaml").read_text())
    taken = []
    # Twice the goal, and thrice the chance: the machine may be busy with other tests.
    while not taken or (min(taken) >= 6 * PATIENCE and len(taken) < 3):
        topology = make_topology(hubs=[hub["name"] for hub in example["hubs"]],
                                 clients={client["name"]: None for client in example["clients"]},
                                 courier=example["courier"])  # fmt: skip
        began = time.monotonic()
        topology.manager("start")
        taken.append(time.monotonic() - began)
        assert len(topology.pids()) == 10
    assert min(taken) < 6 * PATIENCE, taken
    topology.all_registered()
    done = topology.manager("etsi-qkd", "carol", "celia", "get-key-pair")
    assert "Key values match" in done.stdout


def test_a_second_start_starts_only_what_is_not_running(two_plus_two):
    before = two_plus_two.pids()
    again = two_plus_two.manager("start")
    assert two_plus_two.pids() == before
    assert "already running" in again.stdout
    two_plus_two.kill("helen")
    assert states(two_plus_two)["helen"] == "dead"
    done = two_plus_two.manager("start")
    assert "Starting hub helen" in done.stdout and "Starting hub hank" not in done.stdout
    after = two_plus_two.pids()
    assert after.pop("helen") != before.pop("helen")
    assert after == before
    assert set(states(two_plus_two).values()) == {"ready"}
    two_plus_two.exchange("carol", "celia")


def test_a_taken_port_is_told_and_the_rest_is_started(make_topology):
    topology = make_topology(hubs=["hank", "helen", "hilary"], shares_required=2)
    with socket.create_server(("127.0.0.1", topology.port("helen"))):
        done = topology.manager("start", code=1)
        assert "helen" in done.stderr and str(topology.port("helen")) in done.stderr
        assert states(topology)["hank"] == "ready"
    topology.manager("start")
    assert set(states(topology).values()) == {"ready"}


def test_a_taken_management_port_is_told(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    with socket.create_server(("127.0.0.1", topology.port("carol") + 1000)):
        done = topology.manager("start", code=1)
        assert "carol" in done.stderr and str(topology.port("carol") + 1000) in done.stderr


def test_only_some_nodes_are_started_and_stopped(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    topology.command(["--hub", "hank", "--hub", "helen", "--client", "celia"], "start")
    assert states(topology) == {"hank": "ready", "helen": "ready", "carol": "stopped", "celia": "ready"}
    topology.command(["--client", "celia"], "stop")
    assert states(topology)["celia"] == "stopped" and states(topology)["hank"] == "ready"
    topology.manager("start")
    topology.exchange("carol", "celia")


def test_an_unknown_node_is_refused(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    one_line_error(topology.command(["--hub", "nobody"], "start", code=1), "nobody")
    one_line_error(topology.command(["--client", "hank"], "status", code=1), "hank")
    one_line_error(topology.manager("logs", "hub/nobody", code=1), "nobody")
    one_line_error(topology.manager("provision", "nobody", code=1), "nobody")
    assert not topology.pids()


def test_a_run_directory_of_another_topology_is_refused(two_plus_two, tmp_path):
    other = yaml.safe_load(two_plus_two.file.read_text())
    other["hubs"] = [{"name": "xaver"}, {"name": "yvonne"}]
    other["clients"] = [{"name": "zoe"}]
    file = two_plus_two.directory / "other.yaml"
    file.write_text(yaml.safe_dump(other))
    before = two_plus_two.pids()
    done = run(MANAGER, file, "start", code=1)
    one_line_error(done, str(two_plus_two.run))
    assert two_plus_two.pids() == before
    done = run(MANAGER, file, "stop", code=1)
    assert two_plus_two.pids() == before


def test_nodes_may_be_added_and_keep_their_ports(two_plus_two):
    ports = {node["name"]: node["url"] for node in two_plus_two.status()}
    value = yaml.safe_load(two_plus_two.file.read_text())
    value["hubs"].insert(0, {"name": "abel"})
    two_plus_two.file.write_text(yaml.safe_dump(value, sort_keys=False))
    two_plus_two.manager("start", code=None)
    after = {node["name"]: node["url"] for node in two_plus_two.status()}
    assert {name: after[name] for name in ports} == ports
    assert after["abel"] not in ports.values()
    assert states(two_plus_two)["abel"] == "ready"
    two_plus_two.manager("restart")
    assert set(states(two_plus_two).values()) == {"ready"}
    two_plus_two.exchange("carol", "celia")
    assert {node["name"]: node["url"] for node in two_plus_two.status()} == after


def test_two_managers_at_once_do_not_tread_on_each_other(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    both = [
        subprocess.Popen([MANAGER, str(topology.file), "start"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] == 0 and codes[1] in (0, 1), outputs
    assert set(states(topology).values()) == {"ready"}
    topology.exchange("carol", "celia")


def test_idle_nodes_take_little(make_topology):
    """Under 25 MB of resident memory and 1 % of a core each."""
    topology = make_topology(
        hubs=HUBS, clients={name: None for name in ("carol", "celia", "cindy", "connie", "curtis")}
    )
    topology.start()
    topology.all_registered()
    topology.exchange("carol", "celia", 5)
    pids = topology.pids()

    def processor_seconds() -> dict[str, float]:
        seconds = {}
        for name, pid in pids.items():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return seconds

    shares = dict.fromkeys(pids, 1.0)
    for _ in range(3):  # what the start left to do may take some of the first
        before, began = processor_seconds(), time.monotonic()
        time.sleep(4)  # idleness is what is measured
        taken = time.monotonic() - began
        for name, seconds in processor_seconds().items():
            shares[name] = min(shares[name], (seconds - before[name] - 0.01) / taken)
        if max(shares.values()) <= 0.01 * PATIENCE:
            break
    assert max(shares.values()) <= 0.01 * PATIENCE, shares
    for name, pid in pids.items():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        kilobytes = int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        most = 25 if PATIENCE == 1 else 250  # sanitizers take memory of their own
        assert kilobytes < most * 1024, f"{name}: {kilobytes} KiB"


# --- stop ------------------------------------------------------------------------------------------------------------


def test_stop_ends_every_process_clients_first(two_plus_two):
    pids = two_plus_two.pids()
    done = two_plus_two.manager("stop")
    stopped = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("Stopping")]
    assert stopped == ["celia", "carol", "helen", "hank"]
    assert not any(process_runs(pid) for pid in pids.values())
    assert set(states(two_plus_two).values()) == {"stopped"}
    assert not done.stderr
    again = two_plus_two.manager("stop")
    assert again.returncode == 0


def test_stop_and_start_keep_the_levels(two_plus_two):
    two_plus_two.exchange("carol", "celia", 2)

    def levels() -> dict:
        return {
            (node["name"], peer.get("hub") or peer.get("client"), zone): peer[zone]["left_bytes"]
            for node in two_plus_two.status()
            for peer in node["psrd"]
            for zone in ("client_pad", "hub_pad")
        }

    def confirmed() -> bool:
        return all(two_plus_two.management(hub).status()["waiting_bundles"] == 0 for hub in two_plus_two.hubs)

    eventually(confirmed, "everything is confirmed", 60)
    before = steady(levels, "the levels")
    two_plus_two.manager("stop")
    two_plus_two.manager("start")
    assert steady(levels, "the levels") == before


def test_a_node_that_hangs_is_killed(two_plus_two):
    pid = two_plus_two.pids()["helen"]
    stand_still(pid)
    assert states(two_plus_two)["helen"] == "not answering"
    done = two_plus_two.command(["--hub", "helen"], "stop", code=None)
    assert "helen" in done.stderr and "killed" in done.stderr
    assert not process_runs(pid)


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(two_plus_two):
    """The recorded pid is checked with its start time before a signal is sent."""
    two_plus_two.kill("helen")
    (pid_file,) = [path for path in (two_plus_two.run / "pid").iterdir() if path.name == "hub-helen"]
    recorded = pid_file.read_text()
    old = re.search(r"\d+", recorded).group()
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text(recorded.replace(old, str(innocent.pid), 1))
        assert states(two_plus_two)["helen"] in ("dead", "stopped")
        two_plus_two.manager("stop")
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_restart_replaces_every_process(two_plus_two):
    before = two_plus_two.pids()
    two_plus_two.manager("restart")
    after = two_plus_two.pids()
    assert set(after) == set(before) and not set(after.values()) & set(before.values())
    two_plus_two.exchange("carol", "celia")


# --- status ----------------------------------------------------------------------------------------------------------


def test_status_as_json(two_plus_two):
    two_plus_two.exchange("carol", "celia")
    nodes = two_plus_two.status()
    assert [(node["type"], node["name"]) for node in nodes] == [
        ("hub", "hank"), ("hub", "helen"), ("client", "carol"), ("client", "celia"),
    ]  # fmt: skip
    for node in nodes:
        name = node["name"]
        assert node["state"] == "ready"
        assert process_runs(node["pid"])
        assert (
            f"/{'dske-hub' if node['type'] == 'hub' else 'dske-kme'}"
            in pathlib.Path(f"/proc/{node['pid']}/cmdline").read_text()
        )
        scheme = "http" if node["type"] == "hub" else "https"
        assert node["url"] == f"{scheme}://127.0.0.1:{two_plus_two.port(name)}"
        assert node["mgmt_url"] == f"http://127.0.0.1:{two_plus_two.port(name) + 1000}"
        assert node["uptime_seconds"] >= 0
        assert node["warnings"] == []
        assert len(node["psrd"]) == 2
        for peer in node["psrd"]:
            assert 50 < peer["level_percent"] <= 100
            assert 0 < peer["client_pad"]["left_bytes"] <= peer["client_pad"]["total_bytes"]


def test_status_as_a_table(two_plus_two):
    done = two_plus_two.manager("status")
    for name in (*two_plus_two.hubs, *two_plus_two.clients):
        (line,) = [
            line for line in done.stdout.splitlines() if re.search(rf"\b{name}\b.*\b{two_plus_two.port(name)}\b", line)
        ]
        assert "ready" in line and str(two_plus_two.pids()[name]) in line
    assert "\x1b" not in done.stdout, "no colours in a pipe"
    assert "%" in done.stdout


def test_status_of_some_nodes(two_plus_two):
    done = two_plus_two.command(["--json", "--client", "celia"], "status")
    assert [node["name"] for node in json.loads(done.stdout)["nodes"]] == ["celia"]


def test_status_shows_a_dead_node(two_plus_two):
    two_plus_two.kill("hank")
    nodes = {node["name"]: node for node in two_plus_two.status()}
    assert nodes["hank"]["state"] == "dead" and nodes["hank"]["pid"] is None
    assert nodes["helen"]["state"] == "ready"
    table = two_plus_two.manager("status", code=None).stdout
    # Further lines may warn that the clients cannot reach it.
    lines = [line for line in table.splitlines() if re.search(rf"\bhank\b.*\b{two_plus_two.port('hank')}\b", line)]
    assert "dead" in lines[0]


def test_status_before_the_first_start(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    assert set(states(topology).values()) == {"stopped"}
    assert not topology.run.exists()


def test_status_watch_goes_on_until_it_is_ended(two_plus_two):
    watch = subprocess.Popen([MANAGER, str(two_plus_two.file), "status", "--watch"], stdout=subprocess.PIPE, text=True)
    try:
        seen = 0
        while seen < 2:
            seen += "hank" in watch.stdout.readline() and 1
    finally:
        watch.terminate()
        watch.wait(10)
        watch.stdout.close()


# --- etsi-qkd --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, number, size", [([], 1, 32), (["--number", "3"], 3, 32), (["--number", "2", "--size", "128"], 2, 16)]
)
def test_get_key_pair_matches(town, options, number, size):
    done = town.manager("etsi-qkd", "carol", "serena", "get-key-pair", *options)
    assert done.stdout.rstrip().endswith("Key values match")
    keys = re.findall(r'"key": "([A-Za-z0-9+/=]+)"', done.stdout)
    assert len(keys) == 2 * number and len(set(keys)) == number and all(len(key) == -(-size // 3) * 4 for key in keys)


def test_get_key_and_get_key_with_key_ids(town):
    done = town.manager("etsi-qkd", "carol", "serena", "get-key")
    (key_id,) = re.findall(r'"key_ID": "([^"]+)"', done.stdout)
    (key,) = re.findall(r'"key": "([^"]+)"', done.stdout)
    assert "/api/v1/keys/serena/enc_keys" in done.stdout
    done = town.manager("etsi-qkd", "carol", "serena", "get-key-with-key-ids", key_id)
    assert re.findall(r'"key": "([^"]+)"', done.stdout) == [key]
    done = town.manager("etsi-qkd", "carol", "serena", "get-key-with-key-ids", key_id, code=1)
    assert "one or more keys specified are not found on KME" in done.stderr


@pytest.mark.parametrize("name", ["get-status", "status"])
def test_get_status(town, name):
    done = town.manager("etsi-qkd", "carol", "serena", name)
    for field in ("source_KME_ID", "target_KME_ID", "max_key_per_request", "max_SAE_ID_count"):
        assert f'"{field}"' in done.stdout


@pytest.mark.parametrize("odd", ODD_SAES)
def test_odd_sae_ids_work_from_the_command_line(town, odd):
    assert "Key values match" in town.manager("etsi-qkd", odd, "carol", "get-key-pair").stdout
    assert "Key values match" in town.manager("etsi-qkd", "carol", odd, "get-key-pair").stdout


@pytest.mark.parametrize(
    "arguments, code, mentioned",
    [
        (["nobody", "serena", "get-key"], 1, "nobody"),
        (["carol", "nobody", "get-key"], 1, "nobody"),
        (["carol", "serena", "get-key", "--size", "7"], 1, "multiple of 8"),
        (["carol", "serena", "get-key", "--number", "100000"], 1, "number"),
        (["carol", "serena", "get-key", "--number", "x"], 2, "x"),
        (["carol", "serena", "get-key-with-key-ids"], 2, ""),
        (["carol", "serena", "get-key-with-key-ids", "x"], 1, "x"),
        (["carol", "serena", "dance"], 2, "dance"),
        (["carol", "serena"], 2, ""),
        (["carol"], 2, ""),
    ],
)
def test_wrong_calls_of_etsi_qkd(town, arguments, code, mentioned):
    done = town.manager("etsi-qkd", *arguments, code=code)
    assert mentioned in one_line_error(done)


def test_a_kme_that_does_not_run_is_told(make_topology):
    topology = make_topology(hubs=["hank", "helen"]).start()
    topology.command(["--client", "carol"], "stop")
    done = topology.manager("etsi-qkd", "carol", "celia", "get-key", code=1)
    one_line_error(done, "carol")


# --- provision, pki, logs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", ["client/carol", "carol"])
def test_provision_adds_psrd_while_the_network_runs(two_plus_two, node):
    def blocks() -> dict[str, int]:
        hubs = two_plus_two.management("carol").status()["hubs"]
        return {hub["name"]: hub["psrd"]["blocks"] for hub in hubs}

    before = blocks()
    two_plus_two.manager("provision", node)
    eventually(lambda: blocks() == {name: count + 1 for name, count in before.items()}, "a block more of each hub")
    two_plus_two.exchange("carol", "celia", 5)


def test_provision_of_a_hub_reaches_all_its_clients(two_plus_two):
    def count(client: str) -> int:
        hubs = two_plus_two.management(client).status()["hubs"]
        return next(hub["psrd"]["blocks"] for hub in hubs if hub["name"] == "hank")

    before = {client: count(client) for client in two_plus_two.clients}
    two_plus_two.manager("provision", "hub/hank", "--client-bytes", "65536", "--hub-bytes", "131072")
    eventually(lambda: all(count(client) == before[client] + 1 for client in before), "a block more for each client")


def test_provision_into_a_directory_leaves_files_to_carry(two_plus_two, tmp_path):
    two_plus_two.manager("provision", "client/carol", "-o", tmp_path / "van")
    files = list((tmp_path / "van").glob("*.json"))
    assert len(files) == 2
    config = two_plus_two.run / "kme" / "carol" / "kme.yaml"
    done = run(MANAGER.replace("dske-manager", "dske-kme"), "ingest-psrd", *files, "--config", config)
    assert done.returncode == 0
    hubs = two_plus_two.management("carol").status()["hubs"]
    assert [hub["psrd"]["blocks"] for hub in hubs] == [2, 2]


def test_a_node_of_another_host_is_made_ready_to_copy(make_topology):
    topology = make_topology(hubs=["hank", "helen"])
    value = yaml.safe_load(topology.file.read_text())
    value["clients"][1]["address"] = "192.0.2.7"
    topology.file.write_text(yaml.safe_dump(value, sort_keys=False))
    done = topology.manager("start")
    assert "192.0.2.7" in done.stdout
    assert states(topology)["celia"] == "remote"
    directory = topology.run / "kme" / "celia"
    assert (directory / "kme.yaml").exists()
    assert (directory / "tls").is_dir()
    assert states(topology)["carol"] == "ready"


def test_certificates_are_made_listed_and_renewed(two_plus_two):
    listed = json.loads(two_plus_two.command(["--json"], "pki", "list").stdout)["certificates"]
    assert {entry["subject"] for entry in listed} == {"kme/carol", "kme/celia", "sae/carol", "sae/celia"}
    assert all(not entry["problem"] for entry in listed)
    pki = two_plus_two.run / "pki"
    for path in pki.rglob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600, path
    before = (pki / "sae" / "carol.crt").read_bytes()
    renewed = two_plus_two.manager("pki", "renew", "sae/carol").stdout
    assert (pki / "sae" / "carol.crt").read_bytes() != before
    # The former certificate can still be revoked: its serial number is told before it is lost.
    former = next(entry["serial"] for entry in listed if entry["subject"] == "sae/carol")
    assert f"`pki revoke serial/{former}`" in renewed
    two_plus_two.manager("pki", "revoke", f"serial/{former}")
    two_plus_two.exchange("carol", "celia")
    (pki / "sae" / "celia.crt").unlink()
    two_plus_two.manager("pki", "issue")
    two_plus_two.exchange("carol", "celia")


def test_logs_are_shown(two_plus_two):
    text = two_plus_two.log_text("hank")
    assert two_plus_two.manager("logs", "hub/hank").stdout == text
    lines = two_plus_two.manager("logs", "hub/hank", "--lines", "1").stdout.splitlines()
    assert len(lines) == 1
    assert two_plus_two.manager("logs", "client/carol").stdout


def test_run_is_private(two_plus_two):
    assert two_plus_two.run.stat().st_mode & 0o777 == 0o700
    for path in two_plus_two.run.rglob("*.token"):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "words",
    [["dance"], ["start", "surplus"], [], ["status", "--unknown"], ["pki"], ["pki", "dance"], ["logs"], ["provision"]],
)
def test_wrong_usage_exits_2_with_one_line(make_topology, words):
    topology = make_topology(hubs=["hank", "helen"])
    one_line_error(topology.manager(*words, code=2))


def test_help_of_every_command():
    for command in ("start", "stop", "restart", "status", "etsi-qkd", "provision", "pki", "logs", "courier"):
        done = run(MANAGER, "x.yaml", command, "--help")
        assert done.stdout.startswith("usage: dske-manager")


def test_a_topology_with_encryptors_runs(make_topology):
    example = yaml.safe_load((REPOSITORY / "examples" / "topology-encryptors.yaml").read_text())
    clients = {
        c["name"]: [e["name"] for e in c["encryptors"]] if "encryptors" in c else None for c in example["clients"]
    }
    settings = {name: example[name] for name in ("shares_required", "key_size", "key_lifetime_seconds", "psrd")}
    topology = make_topology(hubs=[hub["name"] for hub in example["hubs"]], clients=clients, **settings)
    topology.start()
    topology.all_registered()
    for master, slave in [("sam", "serena"), ("connie", "sunny"), ("susan", "sunny"), ("sia", "connie")]:
        topology.exchange(master, slave)
