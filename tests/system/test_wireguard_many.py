"""One adapter with 200 peers on real devices."""

import pytest

from nodes import eventually
from privileges import needs_root
from tunnel_network import SAES
from wireguard_many import ManyTunnels

pytestmark = needs_root

RESIDENT_KIB_MOST = 20_000_000 // 1024  # of the adapter


@pytest.fixture
def many(make_network, pki):
    network = make_network(clients=SAES, client_bytes=4 << 20, hub_bytes=4 << 20).start()
    network.all_registered()
    many = ManyTunnels(network, pki, 10, 20, rotate_seconds=20)
    yield many
    many.close()


def test_200_peers(many):
    """All get a key, and another one; memory stays bounded."""
    many.make()
    print(f"all active after {many.start():.1f} s")
    first = {(peer["interface"], peer["public_key"]): peer["key_id"] for peer in many.peers()}
    assert len(first) == 400

    def all_rotated() -> bool:
        now = {(peer["interface"], peer["public_key"]): peer["key_id"] for peer in many.peers()}
        return all(now[tunnel] not in (None, key) for tunnel, key in first.items())

    eventually(all_rotated, "every peer has another key", 60)
    costs = many.cost(25)
    print(costs)
    for one in costs:
        assert one["resident_kib"] < RESIDENT_KIB_MOST and one["helper_resident_kib"] < RESIDENT_KIB_MOST / 2
    eventually(
        lambda: all(peer["state"] == "active" and not peer["last_error"] for peer in many.peers()), "all is well", 60
    )
