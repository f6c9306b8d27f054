"""What a hub's operator does to clients and their PSRD: the same with the daemon running and stopped."""

from __future__ import annotations

import json
import pathlib
import secrets
import uuid

import pytest

import dske_wire as wire
from dske_client import DskeClient
from nodes import eventually, one_line_error

BYTES = 65536


class Hub:
    """The hub hank, running or stopped, and clients made by hand."""

    def __init__(self, network, running: bool):
        self.network = network
        self.node = network.hubs["hank"]
        self.running = running
        self.clients: list[DskeClient] = []
        self.node.command("init")
        for name in ("carol", "celia"):
            network.add_client("hank", name, [name])
        if running:
            self.start()

    def start(self) -> None:
        self.node.serve()
        self.node.wait_ready()

    def during(self, action):
        """Does it while the hub runs, whatever it did before."""
        if not self.running:
            self.start()
        result = action()
        if not self.running:
            for client in self.clients:
                client.close()
            assert self.node.terminate() == 0
        return result

    def run(self, *arguments: object) -> dict:
        return json.loads(self.node.command(*arguments, "--json").stdout)

    def refused(self, *arguments: object, code: int = 1) -> str:
        done = self.node.command(*arguments, code=code)
        assert done.stdout == ""
        return one_line_error(done)

    def client(self, name: str) -> DskeClient:
        """A client with a block; not registered yet."""
        block = wire.parse_psrd(self.network.assign("hank", name, BYTES, BYTES).read_bytes())
        self.clients.append(DskeClient(self.node.port, block))
        return self.clients[-1]

    def listed(self, name: str) -> dict:
        return next(client for client in self.run("client", "list")["clients"] if client["name"] == name)

    def psrd(self, name: str) -> dict:
        return next(client for client in self.run("psrd", "list")["clients"] if client["name"] == name)

    def states(self, name: str) -> dict[str, str]:
        psrd = self.psrd(name)
        states = {block["block_uuid"]: block["state"] for block in psrd["blocks"]}
        return states | {block: "revoked" for block in psrd["revoked_blocks"]}


@pytest.fixture(params=["running", "stopped"])
def hub(request, make_network):
    network = make_network(["hank"], {"carol": ["carol"], "celia": ["celia"]})
    made = Hub(network, request.param == "running")
    yield made
    for client in made.clients:
        client.close()


def is_stored(directory: pathlib.Path, part: bytes) -> bool:
    return any(part in file.read_bytes() for file in directory.rglob("*") if file.is_file())


def context(initiator: DskeClient, slave: str) -> wire.Context:
    return wire.Context(
        bundle_id=wire.new_bundle_id(),
        initiator=initiator.name,
        key_count=1,
        key_size_bytes=32,
        master_sae_id=initiator.name,
        slaves=(wire.Slave(slave, slave),),
        shares_required=2,
        hubs=(initiator.block.hub_id, uuid.uuid4(), uuid.uuid4()),
    )


def post(initiator: DskeClient, slave: str):
    made = context(initiator, slave)
    return made, initiator.post_share(made, secrets.token_bytes(made.share_size), bytes(16))


# --- SAEs ---


def test_saes_are_bound_and_unbound(hub):
    told = hub.run("client", "sae", "add", "carol", "second", "sae with, comma")
    assert told["sae_ids"] == ["carol", "sae with, comma", "second"]
    assert hub.run("client", "sae", "remove", "carol", "carol", "second")["sae_ids"] == ["sae with, comma"]
    assert hub.listed("carol")["sae_ids"] == ["sae with, comma"]
    hub.run("client", "sae", "add", "celia", "carol")  # free for others

    assert "bound to the client celia" in hub.refused("client", "sae", "add", "carol", "third", "celia")
    assert "not bound to the client carol" in hub.refused("client", "sae", "remove", "carol", "sae with, comma", "celia")
    assert hub.listed("carol")["sae_ids"] == ["sae with, comma"]  # all or nothing
    assert "there is no client nobody" in hub.refused("client", "sae", "add", "nobody", "x")
    assert "there is no client nobody" in hub.refused("client", "sae", "remove", "nobody", "x")
    hub.refused("client", "sae", "add", "carol", code=2)
    hub.refused("client", "sae", "take", "carol", "x", code=2)


def test_an_unbound_sae_is_no_longer_found(hub):
    carol = hub.client("carol")
    hub.run("client", "sae", "remove", "celia", "celia")

    def ask():
        assert carol.register().status == 200
        answer = carol.sae("celia")
        assert answer.status == 404 and answer.signed
        assert carol.sae("carol").status == 200

    hub.during(ask)


# --- disable and enable ---


def test_a_disabled_client_is_refused_until_it_is_enabled_and_loses_nothing(hub):
    carol, celia = hub.client("carol"), hub.client("celia")

    def before():
        assert carol.register().status == 200 and celia.register().status == 200
        made, answer = post(carol, "celia")
        assert answer.status == 200
        return made

    waiting = hub.during(before)
    told = hub.run("client", "disable", "celia")
    assert told["enabled"] is False
    assert hub.listed("celia")["enabled"] is False and hub.listed("carol")["enabled"] is True
    assert "disabled" in hub.node.command("client", "list").stdout

    def refused():
        polled = celia.pending() if hub.running else None  # a restart has forgotten the polling key
        assert not polled or (polled.status == 401 and not polled.signed)  # so it registers again, and is told why
        answers = [celia.sae("carol"), celia.register(), celia.get_share("carol", waiting.bundle_id)]
        for answer in answers:
            assert answer.status == 403 and answer.signed, answer
            assert "disabled" in answer.json["message"]
        assert carol.register().status == 200
        assert carol.sae("celia").json["registered"] is False  # so initiators leave this hub out
        assert post(carol, "celia")[1].status == 404

    # The epoch is a new one after a restart; carol's registration tells it.
    def as_now():
        assert carol.register().status == 200
        celia.epoch = carol.epoch
        refused()

    hub.during(as_now)
    assert "disabled" in hub.refused("psrd", "assign", "--client", "celia", "--client-bytes", BYTES, "--hub-bytes", BYTES)

    assert hub.run("client", "enable", "celia")["enabled"] is True

    def after():
        celia.registration_number += 5
        assert celia.register().status == 200
        assert celia.get_share("carol", waiting.bundle_id).status == 200  # it waited

    hub.during(after)


@pytest.mark.parametrize("what", ["disable", "enable", "remove"])
def test_an_unknown_client_is_an_error(hub, what):
    assert "there is no client nobody" in hub.refused("client", what, "nobody")
    hub.refused("client", what, code=2)
    hub.refused("client", what, "carol", "celia", code=2)
    hub.refused("client", what, "no/name")


# --- remove ---


def test_a_removed_client_leaves_nothing_and_its_name_is_free(hub):
    carol, celia = hub.client("carol"), hub.client("celia")
    told = hub.run("psrd", "assign", "--client", "celia", "--client-bytes", BYTES, "--hub-bytes", BYTES)
    ready = hub.node.state_dir / "psrd-out" / "celia"
    assert [file.stem for file in ready.iterdir()] == [told["block_uuid"]]

    def before():
        assert carol.register().status == 200 and celia.register().status == 200
        assert post(carol, "celia")[1].status == 200
        assert post(celia, "carol")[1].status == 200
        assert hub.node.status()["waiting_bundles"] == 2

    hub.during(before)
    first_id = hub.listed("celia")["client_id"]
    assert hub.run("client", "remove", "celia") == {"removed": "celia", "psrd_blocks": 2, "psrd_files": 1}
    assert [client["name"] for client in hub.run("client", "list")["clients"]] == ["carol"]
    assert not ready.exists()

    def after():
        assert carol.register().status == 200
        celia.epoch = carol.epoch
        assert hub.node.status()["waiting_bundles"] == 0
        assert carol.sae("celia").status == 404
        answer = celia.sae("carol")
        assert answer.status == 401 and not answer.signed
        assert carol.pending().json["bundles"] == []  # what celia posted is gone too

    hub.during(after)
    hub.network.add_client("hank", "celia", ["celia"])
    assert hub.listed("celia")["client_id"] != first_id
    assert hub.listed("celia")["registered"] is False
    assert hub.states("celia") == {}


# --- revoke ---


def test_revoked_blocks_are_wiped_and_told_to_the_client(hub):
    carol = hub.client("carol")
    other = hub.client("carol")  # a second block of the same client
    ready = hub.run("psrd", "assign", "--client", "carol", "--client-bytes", BYTES, "--hub-bytes", BYTES)
    hub.during(lambda: carol.register())
    ids = [str(carol.block.block), str(other.block.block), ready["block_uuid"]]
    assert hub.states("carol") == {ids[0]: "ingested", ids[1]: "delivered", ids[2]: "ready"}
    assert hub.psrd("carol")["psrd"]["blocks"] == 1  # what both sides can count on

    told = hub.run("psrd", "revoke", ids[0], ids[2])
    assert told == {"revoked": [{"block_uuid": ids[0], "client": "carol"}, {"block_uuid": ids[2], "client": "carol"}]}
    assert hub.states("carol") == {ids[0]: "revoked", ids[1]: "delivered", ids[2]: "revoked"}
    assert not list((hub.node.state_dir / "psrd-out" / "carol").glob("*.json"))
    hub.run("psrd", "revoke", ids[0])  # once more is no error
    data = carol.block.data
    eventually(lambda: not is_stored(hub.node.state_dir, data[:64]) and not is_stored(hub.node.state_dir, data[-64:]),
               "its bytes are gone from the disk")  # fmt: skip

    def after():
        assert carol.register().status == 401
        other.registration_number = 100
        blocks = other.registration()["blocks"]
        blocks.append({**blocks[0], "block_uuid": ids[0]})
        answer = other.register(blocks=blocks)
        assert answer.status == 200
        assert answer.json["unknown_blocks"] == [ids[0]]

    hub.during(after)

    hub.run("psrd", "revoke", "--client", "carol")
    assert set(hub.states("carol").values()) == {"revoked"}
    assert "revoked" in hub.node.command("psrd", "list").stdout


def test_revoking_is_all_or_nothing_and_its_usage_is_checked(hub):
    carol = hub.client("carol")
    stranger = str(uuid.uuid4())
    assert stranger in hub.refused("psrd", "revoke", str(carol.block.block), stranger)
    assert hub.states("carol") == {str(carol.block.block): "delivered"}
    assert "there is no client nobody" in hub.refused("psrd", "revoke", "--client", "nobody")
    hub.refused("psrd", "revoke", "no-uuid")
    hub.refused("psrd", "revoke", code=2)
    hub.refused("psrd", "revoke", stranger, "--client", "carol", code=2)
    assert hub.run("psrd", "revoke", "--client", "celia") == {"revoked": []}


# --- assign ---


def test_assign_first_makes_a_first_block_only(hub, tmp_path):
    order = ("psrd", "assign", "--client", "carol", "--client-bytes", BYTES, "--hub-bytes", BYTES, "--first")
    told = hub.run(*order)
    assert told["file"].endswith(f"psrd-out/carol/{told['block_uuid']}.json")
    # Ready files have not been given out, so that was not the first yet.
    target = tmp_path / "first.json"
    told = hub.run(*order, "-o", target)
    assert told["file"] == str(target)
    assert str(wire.parse_psrd(target.read_bytes()).block) == told["block_uuid"]
    assert "--first" in hub.refused(*order, "-o", tmp_path / "second.json")
    assert not (tmp_path / "second.json").exists()
    assert "nobody" in hub.refused(*order[:3], "nobody", *order[4:])
    hub.run("psrd", "revoke", told["block_uuid"])
    hub.run(*order, "-o", tmp_path / "third.json")  # a revoked block never counts


def test_a_disabled_client_of_a_network_is_told_and_comes_back(make_network):
    """With real KMEs: the cause is seen at the KME, and after it is enabled keys flow through that hub again."""
    network = make_network(["hank", "helen", "hilary"]).start()
    network.all_registered()
    hank = network.hubs["hank"]
    hank.command("client", "disable", "celia")
    network.exchange("carol", "celia")  # two other hubs suffice
    eventually(lambda: "403" in network.kmes["celia"].hub_entry("hank")["error"]
               or "disabled" in network.kmes["celia"].hub_entry("hank")["error"], "the KME tells the cause", 30)  # fmt: skip
    hank.command("client", "enable", "celia")
    eventually(lambda: network.kmes["celia"].hub_entry("hank")["state"] == "registered", "it registers again", 60)
    network.exchange("carol", "celia")
    # A master whose own KME is disabled at too many hubs is told why.
    for hub in network.hubs.values():
        hub.command("client", "disable", "carol")
    with network.sae("carol") as encryptor:
        answer = encryptor.enc_keys("celia")
    assert answer.status == 503
    assert "403: the hub's operator has disabled this client" in answer.message


@pytest.mark.parametrize("kme_runs", [True, False])
def test_a_kme_goes_on_with_another_block_when_one_is_revoked(make_network, kme_runs):
    network = make_network(["hank", "helen"], shares_required=2).start()
    network.all_registered()
    hank, celia = network.hubs["hank"], network.kmes["celia"]
    if not kme_runs:
        celia.terminate()
    hank.command("psrd", "revoke", "--client", "celia")
    celia.command("ingest-psrd", network.assign("hank", "celia"))
    if not kme_runs:
        celia.serve()
        celia.wait_ready(30)
    eventually(lambda: celia.hub_entry("hank")["state"] == "registered", "it registers with the new block", 40)
    eventually(lambda: celia.psrd("hank")["blocks"] == 1, "the KME has dropped the revoked block", 40)
    network.exchange("carol", "celia")  # needs both hubs


def test_a_client_may_be_named_by_its_id(hub):
    clients = hub.run("client", "list")["clients"]
    target = hub.node.directory / "by-id.json"
    hub.run("psrd", "assign", "--client", clients[0]["client_id"], "--client-bytes", BYTES, "--hub-bytes", BYTES,
            "-o", target)  # fmt: skip
    assert json.loads(target.read_text())["client"] == {"id": clients[0]["client_id"], "name": clients[0]["name"]}


def test_a_file_whose_block_is_revoked_is_refused_by_name_and_leaves_nothing(make_network):
    network = make_network(["hank", "helen"], shares_required=2).start()
    network.all_registered()
    celia = network.kmes["celia"]
    file = network.assign("hank", "celia")
    block = json.loads(file.read_text())["block_uuid"]
    before = celia.psrd("hank")
    network.hubs["hank"].command("psrd", "revoke", block)
    refused = celia.command("ingest-psrd", file, code=1)
    assert f"PSRD block {block} is revoked by, or unknown to, hub hank" in refused.stderr
    after = celia.psrd("hank")
    assert after["blocks"] == before["blocks"]
    assert after["client_pad"]["total_bytes"] == before["client_pad"]["total_bytes"]
    assert not list((celia.state_dir / "psrd").glob(f"{block}*"))
    network.exchange("carol", "celia")
