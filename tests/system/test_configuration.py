"""Configuration files, command lines and state directories that are wrong: one clear error, and nothing half done."""

import contextlib
import os
import pathlib
import signal
import socket

import pytest
import yaml

from nodes import HUB, KME, MANAGER, one_line_error, run


def hub_config(directory: pathlib.Path, **changes) -> dict:
    return {"name": "hank", "state_dir": str(directory / "state"), "port": 18100, **changes}


def kme_config(directory: pathlib.Path, **changes) -> dict:
    value = {
        "name": "carol",
        "state_dir": str(directory / "state"),
        "port": 18105,
        "tls": {"certificate": "carol.crt", "key": "carol.key", "client_ca": "ca.crt"},
        "encryptors": ["carol"],
        "hubs": [{"name": "hank"}, {"name": "helen"}],
    }
    return {**value, **changes}


def without(value: dict, name: str) -> dict:
    return {key: one for key, one in value.items() if key != name}


def text_of(value: dict) -> str:
    return yaml.safe_dump(value, sort_keys=False)


HUB_FAULTS = {
    "an unknown name": (lambda d: text_of(hub_config(d)) + "colour: red\n", [":4:", "colour"]),
    "a name in the wrong place": (lambda d: text_of(hub_config(d, limits={"port": 1})), ["port"]),
    "no name": (lambda d: text_of(without(hub_config(d), "name")), ["name"]),
    "no port": (lambda d: text_of(without(hub_config(d), "port")), ["port"]),
    "no state_dir": (lambda d: text_of(without(hub_config(d), "state_dir")), ["state_dir"]),
    "a name that is none": (lambda d: text_of(hub_config(d, name="a/b")), [":1:", "name"]),
    "a port that is none": (lambda d: text_of(hub_config(d, port="http")), [":3:", "port"]),
    "a port too high": (lambda d: text_of(hub_config(d, port=65536)), ["port"]),
    "a log level that is none": (lambda d: text_of(hub_config(d, log_level="loud")), ["log_level"]),
    "no workers": (lambda d: text_of(hub_config(d, workers=0)), ["workers"]),
    "an address that is none": (lambda d: text_of(hub_config(d, address="everywhere")), ["address"]),
    "a negative limit": (lambda d: text_of(hub_config(d, limits={"share_bytes": -1})), ["share_bytes"]),
    "the same name twice": (lambda d: text_of(hub_config(d)) + "port: 1\n", ["port", "twice"]),
    "a list": (lambda d: "- name: hank\n", [""]),
    "nothing": (lambda d: "", [""]),
    "no YAML": (lambda d: "name: [hank\n", [""]),
    "bytes": (lambda d: "\x00\x01", [""]),
    "an alias": (lambda d: "name: &a hank\nstate_dir: *a\n", ["alias"]),
}

KME_FAULTS = {
    "an unknown name": (lambda d: text_of(kme_config(d)) + "colour: red\n", ["colour"]),
    "an unknown name in tls": (
        lambda d: text_of(kme_config(d, tls={"certificate": "a", "key": "b", "client_ca": "c", "x": 1})),
        ["x"],
    ),
    "no tls": (lambda d: text_of(without(kme_config(d), "tls")), ["tls"]),
    "no key": (lambda d: text_of(kme_config(d, tls={"certificate": "a", "client_ca": "c"})), ["key"]),
    "no encryptors": (lambda d: text_of(kme_config(d, encryptors=[])), ["encryptors"]),
    "an encryptor twice": (lambda d: text_of(kme_config(d, encryptors=["a", "a"])), ["encryptors"]),
    "an encryptor without a name": (lambda d: text_of(kme_config(d, encryptors=[""])), ["encryptors"]),
    "no hubs": (lambda d: text_of(without(kme_config(d), "hubs")), ["hubs"]),
    "one hub": (lambda d: text_of(kme_config(d, hubs=[{"name": "hank"}])), ["hubs"]),
    "a hub twice": (lambda d: text_of(kme_config(d, hubs=[{"name": "hank"}, {"name": "hank"}])), ["hank"]),
    "k of 1": (lambda d: text_of(kme_config(d, shares_required=1)), ["shares_required"]),
    "k of more than n": (lambda d: text_of(kme_config(d, shares_required=3)), ["shares_required"]),
    "a least k of 1": (lambda d: text_of(kme_config(d, least_shares_required=1)), ["least_shares_required"]),
    "a key size of broken bytes": (lambda d: text_of(kme_config(d, key_size=255)), ["key_size"]),
    "a key size over its limit": (lambda d: text_of(kme_config(d, key_size=131072)), ["key_size"]),
    "an endpoint that is none": (
        lambda d: text_of(kme_config(d, hubs=[{"name": "hank", "endpoint": "here"}, {"name": "helen"}])),
        ["endpoint"],
    ),
    "no lifetime": (lambda d: text_of(kme_config(d, key_lifetime_seconds=0)), ["key_lifetime_seconds"]),
}


def check_refused(binary: str, file: pathlib.Path, mentioned: list[str]) -> None:
    for command in ("init", "serve"):
        done = run(binary, command, "--config", file, code=None, seconds=10)
        assert done.returncode in (1, 2)
        one_line_error(done, str(file), *mentioned)
    assert not (file.parent / "state").exists(), "something was begun"


@pytest.mark.parametrize("fault", HUB_FAULTS)
def test_a_wrong_hub_yaml_is_refused(tmp_path, fault):
    make, mentioned = HUB_FAULTS[fault]
    file = tmp_path / "hub.yaml"
    file.write_text(make(tmp_path))
    check_refused(HUB, file, mentioned)


@pytest.mark.parametrize("fault", KME_FAULTS)
def test_a_wrong_kme_yaml_is_refused(tmp_path, fault):
    make, mentioned = KME_FAULTS[fault]
    file = tmp_path / "kme.yaml"
    file.write_text(make(tmp_path))
    check_refused(KME, file, mentioned)


@pytest.mark.parametrize("binary", [HUB, KME])
def test_a_missing_configuration_is_refused(tmp_path, binary):
    one_line_error(run(binary, "serve", "--config", tmp_path / "none.yaml", code=1), "none.yaml")


@pytest.mark.parametrize("binary", [HUB, KME, MANAGER])
@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["serve"], ["--unknown"], ["init", "--config"], ["serve", "--config", "x", "surplus"]]
)
def test_wrong_usage_exits_2(binary, arguments):
    done = run(binary, *arguments, code=2)
    assert done.stderr and not done.stdout


@pytest.mark.parametrize("binary", [HUB, KME, MANAGER])
def test_help_goes_to_standard_output(binary):
    done = run(binary, "--help", code=0)
    assert "usage" in done.stdout.lower() and not done.stderr


@pytest.mark.parametrize(
    "what, arguments",
    [
        ("no SAE", ["client", "add", "carol"]),
        ("no name", ["client", "add", "--sae", "x"]),
        ("a name that is none", ["client", "add", "a/b", "--sae", "x"]),
        ("an SAE that is none", ["client", "add", "carol", "--sae", ""]),
        ("half a command", ["client"]),
        ("an unknown command", ["client", "dance"]),
        (
            "no file to write",
            ["psrd", "assign", "--client", "carol", "--client-bytes", "65536", "--hub-bytes", "65536"],
        ),
    ],
)
def test_wrong_operator_commands_are_refused(make_network, what, arguments):
    network = make_network(hubs=["hank"], clients={})
    hank = network.hubs["hank"]
    hank.command("init")
    done = hank.command(*arguments, code=None)
    assert done.returncode in (1, 2), what
    assert done.stderr
    assert "carol" not in hank.command("client", "list").stdout


# --- state directories -----------------------------------------------------------------------------------------------


def test_serve_before_init_says_what_to_do(make_network):
    network = make_network(hubs=["hank", "helen"])
    for node in network.nodes:
        one_line_error(node.command("serve", code=1), "init")


def test_init_twice_harms_nothing(make_network):
    network = make_network(hubs=["hank", "helen"])
    network.provision()
    node = network.hubs["hank"]
    token = node.management.token
    before = node.command("client", "list", "--json").stdout
    done = node.command("init", code=None)
    assert done.returncode in (0, 1)
    assert node.management.token == token
    assert node.command("client", "list", "--json").stdout == before


def test_state_directories_are_private(make_network):
    network = make_network(hubs=["hank", "helen"]).start()
    network.exchange("carol", "celia")
    for node in network.nodes:
        assert node.state_dir.stat().st_mode & 0o777 == 0o700
        for path in node.state_dir.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # temporary files of the node
                assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_process_on_a_state_directory_exits_1(make_network):
    network = make_network(hubs=["hank", "helen"]).start()
    for node in (network.hubs["hank"], network.kmes["carol"]):
        done = node.command("serve", code=1)
        one_line_error(done, str(node.state_dir))
        # Also from another configuration, with ports of its own.
        config = yaml.safe_load(node.config.read_text())
        other = node.directory / "other.yaml"
        other.write_text(yaml.safe_dump({**config, "port": config["port"] + 400}))
        done = run(node.binary, "serve", "--config", other, code=1)
        one_line_error(done, str(node.state_dir))
    network.exchange("carol", "celia")


def test_a_taken_port_is_told(make_network):
    network = make_network(hubs=["hank", "helen"])
    network.provision()
    for node in network.nodes:
        for port in (node.port, node.port + 1000):
            with socket.create_server(("127.0.0.1", port)):
                done = node.command("serve", code=1)
                assert str(port) in done.stderr.splitlines()[-1], done.stderr
    network.serve()
    network.exchange("carol", "celia")


def test_a_certificate_that_is_none_is_told(make_network, pki, tmp_path):
    network = make_network(hubs=["hank", "helen"])
    network.provision()
    carol = network.kmes["carol"]
    good = yaml.safe_load(carol.config.read_text())
    certificate, key = pki.issue("carol", server=True)
    _, other_key = pki.issue("celia", server=True)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    missing = tmp_path / "missing.pem"
    for changes, mentioned in [
        ({"certificate": str(missing)}, "missing.pem"),
        ({"certificate": str(garbage)}, "garbage.pem"),
        ({"key": str(garbage)}, "garbage.pem"),
        ({"key": str(other_key)}, "key"),
        ({"client_ca": str(missing)}, "missing.pem"),
        ({"client_ca": str(garbage)}, "garbage.pem"),
    ]:
        carol.write_config({**good, "tls": {**good["tls"], **changes}})
        done = carol.command("serve", code=1)
        assert mentioned in done.stderr.splitlines()[-1], (changes, done.stderr)
    carol.write_config(good)
    assert certificate.exists() and key.exists()
    network.serve()
    network.exchange("carol", "celia")


def test_a_damaged_store_is_told(make_network):
    network = make_network(hubs=["hank", "helen"])
    network.provision()
    for node in (network.hubs["hank"], network.kmes["carol"]):
        (store,) = [path for path in node.state_dir.iterdir() if path.suffix in (".db", ".sqlite", ".sqlite3")]
        for leftover in node.state_dir.glob(store.name + "-*"):
            leftover.unlink()
        store.write_bytes(os.urandom(store.stat().st_size))
        done = node.command("serve", code=1)
        assert store.name in done.stderr.splitlines()[-1] or "store" in done.stderr.splitlines()[-1], done.stderr


@pytest.mark.parametrize("kind", ["hubs", "kmes"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_stops_gracefully(make_network, kind, number):
    network = make_network(hubs=["hank", "helen"]).start()
    node = next(iter(getattr(network, kind).values()))
    node.process.popen.send_signal(number)
    assert node.process.wait() == 0
    node.serve()
    node.wait_ready()


# --- topologies ------------------------------------------------------------------------------------------------------

HUBS_TEXT = "hubs:\n  - name: hank\n  - name: helen\n"
CLIENTS_TEXT = "clients:\n  - name: carol\n  - name: celia\n"
TOPOLOGY_FAULTS = {
    "not YAML": ("hubs: [\n", "topology.yaml:2:1:", ""),
    "a list": ("- hubs\n", "topology.yaml:1:1:", ""),
    "nothing": ("", "topology.yaml", ""),
    "no clients": (HUBS_TEXT, "topology.yaml:1:1:", "clients"),
    "no hubs": (CLIENTS_TEXT, "topology.yaml:1:1:", "hubs"),
    "one hub": ("hubs:\n  - name: hank\n" + CLIENTS_TEXT, "topology.yaml:2:3:", "hubs"),
    "an unknown name": (HUBS_TEXT + CLIENTS_TEXT + "colour: red\n", "topology.yaml:7:1:", "colour"),
    "an unknown name in a hub": (
        "hubs:\n  - name: hank\n    colour: red\n  - name: helen\n" + CLIENTS_TEXT,
        "topology.yaml:3:5:",
        "colour",
    ),
    "a hub without a name": ("hubs:\n  - port: 8100\n  - name: helen\n" + CLIENTS_TEXT, "topology.yaml:2:5:", "name"),
    "a hub twice": ("hubs:\n  - name: hank\n  - name: hank\n" + CLIENTS_TEXT, "topology.yaml:3:11:", "hank"),
    "a client twice": (HUBS_TEXT + "clients:\n  - name: carol\n  - name: carol\n", "topology.yaml:6:11:", "carol"),
    "an SAE at two clients": (
        HUBS_TEXT + "clients:\n  - name: carol\n  - name: celia\n    encryptors:\n      - name: carol\n",
        "topology.yaml:8:9:",
        "carol",
    ),
    "a name that is none": ("hubs:\n  - name: a/b\n  - name: helen\n" + CLIENTS_TEXT, "topology.yaml:2:11:", "name"),
    "hubs as a mapping": ("hubs:\n  hank: 1\n" + CLIENTS_TEXT, "topology.yaml:2:3:", "hubs"),
    "a hub as text": ("hubs:\n  - hank\n  - helen\n" + CLIENTS_TEXT, "topology.yaml:2:5:", ""),
    "k of 1": ("shares_required: 1\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml:1:18:", "shares_required"),
    "k of more than n": ("shares_required: 3\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml:1:18:", "shares_required"),
    "a port that is none": ("base_port: many\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml:1:12:", "base_port"),
    "a port twice": (
        "hubs:\n  - name: hank\n    port: 18100\n  - name: helen\n    port: 18100\n" + CLIENTS_TEXT,
        "topology.yaml:5:11:",
        "18100",
    ),
    "an address that is none": (
        "hubs:\n  - name: hank\n    address: here\n  - name: helen\n" + CLIENTS_TEXT,
        "topology.yaml:3:14:",
        "address",
    ),
    "a key size of broken bytes": ("key_size: 100\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml:1:11:", "key_size"),
    "too little PSRD": ("psrd:\n  client_bytes: 1\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml:2:17:", "client_bytes"),
    "an alias": ("x: &a [*a]\n" + HUBS_TEXT + CLIENTS_TEXT, "topology.yaml", ""),
}


@pytest.mark.parametrize("fault", TOPOLOGY_FAULTS)
@pytest.mark.parametrize("command", ["start", "status", "stop"])
def test_a_wrong_topology_is_refused_with_its_place(tmp_path, fault, command):
    text, place, mentioned = TOPOLOGY_FAULTS[fault]
    file = tmp_path / "topology.yaml"
    file.write_text(text)
    done = run(MANAGER, file, command, code=None)
    assert done.returncode in (1, 2)
    one_line_error(done, place, mentioned)
    assert not (tmp_path / "run").exists()


def test_a_missing_topology_is_refused(tmp_path):
    done = run(MANAGER, tmp_path / "none.yaml", "start", code=1)
    one_line_error(done, "none.yaml")
