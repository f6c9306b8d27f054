"""PSRD from the hub's operator to the KME's: each block is ingested exactly once, and only where it belongs."""

import json
import os
import shutil

import pytest

import dske_wire as wire
from nodes import eventually, one_line_error


@pytest.fixture(scope="module")
def network(make_module_network):
    network = make_module_network(hubs=["hank", "helen"], clients={"carol": ["carol"], "celia": ["celia"]})
    network.start()
    network.all_registered()
    return network


@pytest.fixture(params=["running", "stopped"])
def carol(request, network):
    """The KME carol, whose commands must do the same whether its daemon runs or not."""
    node = network.kmes["carol"]
    if request.param == "stopped":
        assert node.terminate() == 0
    yield node
    if not node.process.running:
        node.serve()
        node.wait_ready()


def levels(node) -> dict:
    """What is there, without the rates, which change by themselves."""
    told = json.loads(node.command("psrd", "list", "--json").stdout)
    for hub in told["hubs"]:
        for psrd in [hub["psrd"], *(block["psrd"] for block in hub["blocks"])]:
            psrd.pop("bytes_per_second", None)
            psrd.pop("seconds_left", None)
    return told


def damaged_files(good: bytes):
    """Names and contents of files that must be refused."""
    value = json.loads(good)

    def with_change(**changes) -> bytes:
        return json.dumps({**value, **changes}).encode()

    yield "empty", b""
    yield "no JSON", b"PSRD"
    yield "not an object", b"[]"
    yield "cut off", good[: len(good) // 2]
    yield "cut off by a byte", good.rstrip()[:-1]
    yield "with something behind it", good.rstrip() + b"{}"
    yield "another format", with_change(format="dske-psrd-2")
    half = value["client_half"]
    flipped = ("B" if half[0] == "A" else "A") + half[1:]
    yield "a flipped bit", with_change(client_half=flipped)
    yield "halves exchanged", with_change(client_half=value["hub_half"], hub_half=half)
    yield "a wrong checksum", with_change(checksum="0" * 64)
    yield "no checksum", json.dumps({k: v for k, v in value.items() if k != "checksum"}).encode()
    yield "an unknown member", with_change(extra=1)
    yield "another block's name", with_change(block_uuid="00000000-0000-4000-8000-000000000000")
    yield "a block name that is none", with_change(block_uuid="x")
    yield "zones that do not fit", with_change(zones={**value["zones"], "client_pad": value["zones"]["client_pad"] + 1})
    yield "negative zones", with_change(zones={**value["zones"], "client_pad": -1})
    yield "zones as text", with_change(zones={zone: str(size) for zone, size in value["zones"].items()})
    yield "no base64", with_change(client_half="*" * len(half))
    yield "another client in its head", with_change(client={**value["client"], "name": "celia"})


def test_damaged_files_are_refused_and_change_nothing(network, carol, tmp_path):
    good_file = network.assign("hank", "carol")
    good = good_file.read_bytes()
    before = levels(carol)
    messages = {}
    for what, content in damaged_files(good):
        path = tmp_path / "damaged.json"
        path.write_bytes(content)
        done = carol.command("ingest-psrd", path, code=1)
        messages[what] = one_line_error(done, "damaged.json")
        assert path.exists(), f"{what}: a refused file stays with its owner"
        assert levels(carol) == before, what
    assert "checksum" in messages["a flipped bit"]
    assert "format" in messages["another format"]
    carol.command("ingest-psrd", good_file)
    assert levels(carol) != before
    assert not good_file.exists(), "an ingested file is wiped and removed"


def test_a_file_is_ingested_once_for_ever(network, carol, tmp_path):
    file = network.assign("hank", "carol")
    copy = tmp_path / "copy.json"
    shutil.copy(file, copy)
    carol.command("ingest-psrd", file)
    after = levels(carol)
    done = carol.command("ingest-psrd", copy, code=1)
    one_line_error(done, "copy.json", "before")
    assert levels(carol) == after


def test_a_file_for_another_client_is_refused(network, carol):
    file = network.assign("hank", "celia")
    before = levels(carol)
    one_line_error(carol.command("ingest-psrd", file, code=1), "celia")
    assert levels(carol) == before
    network.kmes["celia"].command("ingest-psrd", file)


def test_a_file_of_a_hub_that_is_not_configured_is_refused(network, make_network, carol):
    strangers = make_network(hubs=["mallory"], clients={})
    strangers.provision()
    strangers.add_client("mallory", "carol", ["carol"])
    file = strangers.assign("mallory", "carol")
    before = levels(carol)
    one_line_error(carol.command("ingest-psrd", file, code=1), "mallory")
    assert levels(carol) == before


def test_a_file_of_an_impostor_of_a_configured_hub_is_refused(network, make_network, carol):
    """Another hub of the same name has another id."""
    strangers = make_network(hubs=["hank"], clients={})
    strangers.provision()
    strangers.add_client("hank", "carol", ["carol"])
    before = levels(carol)
    one_line_error(carol.command("ingest-psrd", strangers.assign("hank", "carol"), code=1), "hank")
    assert levels(carol) == before


def test_a_missing_file_and_a_directory_are_refused(carol, tmp_path):
    one_line_error(carol.command("ingest-psrd", tmp_path / "missing.json", code=1), "missing.json")
    one_line_error(carol.command("ingest-psrd", tmp_path, code=1), str(tmp_path))


def test_the_right_files_among_wrong_ones_are_ingested(network, carol, tmp_path):
    good = network.assign("helen", "carol")
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    done = carol.command("ingest-psrd", bad, good, code=1)
    assert "bad.json" in done.stderr
    assert not good.exists()


def test_a_drop_into_psrd_in_is_ingested_and_raises_the_levels(network):
    carol = network.kmes["carol"]
    before = carol.psrd("hank")
    file = network.assign("hank", "carol")
    inbox = carol.state_dir / "psrd-in"
    partial = carol.state_dir / "arriving"
    shutil.copy(file, partial)
    os.rename(partial, inbox / "block.json")
    eventually(lambda: carol.psrd("hank")["blocks"] == before["blocks"] + 1, "the block is ingested")
    after = carol.psrd("hank")
    for zone in wire.ZONES:
        assert after[zone]["total_bytes"] > before[zone]["total_bytes"]
    eventually(lambda: not (inbox / "block.json").exists(), "the file is gone")
    # The same once more is refused beside a log line, and wiped: its bytes are of no use to anybody.
    shutil.copy(file, partial)
    os.rename(partial, inbox / "again.json")
    eventually(lambda: "again.json" in carol.log_text(), "the copy is refused")
    eventually(lambda: not list(inbox.iterdir()), "the copy is wiped")
    assert carol.psrd("hank")["blocks"] == before["blocks"] + 1


def test_a_damaged_drop_is_renamed_and_logged(network):
    carol = network.kmes["carol"]
    inbox = carol.state_dir / "psrd-in"
    partial = carol.state_dir / "arriving"
    partial.write_text('{"format": "dske-psrd-1"')
    os.rename(partial, inbox / "broken.json")
    eventually(lambda: (inbox / "broken.json.refused").exists(), "the file is refused")
    assert "broken.json" in carol.log_text()
    network.exchange("carol", "celia")


def test_new_psrd_is_used_at_once_when_the_old_is_spent(make_network):
    """Small blocks: the pads run out, the answer says so, and keys come again with the next block."""
    network = make_network(hubs=["hank", "helen"], client_bytes=8192, hub_bytes=65536).start()
    network.all_registered()
    with network.sae("carol") as carol:
        answer = None
        for _ in range(300):
            answer = carol.enc_keys("celia")
            if answer.status != 200:
                break
        assert answer.status == 503
        assert "PSRD" in answer.message or "pre-shared" in answer.message
        warnings = " ".join(network.kmes["carol"].status()["warnings"])
        assert "hank" in warnings and "helen" in warnings
        for hub in network.hubs:
            network.kmes["carol"].command("ingest-psrd", network.assign(hub, "carol", 262144, 262144))
        eventually(lambda: carol.enc_keys("celia").status == 200, "keys come again", 5)
    network.exchange("carol", "celia", 10)


def test_hubs_and_kmes_agree_on_levels(network):
    network.exchange("carol", "celia")
    for hub in network.hubs.values():
        for kme in network.kmes.values():
            for zone in wire.ZONES:
                assert hub.psrd(kme.name)[zone]["total_bytes"] >= kme.psrd(hub.name)[zone]["total_bytes"]
            assert 0 <= kme.psrd(hub.name)["level_percent"] <= 100


def test_assigned_files_are_what_the_protocol_says(network):
    """parse_psrd checks the checksum and the zones."""
    hank = network.hubs["hank"]
    block = wire.parse_psrd(network.assign("hank", "carol", 65536, 131072).read_bytes())
    assert (block.hub_name, block.client_name) == ("hank", "carol")
    assert block.zone_sizes[0] + block.zone_sizes[1] == 65536
    assert block.zone_sizes[2] + block.zone_sizes[3] == 131072
    assert block.zone_sizes[0] == 16384 and block.zone_sizes[2] == 32768
    assert block.endpoint == f"http://127.0.0.1:{hank.port}"
    assert str(block.hub_id) == hank.status()["hub_id"]
    assert len(set(block.data[i : i + 16] for i in range(0, len(block.data), 16))) == len(block.data) // 16
    assert str(block.block) in hank.command("psrd", "list", "--json").stdout


def test_an_operator_chooses_how_a_block_is_divided(network, tmp_path, carol):
    hank = network.hubs["hank"]
    file = tmp_path / "divided.json"
    hank.command(
        "psrd", "assign", "--client", "carol", "--client-bytes", 65536, "--hub-bytes", 32768,
        "--client-authenticator-percent", 50, "--hub-authenticator-percent", 97, "-o", file,
    )  # fmt: skip
    made = json.loads(file.read_text())
    zones = made["zones"]
    assert zones["client_authenticator"] == 32768 and zones["client_pad"] == 32768
    assert zones["hub_authenticator"] == 32768 * 97 // 100 // 32 * 32
    carol.command("ingest-psrd", file)
    assert made["block_uuid"] in carol.command("psrd", "list", "--json").stdout


@pytest.mark.parametrize(
    "arguments, mentioned",
    [
        (["--client", "nobody", "--client-bytes", "65536", "--hub-bytes", "65536"], "nobody"),
        (["--client", "carol", "--client-bytes", "0", "--hub-bytes", "65536"], "bytes"),
        (["--client", "carol", "--client-bytes", "x", "--hub-bytes", "65536"], ""),
        (
            ["--client", "carol", "--client-bytes", "65536", "--hub-bytes", "65536", "--hub-authenticator-percent", "100"],
            "1 to 99",
        ),
    ],
)
def test_wrong_assignments_are_refused(network, tmp_path, arguments, mentioned):
    target = tmp_path / "out.json"
    done = network.hubs["hank"].command("psrd", "assign", *arguments, "-o", target, code=None)
    assert done.returncode in (1, 2)
    assert mentioned in one_line_error(done)
    assert not target.exists()


def test_assign_does_not_overwrite_a_file(network, tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    done = network.hubs["hank"].command(
        "psrd", "assign", "--client", "carol", "--client-bytes", 65536, "--hub-bytes", 65536, "-o", target, code=1
    )
    one_line_error(done, "precious")
    assert target.read_text() == "precious"


def test_psrd_files_are_private(network):
    file = network.assign("hank", "carol")
    assert file.stat().st_mode & 0o077 == 0
