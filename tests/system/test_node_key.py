"""Where a node's key is: a file, a credential of its unit, a PKCS #11 token. Without it, or with another, nothing starts."""

import base64
import concurrent.futures
import os
import secrets
import stat

import pytest

from network import Node
from nodes import free_base_port, one_line_error
from soft_token import SoftTokens


@pytest.fixture
def tokens(tmp_path, monkeypatch) -> SoftTokens:
    made = SoftTokens(tmp_path / "softhsm")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def hub(directory, **settings) -> Node:
    node = Node("hub", "hank", directory / "hank", free_base_port(1))
    node.write_config({"name": "hank", "state_dir": str(node.state_dir), "port": node.port, **settings})
    return node


def key_text() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode() + "\n"


def write_key(path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def refused(node: Node, *arguments: object, words: tuple[str, ...]) -> None:
    """The command fails with one line that says so, and changes no file."""
    files = {path: path.read_bytes() for path in node.directory.rglob("*") if path.is_file()}
    one_line_error(node.command(*arguments, code=1), *words)
    assert {path: path.read_bytes() for path in node.directory.rglob("*") if path.is_file()} == files


def test_init_makes_a_key_for_its_owner_alone(tmp_path):
    node = hub(tmp_path)
    node.command("init")
    path = node.state_dir / "node.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.b64decode(path.read_text())) == 32


def test_init_takes_a_key_that_is_there(tmp_path):
    path = tmp_path / "my.key"
    node = hub(tmp_path, node_key={"file": str(path)})
    write_key(path, text := key_text())
    node.command("init")
    assert path.read_text() == text
    assert not (node.state_dir / "node.key").exists()


@pytest.mark.parametrize("text", ["", "secret\n", "A" * 44 + "\n", base64.b64encode(b"x" * 31).decode()])
def test_init_takes_nothing_that_is_no_key(tmp_path, text):
    path = tmp_path / "my.key"
    node = hub(tmp_path, node_key={"file": str(path)})
    write_key(path, text)
    one_line_error(node.command("init", code=1), str(path), "no node key")
    assert path.read_text() == text
    assert not (node.state_dir / "store.db").exists()


def test_init_makes_no_new_key_for_a_store_that_is_there(tmp_path):
    node = hub(tmp_path)
    node.command("init")
    (node.state_dir / "node.key").unlink()
    refused(node, "init", words=("store.db exists already",))


def test_a_credential_is_the_units(tmp_path, monkeypatch):
    node = hub(tmp_path, node_key={"credential": "dske-node-key"})
    one_line_error(node.command("init", code=1), "dske-node-key", "only the unit's own processes")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    one_line_error(node.command("init", code=1), "LoadCredential=")
    (credentials / "dske-node-key").write_text(key_text())
    (credentials / "dske-node-key").chmod(0o440)  # as systemd makes it
    node.command("init")
    assert not list(node.state_dir.glob("node.key*"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")


def test_a_token_seals_the_key(tmp_path, tokens):
    tokens.make("rack 7")
    node = hub(tmp_path, node_key=tokens.place("rack 7", "hank"))
    node.command("init")
    assert not (node.state_dir / "node.key").exists()
    sealed = node.state_dir / "node.key.sealed"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    node.command("node-key", "export", tmp_path / "copy")
    key = base64.b64decode((tmp_path / "copy").read_text())
    assert len(key) == 32
    for path in node.directory.rglob("*"):
        assert not path.is_file() or key not in path.read_bytes()


def test_what_is_wrong_with_a_token_is_told(tmp_path, tokens):
    tokens.make("rack 7")
    place = tokens.place("rack 7", "hank")
    node = hub(tmp_path, node_key=place)
    node.command("init")

    def wrong(**change) -> Node:
        node.change_config(node_key={"pkcs11": place["pkcs11"] | change})
        return node

    export = ("node-key", "export", tmp_path / "copy")
    refused(wrong(module="/nowhere.so"), *export, words=("there is no PKCS #11 module /nowhere.so",))
    refused(wrong(token="rack 8"), *export, words=("there is no PKCS #11 token rack 8",))
    refused(wrong(key="helen"), *export, words=("rack 7 has no key helen",))
    refused(wrong(pin_file="/nowhere"), *export, words=("PIN file /nowhere",))
    wrong()
    tokens.pin_file.chmod(0o640)
    refused(node, *export, words=("chmod 600",))
    tokens.write_pin("4321")
    refused(node, *export, words=("the PIN is wrong", "not tried again"))
    tokens.write_pin("1234")
    refused(node, *export, words=("tries none", "pkcs11-tool --login"))
    assert not (tmp_path / "copy").exists()


def test_a_key_moves_from_a_file_to_a_token_and_back(tmp_path, tokens):
    node = hub(tmp_path)
    node.command("init")
    text = (node.state_dir / "node.key").read_text()
    copy = tmp_path / "copy"
    node.command("node-key", "export", copy)
    assert copy.read_text() == text
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    refused(node, "node-key", "export", copy, words=("exists already",))
    refused(node, "node-key", "import", copy, words=("exists already",))

    tokens.make("rack 7")
    node.change_config(node_key=tokens.place("rack 7", "hank"))
    copy.chmod(0o644)
    refused(node, "node-key", "import", copy, words=("chmod 600",))
    copy.chmod(0o600)
    node.command("node-key", "import", copy)
    (node.state_dir / "node.key").unlink()
    node.command("client", "list")

    os.unlink(copy)
    node.command("node-key", "export", copy)
    assert copy.read_text() == text
    node.change_config(node_key={"file": str(tmp_path / "back.key")})
    node.command("node-key", "import", copy)
    assert (tmp_path / "back.key").read_text() == text


@pytest.fixture
def network(make_network):
    return make_network(hubs=["hank", "helen"])


def commands_on_the_store(node: Node) -> list[tuple[str, ...]]:
    return [("serve",), ("psrd", "list")] + ([("client", "list")] if node.kind == "hub" else [])


def test_a_node_does_not_start_without_its_key_or_with_another(network):
    network.provision()
    for node in (network.hubs["hank"], network.kmes["carol"]):
        path = node.state_dir / "node.key"
        own = path.read_text()
        path.unlink()
        for command in commands_on_the_store(node):
            refused(node, *command, words=("no node key", "bring it back"))
        write_key(path, key_text())
        for command in commands_on_the_store(node):
            refused(node, *command, words=("node key",))
        write_key(path, own)
        path.chmod(0o604)
        for command in commands_on_the_store(node):
            refused(node, *command, words=("chmod 600",))
        path.chmod(0o600)
    network.serve()
    network.all_registered()
    network.exchange("carol", "celia")


def test_a_network_keeps_its_keys_in_a_token(network, tokens):
    """Each node has its own; they are needed at the start and not afterwards."""
    tokens.make("rack 7")
    for node in network.nodes:
        node.change_config(node_key=tokens.place("rack 7", node.name))
    network.start()
    network.all_registered()
    network.exchange("carol", "celia")
    for node in network.nodes:
        assert not (node.state_dir / "node.key").exists()
    for node in network.nodes:
        assert node.terminate() == 0
    tokens.remove("rack 7")
    tokens.make("rack 7")
    for node in network.nodes:
        refused(node, "serve", words=(f"rack 7 has no key {node.name}",))


def test_nodes_that_share_a_token_do_not_disturb_each_other(tmp_path, tokens):
    """SoftHSM shows no token, or one without a PIN, while another process makes a key in it."""
    tokens.make("rack 7")

    def commands(number: int) -> None:
        node = Node("hub", "hank", tmp_path / f"{number}", free_base_port(1))
        for i in range(25):
            settings = {"state_dir": str(node.state_dir / f"{i}"), "node_key": tokens.place("rack 7", f"{number} {i}")}
            node.write_config({"name": "hank", "port": node.port, **settings})
            node.command("init")
            node.command("node-key", "export", tmp_path / f"{number} {i}")

    with concurrent.futures.ThreadPoolExecutor(6) as nodes:
        list(nodes.map(commands, range(6)))


def test_a_wrong_pin_stops_a_restarting_node_after_one_try(network, tokens):
    tokens.make("rack 7")
    hank = network.hubs["hank"]
    hank.change_config(node_key=tokens.place("rack 7", "hank"))
    hank.command("init")
    tokens.write_pin("4321")
    refused(hank, "serve", words=("the PIN is wrong",))
    for _ in range(3):
        refused(hank, "serve", words=("tries none",))


def test_a_unit_starts_with_its_credential_and_commands_go_through_it(network, tmp_path, monkeypatch):
    hank = network.hubs["hank"]
    hank.change_config(node_key={"credential": "dske-node-key"})
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    write_key(credentials / "dske-node-key", key_text())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    network.start()
    network.exchange("carol", "celia")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert "carol" in hank.command("client", "list").stdout  # the daemon has it
    assert hank.terminate() == 0
    one_line_error(hank.command("client", "list", code=1), "only the unit's own processes")
