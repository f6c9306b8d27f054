"""Real tunnels whose ends have wrong keys: another end's public key, another key under the same ID. And KMEs of another
vendor, which give right ones."""

import pytest

from etsi_server import EtsiServer
from nodes import eventually
from privileges import needs_root
from tunnel_devices import wg_key
from tunnel_losses import nothing_lost
from tunnels import HEALS

pytestmark = needs_root


@pytest.fixture
def etsi_server(pki):
    server = EtsiServer(pki.ca, *pki.issue("vendor", server=True))
    yield server
    server.close()


def test_wrong_public_key(make_tunnels):
    """Of the peer, in device and configuration of one end: no session can come about, and `status` of both ends says what is
    wrong. The other tunnels of the same adapters do not notice."""
    tunnels = make_tunnels(4, control=True, intervals={"rotate_seconds": 20})
    wrong = [tunnels.tunnels.pop(2), tunnels.tunnels.pop(2)]
    for tunnel, device, adapter in zip(wrong, (wrong[0].a, wrong[1].b), tunnels.adapters, strict=True):
        device.peer_public = wg_key()[1]
        adapter.config["interfaces"][tunnel.index]["peers"][0]["public_key"] = device.peer_public
    tunnels.make()
    try:
        for tunnel in wrong:
            tunnel.make()
        tunnels.start()
        tunnels.up_within(HEALS)

        def rotate():
            traffic = tunnels.watched_traffic(28)
            tunnels.another_key(tunnels.keys(), 60)
            return traffic.verdict()

        nothing_lost(rotate)
        for tunnel in wrong:
            for adapter, device in zip(tunnels.adapters, tunnel.ends, strict=True):

                def says_so(adapter=adapter, device=device) -> bool:
                    peer = adapter.peer(device)
                    assert peer["state"] == "shut" and not peer["adapter_reachable"], peer
                    return "does not know this tunnel" in peer["last_error"]

                eventually(says_so, f"status says what is wrong with {device.name}", 30)
                peer = adapter.peer(device)
                assert f"{device.name} {peer['sae_id']}: the other end's adapter does not know" in adapter.log_text()
            assert not tunnel.passes() and tunnel.a.psk() != tunnel.b.psk()
    finally:
        for tunnel in wrong:
            tunnel.close()


def test_kme_of_another_vendor(make_tunnels, etsi_server):
    tunnels = make_tunnels(2, control=True, intervals={"rotate_seconds": 20})
    for adapter in tunnels.adapters:
        adapter.config["kme"] = {"url": f"https://localhost:{etsi_server.port}"}
    tunnels.make()
    tunnels.start()
    tunnels.up_within(HEALS)

    def rotate():
        traffic = tunnels.watched_traffic(28)
        tunnels.another_key(tunnels.keys(), 60)
        return traffic.verdict()

    nothing_lost(rotate)
    assert etsi_server.delivered >= 4
    assert all(adapter.status()["kme"] == "vendor-1" for adapter in tunnels.adapters)


def test_different_keys_of_the_same_id(make_tunnels, etsi_server):
    """Nothing is set at either end, and both say so; once the keys are right the tunnels work."""
    tunnels = make_tunnels(2)
    for adapter in tunnels.adapters:
        adapter.config["kme"] = {"url": f"https://localhost:{etsi_server.port}"}
    etsi_server.wrong = True
    tunnels.make()
    tunnels.start()
    eventually(lambda: etsi_server.delivered >= 6, "keys are fetched", 60)
    eventually(lambda: tunnels.all_say("different keys"), "both ends say so", 30)
    assert tunnels.states() == {"shut"}
    for adapter in tunnels.adapters:
        assert "is set" not in adapter.log_text()
    assert not any(tunnel.same_key or tunnel.passes() for tunnel in tunnels.tunnels)
    etsi_server.wrong = False
    print(f"healed {tunnels.up_within(HEALS):.2f} s after the KME was right")
