"""PSRD files encrypted for their recipient: by a passphrase, or to a certificate; from assign to ingest-psrd."""

import base64
import pathlib
import secrets

import pytest

from nodes import eventually, one_line_error, run

MAGIC = b"DSKEsealed 1\n"
SIZES = ("--client-bytes", 16384, "--hub-bytes", 16384)


@pytest.fixture(scope="module")
def network(make_module_network):
    return make_module_network(hubs=["hank", "helen"]).start()


@pytest.fixture
def passphrase(tmp_path) -> pathlib.Path:
    path = tmp_path / "passphrase"
    write_secret(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")
    return path


def write_secret(path: pathlib.Path, contents: bytes) -> None:
    path.write_bytes(contents)
    path.chmod(0o600)


def make_recipient(directory: pathlib.Path, name: str, kind: str) -> tuple[pathlib.Path, pathlib.Path]:
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", *kind.split(), "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", key, "-out", certificate)  # fmt: skip
    return certificate, key


def assign(network, target: pathlib.Path, *recipient: object, code: int = 0):
    return network.hubs["hank"].command(
        "psrd", "assign", "--client", "carol", *SIZES, *recipient, "-o", target, code=code
    )


def blocks(network) -> int:
    return network.kmes["carol"].psrd("hank")["blocks"]


def refused(network, *arguments: object, words: tuple[str, ...]) -> None:
    """The KME refuses it with one line that says why, and nothing is changed."""
    before = blocks(network)
    files = [pathlib.Path(one) for one in arguments if pathlib.Path(str(one)).suffix == ".psrd"]
    contents = [file.read_bytes() for file in files]
    one_line_error(network.kmes["carol"].command("ingest-psrd", *arguments, code=1), *words)
    assert blocks(network) == before
    assert [file.read_bytes() for file in files] == contents


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("kind", ["passphrase", "rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-384"])
def test_an_encrypted_file_goes_from_assign_to_ingest(network, tmp_path, passphrase, kind, running):
    carol, hank = network.kmes["carol"], network.hubs["hank"]
    if kind == "passphrase":
        made_for, opened_by = ("--passphrase-file", passphrase), ("--passphrase-file", passphrase)
    else:
        certificate, key = make_recipient(tmp_path, "carol", kind)
        made_for, opened_by = ("--recipient", certificate), ("--recipient-key", key)
    before = blocks(network)
    if not running:
        assert carol.terminate() == hank.terminate() == 0
    target = tmp_path / "file.psrd"
    assign(network, target, *made_for)
    contents = target.read_bytes()
    assert contents.startswith(MAGIC)
    assert b"dske-psrd" not in contents and b"carol" not in contents[len(MAGIC) + 1024 :]
    assert not list((hank.state_dir / "psrd-out").rglob("*.json")) + list((hank.state_dir / "psrd-out").rglob("*.tmp"))
    carol.command("ingest-psrd", target, *opened_by)
    assert not target.exists()
    if not running:
        for node in (hank, carol):
            node.serve()
        for node in (hank, carol):
            node.wait_ready()
    network.all_registered()
    assert blocks(network) == before + 1
    network.exchange("carol", "celia")


def test_what_is_wrong_with_an_encrypted_file_is_told(network, tmp_path, passphrase):
    target = tmp_path / "file.psrd"
    assign(network, target, "--passphrase-file", passphrase)
    whole = target.read_bytes()
    with_it = ("--passphrase-file", passphrase)
    refused(network, target, words=(str(target), "it is encrypted", "--passphrase-file", "psrd_recipient"))
    other = tmp_path / "other"
    write_secret(other, b"another passphrase altogether\n")
    refused(network, target, "--passphrase-file", other, words=("the passphrase is not the one",))
    _, key = make_recipient(tmp_path, "carol", "rsa:2048")
    refused(network, target, "--recipient-key", key, words=("by a passphrase, not for a private key",))
    refused(network, target, "--recipient-key", key, *with_it, words=("not both",))
    refused(network, target, "--passphrase-file", tmp_path / "none", words=("none",))
    passphrase.chmod(0o644)
    refused(network, target, *with_it, words=("chmod 600",))
    passphrase.chmod(0o600)
    for name, contents, word in (
        ("a flipped bit", whole[:500] + bytes([whole[500] ^ 4]) + whole[501:], "damaged"),
        ("a byte less", whole[:-1], "cut off"),
        ("a byte more", whole + b"x", "damaged"),
        ("half of it", whole[: len(whole) // 2], "cut off"),
        ("its head alone", whole[:60], "cut off"),
    ):
        target.write_bytes(contents)
        refused(network, target, *with_it, words=(word,))
        assert name
    target.write_bytes(whole)
    network.kmes["carol"].command("ingest-psrd", target, *with_it)
    target.write_bytes(whole)
    refused(network, target, *with_it, words=("was ingested before",))


def test_a_file_for_another_key_is_refused(network, tmp_path):
    certificate, key = make_recipient(tmp_path, "carol", "rsa:2048")
    _, other = make_recipient(tmp_path, "celia", "rsa:2048")
    target = tmp_path / "file.psrd"
    assign(network, target, "--recipient", certificate)
    refused(network, target, "--recipient-key", other, words=("not encrypted for this private key",))
    refused(network, target, "--recipient-key", certificate, words=("chmod 600",))
    network.kmes["carol"].command("ingest-psrd", target, "--recipient-key", key)


def test_assign_makes_no_block_for_who_cannot_be_one(network, tmp_path):
    def made() -> int:
        return network.hubs["hank"].psrd("carol")["blocks"]

    before = made()
    target = tmp_path / "file.psrd"
    short = tmp_path / "short"
    write_secret(short, b"hunter2\n")
    weak, _ = make_recipient(tmp_path, "weak", "rsa:1024")
    for arguments, words in (
        (("--passphrase-file", short), ("shorter than 16 bytes",)),
        (("--passphrase-file", tmp_path / "none"), ("none",)),
        (("--recipient", weak), ("fewer than 2048 bits",)),
        (("--recipient", short), ("no certificate",)),
        (("--recipient", weak, "--passphrase-file", short), ("not both",)),
    ):
        one_line_error(assign(network, target, *arguments, code=1), *words)
        assert not target.exists()
    assert made() == before


def test_the_watched_folder_opens_what_the_configuration_names(network, tmp_path, passphrase):
    carol = network.kmes["carol"]
    carol.change_config(psrd_recipient={"passphrase_file": str(passphrase)})
    assert carol.terminate() == 0
    carol.serve()
    carol.wait_ready()
    network.all_registered()
    before = blocks(network)
    inbox = carol.state_dir / "psrd-in"
    target = tmp_path / "file.psrd"
    assign(network, target, "--passphrase-file", passphrase)
    target.rename(inbox / "file.psrd")
    eventually(lambda: blocks(network) == before + 1, "the file is ingested")
    eventually(lambda: not list(inbox.iterdir()), "the file is wiped")

    other = tmp_path / "other"
    write_secret(other, b"another passphrase altogether\n")
    assign(network, target, "--passphrase-file", other)
    target.rename(inbox / "other.psrd")
    eventually(lambda: [path.name for path in inbox.iterdir()] == ["other.psrd.refused"], "the file is refused")
    assert "the passphrase is not the one" in carol.log_text()
