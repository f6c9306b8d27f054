"""How a KME knows who calls: the places in a client certificate where an SAE ID can stand (docs/management.md, sae_id)."""

import contextlib
import time

import pytest

from etsi_client import EtsiClient, tls_context
from pki import fingerprint

CLIENTS = {"carol": ["gw1.example.net", "gw1@example.net", "gateway 1", "carol"], "celia": ["celia"]}


@pytest.fixture
def serving(make_network):
    """Starts a network whose KME carol takes SAE IDs as the given `sae_id` says; celia's KME uses the common name."""

    def start(sae_id: dict, clients=None):
        network = make_network(hubs=["hank", "helen"], clients=clients or CLIENTS)
        network.kmes["carol"].change_config(sae_id=sae_id)
        network.start()
        network.all_registered()
        return network

    return start


@contextlib.contextmanager
def caller(network, certificate):
    with EtsiClient(network.kmes["carol"].port, tls_context(network.pki.ca, *certificate)) as client:
        yield client


def speaks_for(network, certificate) -> str | None:
    """The SAE ID that the KME gives the holder of this certificate, which it can then use as a master."""
    with caller(network, certificate) as client, network.sae("celia") as celia:
        answer = client.status("celia")
        if answer.status == 401:
            assert answer.message and client.enc_keys("celia").status == 401
            return None
        name = answer.json["master_SAE_ID"]
        keys = client.enc_keys("celia").keys
        assert celia.dec_keys(name, list(keys)).keys == keys
        return name


def refusal(network, certificate) -> str:
    """Why the KME refuses this certificate, as it tells the caller and its log."""
    with caller(network, certificate) as client:
        answer = client.status("celia")
    assert answer.status == 401
    assert answer.message in network.kmes["carol"].log_text()
    return answer.message


def test_by_common_name_or_else_the_only_sae_uri(serving, pki):
    long_name = "Site A / Rack 7: " + "encryptor " * 27 + "é"
    assert len(long_name) == 288
    network = serving({"from": "common_name"}, {"carol": ["carol", long_name], "celia": ["celia"]})
    assert speaks_for(network, pki.issue("carol")) == "carol"
    uri = "URI:sae:Site%20A%20%2F%20Rack%207%3A%20" + "encryptor%20" * 27 + "%C3%A9"
    assert speaks_for(network, pki.issue_client("long", uri)) == long_name
    assert speaks_for(network, pki.issue_client("both", "URI:sae:carol", common_name="mallory")) is None
    assert "common name" in refusal(network, pki.issue_client("both", "URI:sae:carol", common_name="mallory"))
    assert "CN=mallory" in refusal(network, pki.issue_client("both", "URI:sae:carol", common_name="mallory"))


def test_by_uri(serving, pki):
    network = serving({"from": "san_uri", "uri_prefix": "urn:example:sae:"})
    good = pki.issue_client("uri", "URI:https://example.net/x", "URI:urn:example:sae:gateway%201", common_name="carol")
    assert speaks_for(network, good) == "gateway 1"
    two = pki.issue_client("two-uris", "URI:urn:example:sae:gateway%201", "URI:urn:example:sae:carol")
    assert speaks_for(network, two) is None and "several" in refusal(network, two)
    other = pki.issue_client("other-uri", "URI:urn:other:gateway%201", common_name="carol")
    assert speaks_for(network, other) is None
    assert speaks_for(network, pki.issue("carol")) is None


def test_by_dns_name(serving, pki):
    network = serving({"from": "san_dns"})
    good = pki.issue_client("dns", "DNS:gw1.example.net", "DNS:www.example.net", "email:gw1@example.net")
    assert speaks_for(network, good) == "gw1.example.net"
    assert speaks_for(network, pki.issue_client("dns-case", "DNS:GW1.example.net")) is None
    assert speaks_for(network, pki.issue_client("dns-cn", "DNS:www.example.net", common_name="carol")) is None


def test_by_email_address(serving, pki):
    network = serving({"from": "san_email"})
    good = pki.issue_client("email", "email:gw1@example.net", "DNS:gw1.example.net")
    assert speaks_for(network, good) == "gw1@example.net"
    assert speaks_for(network, pki.issue_client("email-dns", "DNS:gw1@example.net")) is None


def test_by_fingerprint(serving, pki):
    first, second = pki.issue_client("one", common_name="same"), pki.issue_client("two", common_name="same")
    stranger = pki.issue_client("three", common_name="carol")
    colons = fingerprint(first[0])
    plain = fingerprint(second[0]).replace(":", "").lower()
    unused = [f"{i:064x}" for i in (1, 2)]
    saes = {"gw1.example.net": [colons], "carol": [unused[0], plain], "gateway 1": [unused[1]], "gw1@example.net": ["f" * 64]}
    network = serving({"from": "fingerprint", "fingerprints": saes})
    assert speaks_for(network, first) == "gw1.example.net"
    assert speaks_for(network, second) == "carol"
    assert speaks_for(network, stranger) is None and "fingerprint" in refusal(network, stranger)


def test_a_slave_is_known_in_the_same_way(serving, pki):
    network = serving({"from": "san_dns"})
    certificate = pki.issue_client("dns", "DNS:gw1.example.net", "DNS:www.example.net", "email:gw1@example.net")
    with network.sae("celia") as celia, caller(network, certificate) as slave:
        keys = celia.enc_keys("gw1.example.net").keys
        assert slave.dec_keys("celia", list(keys)).keys == keys


def test_a_flood_of_refused_certificates_does_not_fill_the_log(serving, pki):
    network = serving({"from": "common_name"})
    begun = time.monotonic()
    with caller(network, pki.issue("mallory")) as client:
        for _ in range(200):
            assert client.status("celia").status == 401
    # A few a second.
    assert 0 < network.kmes["carol"].log_text().count("CN=mallory") < 50 + 4 * (time.monotonic() - begun)


@pytest.mark.parametrize(
    "sae_id", [{"from": "serial"}, {"from": "fingerprint"}, {"from": "san_dns", "uri_prefix": "x"}, {"where": "cn"}]
)
def test_a_wrong_setting_ends_the_start_with_its_place(make_network, sae_id):
    network = make_network(hubs=["hank", "helen"])
    kme = network.kmes["carol"]
    kme.change_config(sae_id=sae_id)
    refused = kme.command("init", code=1)
    assert "kme.yaml:" in refused.stderr
