"""Certificates, authorities and revocation lists that change while a KME runs, and what the log says of the refused."""

import json
import shutil
import ssl

import pytest

from etsi_client import EtsiClient, tls_context
from network import Network
from nodes import eventually, run
from pki import Pki

REFUSED = (ssl.SSLError, ConnectionError, OSError)


def is_served(client: EtsiClient) -> bool:
    """Whether a new connection of this SAE is answered."""
    client.close()
    try:
        return client.status("celia").status == 200
    except REFUSED:
        return False
    finally:
        client.close()


def logged(log_text, node: str, text: str) -> str:
    """The first line of the node's log with this text, which may still be under way."""

    def line():
        return next((line for line in log_text(node).splitlines() if text in line), None)

    return eventually(line, f"{node} logs {text!r}")


@pytest.fixture
def two(make_topology):
    topology = make_topology()
    topology.start()
    topology.all_registered()
    return topology


def test_a_revoked_sae_is_cut_off_and_its_next_certificate_is_served(two):
    with two.sae("carol") as carol, two.sae("celia") as celia:
        assert carol.status("celia").status == 200
        assert celia.status("carol").status == 200
        pids = two.pids()
        two.manager("pki", "revoke", "sae/carol")
        eventually(lambda: not is_served(two.sae("carol")), "carol's certificate is refused")
        line = logged(two.log_text, "carol", "certificate revoked")
        assert '"CN=carol"' in line

        listed = json.loads(two.command(["--json"], "pki", "list").stdout)["certificates"]
        assert [entry["subject"] for entry in listed if entry["problem"] == "it is revoked"] == ["sae/carol"]
        two.manager("pki", "issue")
        assert is_served(two.sae("carol"))
        assert celia.status("carol").status == 200
        assert two.pids() == pids


def test_a_revocation_list_that_is_lost_is_not_forgotten_silently(make_topology):
    topology = make_topology()
    topology.start()
    topology.manager("stop")
    (topology.run / "pki" / "ca.crl").unlink()
    refused = topology.manager("start", code=1)
    assert "ca.crl is missing" in refused.stderr
    assert "Made an empty revocation list" in topology.manager("pki", "init").stdout
    topology.start()
    topology.exchange("carol", "celia")


def test_an_open_connection_of_a_revoked_sae_gets_no_further_key(two):
    with two.sae("carol") as carol:
        assert carol.status("celia").status == 200
        two.manager("pki", "revoke", "sae/carol")
        eventually(lambda: "certificates loaded anew" in two.log_text("carol"), "the list is read")
        with pytest.raises(REFUSED):
            carol.connect().request("GET", "/api/v1/keys/celia/enc_keys")
            assert carol.connect().getresponse().status != 200
        assert '"CN=carol"' in logged(two.log_text, "carol", "its certificate is not accepted any more")


def test_a_kmes_renewed_certificate_is_presented_without_a_restart(two):
    def presented() -> str:
        with two.sae("carol") as client:
            return client.connect().sock.getpeercert()["serialNumber"]

    before, pids = presented(), two.pids()
    with two.sae("carol") as old:
        assert old.status("celia").status == 200
        two.manager("pki", "renew", "kme/carol")
        eventually(lambda: presented() != before, "the renewed certificate is presented")
        assert old.status("celia").status == 200  # the connection has gone on
    assert two.pids() == pids


@pytest.fixture
def network(make_network) -> Network:
    made = make_network()
    made.start()
    return made


def certificate(pki: Pki, name: str, *, begins: str, ends: str, ca: Pki | None = None):
    """A client certificate of this validity (YYYYMMDDHHMMSSZ)."""
    ca = ca or pki
    folder = pki.directory / f"dated-{name}"
    folder.mkdir(exist_ok=True)
    request, crt, key, index = (folder / f"{name}.{end}" for end in ("csr", "crt", "key", "index"))
    run(
        "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", f"/CN={name}", "-keyout", key, "-out", request,
    )  # fmt: skip
    index.write_text("")
    config = folder / "ca.cnf"
    config.write_text(
        f"[ca]\ndefault_ca = it\n[it]\ndatabase = {index}\nnew_certs_dir = {folder}\nrand_serial = yes\n"
        f"certificate = {ca.ca}\nprivate_key = {ca.ca_key}\ndefault_md = sha256\npolicy = any\nx509_extensions = leaf\n"
        "[any]\ncommonName = supplied\n[leaf]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = clientAuth\n"
    )
    run(
        "openssl", "ca", "-batch", "-notext", "-config", config, "-in", request, "-out", crt,
        "-startdate", begins, "-enddate", ends,
    )  # fmt: skip
    return crt, key


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        ("20200101000000Z", "20210101000000Z", "certificate has expired"),
        ("20900101000000Z", "20910101000000Z", "certificate is not yet valid"),
    ],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_out_of_its_time_is_refused_and_named_in_the_log(network, pki, begins, ends, said):
    crt, key = certificate(pki, "carol", begins=begins, ends=ends)
    kme = network.kmes["carol"]
    assert not is_served(EtsiClient(kme.port, tls_context(pki.ca, crt, key)))
    line = logged(lambda _: kme.log_text(), "carol", said)
    assert '"CN=carol"' in line and "serial number" in line and f"valid from {begins[:4]}-" in line
    assert is_served(network.sae("carol"))


def test_a_certificate_of_a_stranger_is_named_in_the_log(network, pki, foreign_pki):
    crt, key = foreign_pki.issue("mallory")
    kme = network.kmes["carol"]
    assert not is_served(EtsiClient(kme.port, tls_context(pki.ca, crt, key)))
    line = logged(lambda _: kme.log_text(), "carol", "CN=mallory")
    assert "unable to get local issuer certificate" in line


def test_several_authorities_in_one_file_or_in_several(make_network, pki, tmp_path, foreign_pki):
    """An SAE's certificate may come from any of them; one can be added and taken away while the KME runs."""
    trusted = tmp_path / "trusted.crt"
    shutil.copy(pki.ca, trusted)
    network = make_network()
    kme = network.kmes["carol"]
    config = kme.config.read_text().replace(f"client_ca: {pki.ca}", f"client_ca: [{trusted}, {pki.ca}]")
    assert str(trusted) in config
    kme.config.write_text(config)
    network.start()
    foreign = EtsiClient(kme.port, tls_context(pki.ca, *foreign_pki.issue("carol", directory="second")))
    assert is_served(network.sae("carol"))
    assert not is_served(foreign)
    trusted.write_text(pki.ca.read_text() + foreign_pki.ca.read_text())
    eventually(lambda: is_served(foreign), "the second authority is trusted")
    assert is_served(network.sae("carol"))
    shutil.copy(pki.ca, trusted)
    eventually(lambda: not is_served(foreign), "the second authority is not trusted any more")
    assert is_served(network.sae("carol"))


def test_files_that_cannot_be_used_are_logged_and_change_nothing(make_network, pki, tmp_path):
    own = tmp_path / "own.crt"
    network = make_network()
    kme = network.kmes["carol"]
    crt, _ = pki.issue("carol", server=True)
    shutil.copy(crt, own)
    kme.config.write_text(kme.config.read_text().replace(f"certificate: {crt}", f"certificate: {own}"))
    network.start()
    own.write_text("this is no certificate\n")
    eventually(lambda: f"the certificate file {own} cannot be used" in kme.log_text(), "the log says so")
    assert is_served(network.sae("carol"))
    shutil.copy(crt, own)
    eventually(lambda: "certificates loaded anew" in kme.log_text(), "the mended file is read")
    assert is_served(network.sae("carol"))


def test_a_start_with_files_that_cannot_be_used_says_which(make_network, pki, tmp_path):
    network = make_network()
    kme = network.kmes["carol"]
    missing = tmp_path / "missing.crl"
    ca = f"client_ca: {pki.ca}"
    kme.config.write_text(kme.config.read_text().replace(ca, f"{ca}\n  client_crl: {missing}"))
    kme.command("init")
    done = run(*[kme.binary, "serve", "--config", kme.config], code=1)
    assert str(missing) in done.stderr
