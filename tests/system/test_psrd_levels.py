"""What operators see of PSRD: levels, rates and warnings, the same at both ends."""

import json
import re
import time

import pytest

from nodes import BIN, eventually, run


def psrd_list(node) -> dict:
    return json.loads(node.command("psrd", "list", "--json").stdout)


def by_block(node, peer: str) -> dict[str, dict]:
    """By block, the levels of each zone."""
    entries = psrd_list(node)["clients" if node.kind == "hub" else "hubs"]
    (entry,) = [entry for entry in entries if entry["name"] == peer]
    return {block["block_uuid"]: block["psrd"] for block in entry["blocks"]}


@pytest.fixture
def network(make_network):
    network = make_network(hubs=["ann", "ben"], shares_required=2, client_bytes=65536, hub_bytes=65536).start()
    network.all_registered()
    return network


def test_both_ends_agree_to_the_byte_after_a_registration(network):
    for number in (1, 7, 128):
        network.exchange("carol", "celia", number)
        network.exchange("celia", "carol", number)
    network.all_confirmed()
    for kme in network.kmes.values():
        for hub in network.hubs.values():
            kme.command("ingest-psrd", network.assign(hub.name, kme.name))  # which registers
    for kme in network.kmes.values():
        for hub in network.hubs.values():
            seen = by_block(kme, hub.name)
            assert len(seen) == 2
            assert seen == by_block(hub, kme.name), f"{kme.name} and {hub.name} differ"
            assert any(level["client_pad"]["left_bytes"] < level["client_pad"]["total_bytes"] for level in seen.values())
    # Without the daemons the same is shown, but for the bytes that were leased and given back.
    # The KMEs first: one that is left alone by a hub signs a registration.
    for node in [*network.kmes.values(), *network.hubs.values()]:
        node.terminate()
    for kme in network.kmes.values():
        for hub in network.hubs.values():
            assert by_block(kme, hub.name) == by_block(hub, kme.name)


def test_rates_and_the_time_that_is_left_are_told_by_both_ends(network):
    carol, ann = network.kmes["carol"], network.hubs["ann"]
    begun = time.monotonic()
    with network.sae("carol") as sae:
        for _ in range(12):
            assert sae.enc_keys("celia", 4).status == 200
            time.sleep(0.6)
    spent = 12 * (32 + 4 * 32)

    def rates(node, peer) -> dict | None:
        entries = psrd_list(node)["clients" if node.kind == "hub" else "hubs"]
        (psrd,) = [entry["psrd"] for entry in entries if entry["name"] == peer]
        return psrd if psrd["bytes_per_second"] else None

    for node, peer in ((carol, "ann"), (ann, "carol")):
        told = eventually(lambda node=node, peer=peer: rates(node, peer), f"{node.name} tells rates")
        # From the start of the node until now.
        least = spent / (time.monotonic() - begun + 60) * 0.5
        assert least < told["bytes_per_second"]["client_pad"] < spent / 7.2 * 1.5
        assert told["bytes_per_second"]["hub_pad"] == 0
        scarcest = min(
            told[zone]["left_bytes"] / rate for zone, rate in told["bytes_per_second"].items() if rate > 0.05
        )
        assert told["seconds_left"] == pytest.approx(scarcest, rel=0.1)
        table = node.command("psrd", "list").stdout
        header, first = table.splitlines()[:2]
        assert header.split() == [
            "HUB" if node is carol else "CLIENT", "LEVEL", "BLOCKS", "EMPTY", "IN", "ZONE", "LEFT", "(BYTES)", "OF",
            "(BYTES)", "BYTES/S",
        ]  # fmt: skip
        assert first.startswith(peer) and len(first) == len(header)
    carol.terminate()
    (psrd,) = [entry["psrd"] for entry in psrd_list(carol)["hubs"] if entry["name"] == "ann"]
    assert psrd["bytes_per_second"] is None and psrd["seconds_left"] is None


def test_warnings_come_at_a_quarter_and_a_tenth_at_both_ends(network):
    carol, ann = network.kmes["carol"], network.hubs["ann"]

    def levels() -> set[float]:
        return {
            entry["psrd"]["level_percent"]
            for node, peer in ((carol, "ann"), (ann, "carol"))
            for entry in psrd_list(node)["clients" if node.kind == "hub" else "hubs"]
            if entry["name"] == peer
        }

    def warnings(node, peer: str) -> list[str]:
        kind = "hub" if node is carol else "client"
        told = psrd_list(node)["warnings"]
        assert set(told) <= set(node.status()["warnings"])
        return [warning for warning in told if warning.startswith(f"PSRD with {kind} {peer} ")]

    assert warnings(carol, "ann") == warnings(ann, "carol") == []
    with network.sae("carol") as sae:
        for limit, word in ((25, "is low: "), (10, "is very low: ")):
            while min(levels()) > limit:
                assert sae.enc_keys("celia", 16).status == 200
            for node, peer in ((carol, "ann"), (ann, "carol")):
                (warning,) = warnings(node, peer)
                assert word in warning
                assert f"warning: {warning}" in node.command("psrd", "list").stdout


def test_keys_in_bundles_cost_at_most_a_tenth_more_psrd_than_the_lower_bound(make_topology):
    topology = make_topology(key_store={"enabled": False})
    topology.start()
    topology.manager("provision", "client/carol", "--client-bytes", 1048576, "--hub-bytes", 1048576)
    topology.manager("provision", "client/celia", "--client-bytes", 1048576, "--hub-bytes", 1048576)
    topology.all_registered()
    done = run(BIN / "dske-bench", "psrd", topology.file, "carol", "celia", "--requests", 5, "--number", 128)
    (ratio,) = re.findall(r"ratio (\d\.\d+)$", done.stdout, re.MULTILINE)
    assert float(ratio) < 1.1, done.stdout
    assert "the hubs tell the same levels" in done.stdout
    rows = [line for line in done.stdout.splitlines() if re.match("(master|slave) ", line)]
    ratios = {role: [float(row.split()[-1]) for row in rows if row.startswith(role)] for role in ("master", "slave")}
    assert len(ratios["master"]) == len(ratios["slave"]) == len(topology.hubs)
    assert all(1.0 <= one < 1.05 for one in ratios["master"]), done.stdout
    # A bundle is there when two hubs have answered: a slow one may not have been heard by then.
    assert all(one < 1.05 for one in ratios["slave"]) and sum(ratios["slave"]) >= 2, done.stdout
