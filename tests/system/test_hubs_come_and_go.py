"""Hubs that are added and removed while KMEs run, that are left, that come back with an empty store or made anew; KMEs
that use different hubs, and such that join a hub by its PSRD file alone."""

import json
import re
import shutil

import pytest
import yaml

import dske_wire as wire
from dske_client import DskeClient
from network import Node
from nodes import eventually, one_line_error


def set_hubs(kme: Node, hubs: list[str], **settings: object) -> None:
    """Lists other hubs in the file of a KME that runs."""
    value = yaml.safe_load(kme.config.read_text())
    known = {entry["name"]: entry for entry in value["hubs"]}
    value["hubs"] = [known.get(name, {"name": name}) for name in hubs]
    value |= settings
    replace_config(kme, yaml.safe_dump(value))


def replace_config(kme: Node, text: str) -> None:
    """At once: the KME looks at it at any moment."""
    fresh = kme.config.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(kme.config)


def states(kme: Node) -> dict[str, str]:
    return {entry["name"]: entry["state"] for entry in json.loads(kme.command("hub", "list", "--json").stdout)["hubs"]}


def registered(kme: Node) -> set[str]:
    return {entry["name"] for entry in kme.status()["hubs"] if entry["state"] == "registered"}


def is_registered_at(hub: Node, client: str) -> bool:
    (entry,) = [entry for entry in hub.status()["clients"] if entry["name"] == client]
    return entry["registered"]


def wait_for_hubs(kme: Node, hubs: set[str], seconds: float = 15.0) -> None:
    eventually(lambda: registered(kme) == hubs, f"{kme.name} is registered with {sorted(hubs)}", seconds)


def blocks(node: Node, peer: str) -> set[str]:
    value = json.loads(node.command("psrd", "list", "--json").stdout)
    entries = value["clients" if node.kind == "hub" else "hubs"]
    return {block["block_uuid"] for entry in entries if entry["name"] == peer for block in entry["blocks"]}


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def renew(network, hub: str) -> None:
    """The hub comes back with nothing: made anew under its name, with another id."""
    node = network.hubs[hub]
    node.terminate()
    shutil.rmtree(node.state_dir)
    node.command("init")
    for client in network.kmes:
        network.add_client(hub, client, network._clients[client])
    node.serve()
    node.wait_ready()


# --- a subset of the hubs ----------------------------------------------------------------------------------------------


def test_two_kmes_use_the_hubs_that_they_have_in_common(make_network):
    hubs = ["ann", "ben", "cat", "dan", "eve"]
    network = make_network(hubs=hubs, shares_required=2)
    network.provision()
    set_hubs(network.kmes["carol"], hubs[:4])
    set_hubs(network.kmes["celia"], hubs[2:])
    network.serve()
    wait_for_hubs(network.kmes["carol"], set(hubs[:4]))
    wait_for_hubs(network.kmes["celia"], set(hubs[2:]))
    network.exchange("carol", "celia", 3)
    network.exchange("celia", "carol", 3)
    # One of the two in common goes: fewer than k are left, though each KME is ready with three.
    network.hubs["cat"].kill()
    for kme in network.kmes.values():
        eventually(kme.management.ready, f"{kme.name} is ready")
    with network.sae("carol") as carol:
        answer = carol.enc_keys("celia")
        assert answer.status == 503
        assert "cat" in answer.message
    network.hubs["cat"].serve()
    network.hubs["cat"].wait_ready()

    def works() -> bool:
        with network.sae("carol") as carol:
            return carol.enc_keys("celia").status == 200

    eventually(works, "keys go over the two hubs again", 30)


def test_a_kme_is_ready_with_as_many_hubs_as_shares_are_required_and_not_before(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], clients={"carol": ["carol"]}, shares_required=2)
    network.provision()
    carol = network.kmes["carol"]
    network.hubs["ann"].serve()
    network.hubs["ann"].wait_ready()
    carol.serve()
    eventually(lambda: carol.log.exists() and registered_or_none(carol) == {"ann"}, "carol is registered with ann")
    assert not carol.management.ready()
    network.hubs["ben"].serve()
    carol.wait_ready(30)


def registered_or_none(kme: Node) -> set[str]:
    try:
        return registered(kme)
    except OSError:
        return set()


# --- the list of hubs is followed ----------------------------------------------------------------------------------------


def test_a_hub_is_added_and_removed_while_the_kmes_run(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], shares_required=2)
    network.provision()
    for kme in network.kmes.values():
        set_hubs(kme, ["ann", "ben"], shares_required=2)
    network.serve()
    for kme in network.kmes.values():
        wait_for_hubs(kme, {"ann", "ben"})
        assert states(kme)["cat"] == "not configured"
        assert any("hub cat is not used" in warning for warning in kme.status()["warnings"])
    with network.sae("carol") as carol:
        assert carol.enc_keys("celia").status == 200

    for kme in network.kmes.values():
        set_hubs(kme, ["ann", "ben", "cat"])
    for kme in network.kmes.values():
        wait_for_hubs(kme, {"ann", "ben", "cat"})
    network.exchange("carol", "celia")

    before = blocks(network.kmes["celia"], "ann")
    for kme in network.kmes.values():
        set_hubs(kme, ["ben", "cat"])
    for kme in network.kmes.values():
        wait_for_hubs(kme, {"ben", "cat"})
    eventually(lambda: not is_registered_at(network.hubs["ann"], "celia"), "ann knows that celia left")
    network.exchange("carol", "celia")
    assert blocks(network.kmes["celia"], "ann") == blocks(network.hubs["ann"], "celia") == before

    # It may be down and be back, and both may have restarted: the PSRD serves again.
    for node in (network.hubs["ann"], network.kmes["celia"]):
        node.terminate()
        node.serve()
        node.wait_ready()
    for kme in network.kmes.values():
        set_hubs(kme, ["ann", "ben"])
        wait_for_hubs(kme, {"ann", "ben"})
    network.exchange("carol", "celia")
    assert is_registered_at(network.hubs["ann"], "celia")


def test_psrd_of_a_hub_that_is_added_works_at_once(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], shares_required=2)
    network.provision()
    carol = network.kmes["carol"]
    carol.terminate() if carol.process else None
    for kme in network.kmes.values():
        kme.command("hub", "forget", "cat")
        set_hubs(kme, ["ann", "ben"], shares_required=2)
    network.serve()
    network.hubs["ann"].kill()
    for kme in network.kmes.values():
        refused = kme.command("ingest-psrd", network.assign("cat", kme.name), code=1)
        one_line_error(refused, "not in this KME's configuration")
        set_hubs(kme, ["ann", "ben", "cat"])
        eventually(lambda kme=kme: "cat" in states(kme), "the new list is followed")
        kme.command("ingest-psrd", network.assign("cat", kme.name))
    with network.sae("carol") as carol_sae, network.sae("celia") as celia_sae:
        keys = carol_sae.enc_keys("celia").keys
        assert keys and celia_sae.dec_keys("carol", list(keys)).keys == keys


@pytest.mark.parametrize(
    "text, reason",
    [("{", "kme.yaml"), ("name: carol\n", "is missing"), ("", "kme.yaml")],
)
def test_a_faulty_configuration_is_told_and_changes_nothing(make_network, text, reason):
    network = make_network(hubs=["ann", "ben"], clients={"carol": ["carol"]}, shares_required=2).start()
    carol = network.kmes["carol"]
    good = carol.config.read_text()
    replace_config(carol, text)
    eventually(lambda: "is not followed" in carol.log_text(), "the fault is told")
    line = [line for line in carol.log_text().splitlines() if "is not followed" in line][-1]
    assert reason in line
    assert registered(carol) == {"ann", "ben"}
    replace_config(carol, good)


def test_fewer_hubs_than_shares_required_are_not_followed(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], clients={"carol": ["carol"]}).start()
    carol = network.kmes["carol"]
    set_hubs(carol, ["ann"])
    eventually(lambda: "is not followed" in carol.log_text(), "the fault is told")
    network.all_registered()
    assert registered(carol) == {"ann", "ben", "cat"}


# --- leaving -------------------------------------------------------------------------------------------------------------


def test_a_client_leaves_for_good_and_both_ends_agree(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], shares_required=2).start()
    network.all_registered()
    carol, ann = network.kmes["carol"], network.hubs["ann"]
    waiting = network.keys_at_all_hubs("celia", "carol", number=2)  # a share of it waits for carol at ann
    with network.sae("carol") as sae:
        initiated = sae.enc_keys("celia", 2).keys  # carol's own, for celia
    done = carol.command("hub", "leave", "ann")
    assert done.stdout == "left hub ann: its PSRD is wiped at both ends\n"
    assert "ann" not in registered(carol)
    assert blocks(carol, "ann") == blocks(ann, "carol") == set()
    assert not is_registered_at(ann, "carol")
    with network.sae("celia") as celia, network.sae("carol") as sae:
        assert celia.dec_keys("carol", list(initiated)).keys == initiated
        assert sae.dec_keys("celia", list(waiting)).keys == waiting
    network.exchange("carol", "celia")
    network.exchange("celia", "carol")
    # Again by a new file; and nothing of this is lost with a restart.
    carol.command("ingest-psrd", network.assign("ann", "carol"))
    assert registered(carol) == {"ann", "ben", "cat"}
    for node in (carol, ann):
        node.terminate()
        node.serve()
        node.wait_ready()
    wait_for_hubs(carol, {"ann", "ben", "cat"})
    assert len(blocks(carol, "ann")) == 1 and blocks(carol, "ann") == blocks(ann, "carol")


def test_leaving_a_hub_that_does_not_confirm_changes_nothing(make_network):
    network = make_network(hubs=["ann", "ben"], clients={"carol": ["carol"]}, shares_required=2).start()
    network.all_registered()
    carol = network.kmes["carol"]
    held = blocks(carol, "ann")
    network.hubs["ann"].kill()
    one_line_error(carol.command("hub", "leave", "ann", code=1), "did not confirm", "hub forget")
    assert blocks(carol, "ann") == held
    one_line_error(carol.command("hub", "leave", "nobody", code=1), "nobody")
    carol.terminate()
    one_line_error(carol.command("hub", "leave", "ann", code=1), "does not run", "hub forget")
    assert carol.command("hub", "forget", "ann").stdout == "forgot hub ann: its PSRD is wiped here\n"
    assert blocks(carol, "ann") == set()
    one_line_error(carol.command("hub", "forget", "ann", code=1), "no PSRD of hub ann")


def test_the_protocols_own_delete(make_network):
    network = make_network(hubs=["ann", "ben"], clients={"carol": ["carol"]}, shares_required=2).start()
    network.add_client("ann", "tess", ["tess"])
    block = wire.parse_psrd(network.assign("ann", "tess").read_bytes())
    tess = DskeClient(network.hubs["ann"].port, block)
    assert tess.register().status == 200
    assert tess.call("DELETE", "/registration?psrd=all").status == 400
    forged = tess.call("DELETE", "/registration?psrd=wipe", key=bytes(32))
    assert forged.status == 401 and not forged.signed
    old = tess.prepare("DELETE", "/registration?psrd=keep")
    assert tess.send(old).json == {"left": True}
    assert tess.pending().status == 401, "the polling key is forgotten"
    assert not is_registered_at(network.hubs["ann"], "tess")
    assert not tess.send(old).signed, "a replay"
    assert tess.register().status == 200
    assert is_registered_at(network.hubs["ann"], "tess")
    left = tess.call("DELETE", "/registration?psrd=wipe")
    assert left.status == 200 and left.signed and left.json == {"left": True}
    assert blocks(network.hubs["ann"], "tess") == set()
    assert tess.register().status == 401
    tess.close()


# --- empty stores ----------------------------------------------------------------------------------------------------------


def test_a_hub_made_anew_is_told_and_taken_up_when_the_operator_says_so(make_network):
    network = make_network(hubs=["ann", "ben", "cat"], shares_required=2).start()
    network.all_registered()
    carol = network.kmes["carol"]
    old = blocks(carol, "ann")
    renew(network, "ann")
    # Keys go on over the others, which also finds out that ann does not accept us.
    network.exchange("carol", "celia")
    eventually(lambda: states(carol)["ann"] == "refused", "carol says that ann accepts none of its PSRD", 40)
    (warning,) = [w for w in carol.status()["warnings"] if "accepted none of our PSRD" in w]
    assert "hub forget ann" in warning
    listed = json.loads(carol.command("psrd", "list", "--json").stdout)["warnings"]
    assert without_numbers(warning) in map(without_numbers, listed), "but for how often it was tried"
    assert "warning: hub ann answers" in carol.command("psrd", "list").stdout
    assert blocks(carol, "ann") == old, "nothing is dropped for what is not authenticated"
    file = network.assign("ann", "carol")
    one_line_error(carol.command("ingest-psrd", file, code=1), "made anew", "dske-kme hub forget ann")
    carol.command("hub", "forget", "ann")
    carol.command("ingest-psrd", file)
    assert registered(carol) == {"ann", "ben", "cat"}
    assert blocks(carol, "ann") == blocks(network.hubs["ann"], "carol") and not blocks(carol, "ann") & old
    assert not any("accepted none" in w for w in carol.status()["warnings"])


def test_a_kme_with_an_empty_store_begins_again_and_the_hubs_wipe_what_it_had(make_network):
    network = make_network(hubs=["ann", "ben"], shares_required=2).start()
    network.all_registered()
    carol = network.kmes["carol"]
    old = blocks(network.hubs["ann"], "carol")
    carol.terminate()
    shutil.rmtree(carol.state_dir)
    carol.command("init")
    for hub in network.hubs:
        carol.command("ingest-psrd", network.assign(hub, "carol"))
    carol.serve()
    carol.wait_ready()
    network.all_registered()
    for hub in network.hubs:
        assert blocks(carol, hub) == blocks(network.hubs[hub], "carol")
    assert not blocks(network.hubs["ann"], "carol") & old
    network.exchange("carol", "celia")


def test_a_block_is_dropped_by_the_operator_and_the_hub_hears_of_it(make_network):
    network = make_network(hubs=["ann", "ben"], clients={"carol": ["carol"]}, shares_required=2).start()
    network.all_registered()
    carol, ann = network.kmes["carol"], network.hubs["ann"]
    carol.command("ingest-psrd", network.assign("ann", "carol"))
    (first, second) = sorted(blocks(carol, "ann"))
    assert json.loads(carol.command("psrd", "drop", first, "--json").stdout) == {"block_uuid": first, "dropped": True}
    assert blocks(carol, "ann") == {second}
    eventually(lambda: blocks(ann, "carol") == {second}, "ann wipes it too")
    one_line_error(carol.command("psrd", "drop", first, code=1), f"there is no PSRD block {first}")
    carol.terminate()
    carol.command("psrd", "drop", second)
    assert blocks(carol, "ann") == set()


# --- joining by a PSRD file alone --------------------------------------------------------------------------------------------


def test_a_kme_without_a_list_joins_hubs_by_their_files_alone(make_network):
    network = make_network(hubs=["ann", "ben"], shares_required=2)
    for kme in network.kmes.values():
        value = yaml.safe_load(kme.config.read_text())
        del value["hubs"]
        kme.write_config(value)
    for hub in network.hubs.values():
        hub.command("init")
        for client, saes in network._clients.items():
            network.add_client(hub.name, client, saes)
        hub.serve()
        hub.wait_ready()
    for kme in network.kmes.values():
        kme.command("init")
        kme.serve()
        eventually(lambda kme=kme: "serves on" in kme.log_text(), "the KME serves")
        assert not kme.management.ready()
        dropped = network.assign("ann", kme.name)
        target = kme.state_dir / "psrd-in" / "dropped.json"
        shutil.copy(dropped, target.with_suffix(".tmp"))
        target.with_suffix(".tmp").rename(target)
        eventually(target.with_suffix(".json.refused").exists, "a dropped file joins no hub")
        assert "ingest-psrd" in kme.log_text()
        kme.command("ingest-psrd", dropped)
        kme.command("ingest-psrd", network.assign("ben", kme.name))
        assert registered(kme) == {"ann", "ben"}
        kme.wait_ready()
    network.exchange("carol", "celia")
    # The link is durable, and known hubs' files may be dropped.
    carol = network.kmes["carol"]
    carol.terminate()
    carol.serve()
    carol.wait_ready()
    network.all_registered()
    network.exchange("celia", "carol")
    target = carol.state_dir / "psrd-in" / "more.json"
    shutil.copy(network.assign("ann", "carol"), target.with_suffix(".tmp"))
    target.with_suffix(".tmp").rename(target)
    eventually(lambda: len(blocks(carol, "ann")) == 2, "a known hub's dropped file is ingested")
    # One that is left is not joined again by itself.
    carol.command("hub", "leave", "ben")
    assert set(states(carol)) == {"ann"}


def test_keys_that_had_no_psrd_can_be_had_right_after_the_ingestion(make_network):
    network = make_network(hubs=["ann", "ben"], shares_required=2, client_bytes=8192, hub_bytes=8192).start()
    network.all_registered()
    files = [network.assign(hub, "carol", client_bytes=262144, hub_bytes=262144) for hub in network.hubs]
    with network.sae("carol") as carol:
        answer = carol.enc_keys("celia")
        while answer.status == 200:
            answer = carol.enc_keys("celia", 32)
        assert answer.status == 503 and "PSRD is used up" in answer.message
        network.kmes["carol"].command("ingest-psrd", *files)
        assert carol.enc_keys("celia").status == 200
